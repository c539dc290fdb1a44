-- Releases a lease unless another holder has it.
--
-- KEYS[1]  the lease
-- ARGV[1]  value written by the holder
--
-- Returns 1 released, 0 expired or held by another

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
