-- Keeps a mail for the process that sends it.
--
-- KEYS[1]  mail:{id}   ARGV[1]  what the owner wrote there   ARGV[2]  milliseconds from now
--
-- Returns 1 kept, 0 the lease has passed to somebody else, or to nobody

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
