-- Appends a message, unless the backlog is full.
--
-- KEYS  see messages.lua
-- ARGV  now, body, fingerprint of an idempotent call or '', and the limits: messages, bytes, ageMs, keyed answers in
--       24 h or -1 for any number; the channel that tells waiting consumers
--
-- Returns the id; 'reused' for an idempotency key of another call; 'gone' when the venue was deleted; or the name of the
-- limit: 'messages', 'bytes', 'age' or 'keys'

local body, fingerprint = ARGV[2], ARGV[3]
local messagesMax, bytesMax, ageMsMax, keyedMax = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local kept = keptAnswer(fingerprint)
if kept then return kept end

local last, bytes, keyed, keyedSince, deleted =
  unpack(redis.call('HMGET', META, 'last', 'bytes', 'keyed', 'keyedSince', 'deleted'))
if deleted then return 'gone' end
bytes = tonumber(bytes or 0) + #body
if redis.call('HLEN', BODIES) >= messagesMax then return 'messages' end
if bytes > bytesMax then return 'bytes' end
local oldest = redis.call('ZRANGE', RETURNED, 0, 0)[1] or redis.call('LINDEX', QUEUE, 0)
if oldest and now - tonumber(oldest) / 1000 > ageMsMax then return 'age' end
if fingerprint ~= '' and keyedMax >= 0 then
  if not keyedSince or now - tonumber(keyedSince) >= 86400000 then
    keyed, keyedSince = 0, now
  end
  if tonumber(keyed) >= keyedMax then return 'keys' end
  keyed = keyed + 1
end

local id = string.format('%.0f', math.max(tonumber(last or 0) + 1, now * 1000))
redis.call('HSET', BODIES, id, body)
redis.call('RPUSH', QUEUE, id)
if keyed then
  redis.call('HSET', META, 'last', id, 'bytes', bytes, 'keyed', keyed, 'keyedSince', keyedSince)
else
  redis.call('HSET', META, 'last', id, 'bytes', bytes)
end
keepAnswer(fingerprint, id)
redis.call('SPUBLISH', ARGV[8], '')
return id
