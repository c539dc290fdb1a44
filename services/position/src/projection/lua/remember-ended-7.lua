-- Caches the state of a party that left the line before the last rebuild, as read from MySQL.
--
-- KEYS  see line.lua
-- ARGV[1]  time to live, ms
-- ARGV[2]  party id (bytes)
-- ARGV[3]  state
-- ARGV[4]  seq at which the projection did not know the party; MySQL was read later
--
-- Returns 1 cached, 0 the projection has moved on and may know better

local meta = readMeta()
if not meta or meta.seq ~= tonumber(ARGV[4]) then return 0 end
redis.call('HSET', ENDED, ARGV[2], ARGV[3])
redis.call('PEXPIRE', ENDED, ARGV[1])
return 1
