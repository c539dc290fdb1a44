-- Counts the messages.
--
-- KEYS  see messages.lua
-- ARGV  now, deliveries after which a message is dead, how many consumers
--
-- Returns { ready, locked, dead, oldest, consumer, locked, consumer, locked, ... }
--   oldest  id of the oldest message that is ready; '' if none is

unlockExpired(tonumber(ARGV[2]), 1000)
local reply = {
  redis.call('LLEN', QUEUE) + redis.call('ZCARD', RETURNED),
  redis.call('ZCARD', LOCKED),
  redis.call('ZCARD', DEAD),
  redis.call('ZRANGE', RETURNED, 0, 0)[1] or redis.call('LINDEX', QUEUE, 0) or '',
}
for _, value in ipairs(redis.call('ZREVRANGE', CONSUMERS, 0, ARGV[3] - 1, 'WITHSCORES')) do
  reply[#reply + 1] = value
end
return reply
