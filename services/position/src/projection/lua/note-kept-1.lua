-- Notes up to which event the queue service's copy of the model has learned.
--
-- KEYS[1]  meta of the projection, see line.lua
-- ARGV[1]  last event that the copy has learned from
--
-- Returns 1 noted, 0 the projection is gone, or a later event was noted already

local META = KEYS[1]
local known = redis.call('HMGET', META, MODEL_SEQ, MODEL_KEPT)
if not known[1] or (tonumber(known[2] or nil) or -1) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', META, MODEL_KEPT, ARGV[1])
return 1
