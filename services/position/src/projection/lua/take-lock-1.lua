-- Takes a lock, unless somebody has it, and notes the run of the server that gave it.
--
-- KEYS[1] the lock   ARGV[1] token of who takes it   ARGV[2] milliseconds from now
--
-- Returns what proves the lock to be held: the token and the run id; nothing when somebody else has it

if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local held = ARGV[1] .. '|' .. readRunId()
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return held
