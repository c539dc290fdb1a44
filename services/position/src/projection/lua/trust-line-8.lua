-- Trusts a line again that a server may have lost events of when it restarted, if it has all that the truth has.
--
-- KEYS  1 to 7: see line.lua
-- KEYS[8]  the lock under which the truth was read
-- ARGV[1]  seq of the truth   ARGV[2]  how many wait there   ARGV[3]  how many are called
-- ARGV[4]  what the lock is held by (take-lock-1.lua)
--
-- Returns 1 trusted, 0 the line is not there, behind the truth, or another one; or the lock was lost, or the server
-- has restarted once more since the truth was read

local seq, waiting, called = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local runId = readRunId()
if redis.call('GET', KEYS[8]) ~= ARGV[4] or string.match(ARGV[4], '|(%w*)$') ~= runId then return 0 end
local meta = readMeta()
if not meta or meta.seq < seq then return 0 end
if meta.seq == seq and (meta.waiting ~= waiting or meta.called ~= called) then return 0 end
redis.call('HSET', META, 'writtenBy', runId)
return 1
