-- Makes a wrong projection unreadable and deletes its buffered events, so that nothing is answered from it until it is
-- rebuilt. Only for the holder of the rebuild lock.
--
-- KEYS  see line.lua
--
-- Returns 1

redis.pcall('HDEL', META, 'seq')
redis.call('UNLINK', PENDING)
return 1
