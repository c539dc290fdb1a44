-- Trusts a suspect projection again if it lacks no event that MySQL has.
--
-- KEYS  1 to 7: see line.lua
-- KEYS[8]  lock under which MySQL was read
-- ARGV[1]  seq in MySQL
-- ARGV[2]  number of parties waiting there
-- ARGV[3]  number of parties called there
-- ARGV[4]  value of the lock (take-lock-1.lua)
--
-- Returns 1 trusted; 0 the projection is missing, behind or different, the lock was lost, or the server has restarted
-- since MySQL was read

local seq, waiting, called = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local runId = readRunId()
if redis.call('GET', KEYS[8]) ~= ARGV[4] or string.match(ARGV[4], '|(%w*)$') ~= runId then return 0 end
local meta = readMeta()
if not meta or meta.seq < seq then return 0 end
if meta.seq == seq and (meta.waiting ~= waiting or meta.called ~= called) then return 0 end
redis.call('HSET', META, 'writtenBy', runId)
return 1
