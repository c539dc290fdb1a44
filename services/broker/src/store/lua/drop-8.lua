-- Deletes all messages of a deleted venue. Events of it that come later are refused.
--
-- KEYS  see messages.lua
-- ARGV  now, for how many seconds later events are refused

redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', META, 'deleted', '1')
redis.call('EXPIRE', META, ARGV[2])
