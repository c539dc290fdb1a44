-- Makes a line unknown whose content was found to be wrong, with all that waited for it: until it has been
-- rebuilt nobody is told a place from it. Only for who holds the line's lock, and takes a snapshot next.
--
-- KEYS  see line.lua

redis.pcall('HDEL', META, 'seq')
redis.call('UNLINK', PENDING)
return 1
