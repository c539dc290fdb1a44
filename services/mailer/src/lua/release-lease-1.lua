-- Gives back a mail that was not sent, unless its lease has passed to somebody else.
--
-- KEYS[1]  mail:{id}   ARGV[1]  what the owner wrote there
--
-- Returns 1 given back, 0 it was not the owner's any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
