-- Extends a lease unless another holder has it.
--
-- KEYS[1]  the lease
-- ARGV[1]  value written by the holder
-- ARGV[2]  new time to live, ms
--
-- Returns 1 extended, 0 expired or held by another

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
