-- Shared by all scripts about the messages of one venue. All keys have the hash tag of the venue.
--
-- KEYS  1 meta       hash: last (id given last), bytes (of all bodies), keyed (answers kept in this window), deleted
--       2 queue      list: ids that were never delivered, in order
--       3 returned   sorted set by id: ids that were unlocked or requeued; all are before those of the queue
--       4 bodies     hash by id, of all messages
--       5 holds      hash by id: "deliveries consumer" of the last delivery
--       6 locked     sorted set of ids by the time of unlocking, in ms
--       7 consumers  sorted set of consumers by the number of ids they have locked
--       8 dead       sorted set by id
--       9 answer     string: "fingerprint answer" of an idempotent call; only where the name of the script ends in 9
--
-- An id is a time in µs, as 16 digits. It is above all ids before it, so that ids sort by time of publishing.
--
-- Redis out of memory refuses a script at its first write, if that may take memory, and lets it finish otherwise: what
-- helps to empty the queue begins with a write that frees some.

local META, QUEUE, RETURNED, BODIES, HOLDS, LOCKED, CONSUMERS, DEAD = unpack(KEYS, 1, 8)
local now = tonumber(ARGV[1])

local function holdOf(id)
  local hold = redis.call('HGET', HOLDS, id)
  if not hold then return 0, '' end
  local deliveries, consumer = hold:match('^(%d+) (.*)$')
  return tonumber(deliveries), consumer
end

local function isHeld(id, consumer)
  local unlockAt = redis.call('ZSCORE', LOCKED, id)
  if not unlockAt or tonumber(unlockAt) <= now then return false end
  local _, holder = holdOf(id)
  return holder == consumer
end

local function countRelease(consumer)
  if tonumber(redis.call('ZINCRBY', CONSUMERS, -1, consumer)) <= 0 then
    redis.call('ZREM', CONSUMERS, consumer)
  end
end

-- Unlocks up to `max` ids whose visibility time has passed.
local function unlockExpired(deliveriesMax, max)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', LOCKED, '-inf', now, 'LIMIT', 0, max)) do
    redis.call('ZREM', LOCKED, id)
    local deliveries, consumer = holdOf(id)
    redis.call('ZADD', deliveries >= deliveriesMax and DEAD or RETURNED, id, id)
    countRelease(consumer)
  end
end

-- The kept answer of an idempotent call; false if there is none, 'reused' if it was to another call.
local function keptAnswer(fingerprint)
  local kept = fingerprint ~= '' and redis.call('GET', KEYS[9])
  if not kept then return false end
  local of, answer = kept:match('^(%S+) (.*)$')
  return of == fingerprint and answer or 'reused'
end

local function keepAnswer(fingerprint, answer)
  if fingerprint == '' then return end
  redis.call('SET', KEYS[9], fingerprint .. ' ' .. answer, 'EX', 86400)
end
