-- Deletes a message that the consumer holds.
--
-- KEYS  see messages.lua
-- ARGV  now, consumer, id
--
-- Returns 1; 0 if the consumer does not hold it (any more)

local consumer, id = ARGV[2], ARGV[3]
if not isHeld(id, consumer) then return 0 end
local bytes = redis.call('HSTRLEN', BODIES, id)
redis.call('ZREM', LOCKED, id)
redis.call('HDEL', BODIES, id)
redis.call('HDEL', HOLDS, id)
countRelease(consumer)
redis.call('HINCRBY', META, 'bytes', -bytes)
return 1
