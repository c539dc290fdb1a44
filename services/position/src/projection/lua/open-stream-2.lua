-- Counts one more live stream of a party, if it may have one more. Its streams are held by any process; those of
-- a process that has not renewed its claim in time, since it crashed, do not count.
--
-- KEYS[1]  streams of the party: sorted set, score = when it was opened (ms), member = "process:number"
-- KEYS[2]  processes that hold streams of the line: sorted set, score = when their claim ends (ms)
-- ARGV[1]  now (ms)   ARGV[2]  when this process's claim ends (ms)   ARGV[3]  process   ARGV[4]  stream
-- ARGV[5]  how many streams a party may have
-- ARGV[6]  after how long the oldest gives way (ms)
-- ARGV[7]  how long the streams of a party are kept without a change (ms)
--
-- Returns 0 opened; else how long until the oldest would give way (ms)
-- A stream that gave way is told of in the channel of the line, as { ended = "process:number" }.

local STREAMS, HOLDERS = KEYS[1], KEYS[2]
local now, max, givesWayAfter = tonumber(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])

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
  local left = tonumber(oldest[2]) + givesWayAfter - now
  if left > 0 then return left end
  redis.call('ZREM', STREAMS, oldest[1])
  local channel = string.sub(HOLDERS, 1, -#'streams' - 1) .. 'changes'
  redis.call('SPUBLISH', channel, cjson.encode({ ended = oldest[1] }))
end

redis.call('ZADD', STREAMS, ARGV[1], ARGV[4])
redis.call('PEXPIRE', STREAMS, ARGV[7])
return 0
