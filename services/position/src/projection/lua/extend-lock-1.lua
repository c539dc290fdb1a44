-- Keeps a lock while its owner works.
--
-- KEYS[1]  the lock   ARGV[1]  what its owner holds it by   ARGV[2]  milliseconds from now
--
-- Returns 1 kept, 0 it is somebody else's or nobody's

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
