-- Makes a dead message available again, as if it had never been delivered.
--
-- KEYS  see messages.lua
-- ARGV  now, id, deliveries after which a message is dead, fingerprint of an idempotent call or '', the channel that
--       tells waiting consumers
--
-- Returns 'done'; 'none' if there is no such dead message; 'reused' for an idempotency key of another call

local id, fingerprint = ARGV[2], ARGV[4]
local kept = keptAnswer(fingerprint)
if kept then return kept end
unlockExpired(tonumber(ARGV[3]), 1000)
if redis.call('ZREM', DEAD, id) == 0 then return 'none' end
redis.call('HDEL', HOLDS, id)
redis.call('ZADD', RETURNED, id, id)
keepAnswer(fingerprint, 'done')
redis.call('SPUBLISH', ARGV[5], '')
return 'done'
