-- Takes a lock unless it is taken, and notes the run id of the server that granted it.
--
-- KEYS[1]  the lock
-- ARGV[1]  token, unique to the holder
-- ARGV[2]  time to live, ms
--
-- Returns the value of the lock, "token|run id"; nil if it is taken

if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local held = ARGV[1] .. '|' .. readRunId()
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return held
