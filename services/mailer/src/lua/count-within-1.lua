-- Counts something once within a time, unless the limit is reached. Idempotent.
--
-- KEYS[1]  a sorted set: member = what is counted, score = when
-- ARGV[1]  what to count
-- ARGV[2]  now, in milliseconds since 1970
-- ARGV[3]  how long it counts, in milliseconds
-- ARGV[4]  how many may count at once
--
-- Returns 1 counted, 0 too many

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tonumber(ARGV[2]) - tonumber(ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
