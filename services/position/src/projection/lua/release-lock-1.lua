-- Gives up a lock, unless it has passed to somebody else.
--
-- KEYS[1]  the lock   ARGV[1]  what its owner holds it by
--
-- Returns 1 released, 0 it was not ours any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
