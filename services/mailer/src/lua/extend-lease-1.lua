-- Extends the lease of a mail.
--
-- KEYS[1]  mail:{id}   ARGV[1]  the owner's value   ARGV[2]  new time to live, in milliseconds
--
-- Returns 1 extended, 0 the lease has expired or has another owner

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
