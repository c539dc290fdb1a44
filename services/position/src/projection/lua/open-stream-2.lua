-- Registers a live stream of a party, if it may have one more. Streams are held by any process; those of a process
-- that has not renewed its claim in time (it crashed) do not count.
--
-- KEYS[1]  streams of the party: sorted set, score = time of opening (ms), member = "process:number"
-- KEYS[2]  processes that hold streams of the queue: sorted set, score = end of the claim (ms)
-- ARGV[1]  now (ms)
-- ARGV[2]  end of this process's claim (ms)
-- ARGV[3]  process
-- ARGV[4]  stream
-- ARGV[5]  maximum number of streams of a party
-- ARGV[6]  age at which the oldest stream is evicted for a new one (ms)
-- ARGV[7]  time to live of the party's streams without a change (ms)
--
-- Returns 0 opened; else the time until the oldest stream could be evicted (ms)
-- Publishes an eviction on the queue's channel: { ended = "process:number" }

local STREAMS, HOLDERS = KEYS[1], KEYS[2]
local now, max, evictAfter = tonumber(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])

redis.call('ZADD', HOLDERS, ARGV[2], ARGV[3])
redis.call('PEXPIRE', HOLDERS, tonumber(ARGV[2]) - now)
redis.call('ZREMRANGEBYSCORE', HOLDERS, '-inf', ARGV[1])
for _, stream in ipairs(redis.call('ZRANGE', STREAMS, 0, -1)) do
  if not redis.call('ZSCORE', HOLDERS, string.match(stream, '^[^:]*')) then
    redis.call('ZREM', STREAMS, stream)
  end
end

if redis.call('ZCARD', STREAMS) >= max then
  local oldest = redis.call('ZRANGE', STREAMS, 0, 0, 'WITHSCORES')
  local left = tonumber(oldest[2]) + evictAfter - now
  if left > 0 then return left end
  redis.call('ZREM', STREAMS, oldest[1])
  local channel = string.sub(HOLDERS, 1, -#'streams' - 1) .. 'changes'
  redis.call('SPUBLISH', channel, cjson.encode({ ended = oldest[1] }))
end

redis.call('ZADD', STREAMS, ARGV[1], ARGV[4])
redis.call('PEXPIRE', STREAMS, ARGV[7])
return 0
