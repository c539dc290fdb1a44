-- Writes a model, unless another process has written one meanwhile or the projection is gone.
--
-- KEYS[1]  meta of the projection, see line.lua; the model expires with it
-- ARGV[1]  seq of the model that learning began with, -1 if there was none
-- ARGV[2]  seq of the new model
-- ARGV[3]  the new model
-- ARGV[4]  seq of the queue service's copy; -1 if it has none
--
-- Returns 1 written, 0 not written

local META = KEYS[1]
local known = redis.call('HMGET', META, 'seq', MODEL_SEQ, MODEL_KEPT)
if not known[1] or (known[2] or '-1') ~= ARGV[1] then return 0 end
local kept = math.max(tonumber(known[3] or nil) or -1, tonumber(ARGV[4]))
redis.call('HSET', META, MODEL_SEQ, ARGV[2], MODEL, ARGV[3], MODEL_KEPT, string.format('%.0f', kept))
return 1
