-- Writes what was learned of a line, unless somebody else has learned more meanwhile, or the line is gone.
--
-- KEYS[1]  meta of the line, see line.lua; what is written stays for as long as the line does
-- ARGV[1]  last event that had been learned from before, -1 when none was known
-- ARGV[2]  last event it has been learned from now   ARGV[3]  the model
-- ARGV[4]  last event that the model kept by the queue service has seen; -1 when nothing is known to be kept
--
-- Returns 1 written, 0 not

local META = KEYS[1]
local known = redis.call('HMGET', META, 'seq', MODEL_SEQ, MODEL_KEPT)
if not known[1] or (known[2] or '-1') ~= ARGV[1] then return 0 end
local kept = math.max(tonumber(known[3] or nil) or -1, tonumber(ARGV[4]))
redis.call('HSET', META, MODEL_SEQ, ARGV[2], MODEL, ARGV[3], MODEL_KEPT, string.format('%.0f', kept))
return 1
