-- Releases the lease of a mail that was not sent, unless it has another owner.
--
-- KEYS[1]  mail:{id}   ARGV[1]  the owner's value
--
-- Returns 1 released, 0 the lease has expired or has another owner

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
