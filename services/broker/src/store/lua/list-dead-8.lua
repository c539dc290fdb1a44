-- Lists dead messages, oldest first.
--
-- KEYS  see messages.lua
-- ARGV  now, deliveries after which a message is dead, id that they follow, how many
--
-- Returns { id, body, deliveries, consumer, id, body, deliveries, consumer, ... }

unlockExpired(tonumber(ARGV[2]), 1000)
local reply = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEAD, '(' .. ARGV[3], '+inf', 'LIMIT', 0, ARGV[4])) do
  local deliveries, consumer = holdOf(id)
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', BODIES, id)
  reply[#reply + 1] = deliveries
  reply[#reply + 1] = consumer
end
return reply
