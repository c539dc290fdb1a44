-- Locks a message that the consumer holds for longer, or shorter.
--
-- KEYS  see messages.lua
-- ARGV  now, consumer, id, visibility in ms
--
-- Returns 1; 0 if the consumer does not hold it (any more)

local consumer, id, visibilityMs = ARGV[2], ARGV[3], tonumber(ARGV[4])
if not isHeld(id, consumer) then return 0 end
redis.call('ZREM', LOCKED, id)
redis.call('ZADD', LOCKED, string.format('%.0f', now + visibilityMs), id)
return 1
