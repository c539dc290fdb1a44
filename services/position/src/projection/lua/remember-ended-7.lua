-- Notes what became of a party that left the line before its last rebuild, as the truth says.
--
-- KEYS  see line.lua
-- ARGV[1]  how long it is remembered, ms
-- ARGV[2]  party id (bytes)   ARGV[3]  state
-- ARGV[4]  seq at which the line did not know the party, and of which the truth was not older
--
-- Returns 1 noted, 0 the line has moved on since, and may know better by now

local meta = readMeta()
if not meta or meta.seq ~= tonumber(ARGV[4]) then return 0 end
redis.call('HSET', ENDED, ARGV[2], ARGV[3])
redis.call('PEXPIRE', ENDED, ARGV[1])
return 1
