-- Trusts a line again that a server may have lost events of when it restarted, if it has all that the truth has.
--
-- KEYS  see line.lua
-- ARGV[1]  seq of the truth   ARGV[2]  how many wait there   ARGV[3]  how many are called
--
-- Returns 1 trusted, 0 the line is not there, behind the truth, or another one

local seq, waiting, called = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local meta = readMeta()
if not meta or meta.seq < seq then return 0 end
if meta.seq == seq and (meta.waiting ~= waiting or meta.called ~= called) then return 0 end
redis.call('HSET', META, 'writtenBy', readRunId())
return 1
