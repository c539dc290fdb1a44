-- Locks the oldest messages to a consumer.
--
-- KEYS  see messages.lua
-- ARGV  now, consumer, how many, visibility in ms, deliveries after which a message is dead
--
-- Returns { unlockAt, id, body, deliveries, id, body, deliveries, ... }
--   unlockAt  when the next locked message is unlocked, in ms; '' if none is

local consumer, limit, visibilityMs, deliveriesMax = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
unlockExpired(deliveriesMax, 1000)

local ids = {}
local returned = redis.call('ZPOPMIN', RETURNED, limit)
for at = 1, #returned, 2 do ids[#ids + 1] = returned[at] end
if #ids < limit then
  for _, id in ipairs(redis.call('LPOP', QUEUE, limit - #ids) or {}) do ids[#ids + 1] = id end
end
if #ids == 0 then
  return { redis.call('ZRANGE', LOCKED, 0, 0, 'WITHSCORES')[2] or '' }
end

local bodies = redis.call('HMGET', BODIES, unpack(ids))
local before = redis.call('HMGET', HOLDS, unpack(ids))
local holds, locks, reply = {}, {}, { '' }
for at, id in ipairs(ids) do
  local deliveries = tonumber((before[at] or '0'):match('^%d+')) + 1
  holds[2 * at - 1], holds[2 * at] = id, deliveries .. ' ' .. consumer
  locks[2 * at - 1], locks[2 * at] = string.format('%.0f', now + visibilityMs), id
  reply[#reply + 1] = id
  reply[#reply + 1] = bodies[at]
  reply[#reply + 1] = deliveries
end
redis.call('HSET', HOLDS, unpack(holds))
redis.call('ZADD', LOCKED, unpack(locks))
redis.call('ZINCRBY', CONSUMERS, #ids, consumer)
return reply
