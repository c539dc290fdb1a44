-- Scans the parties that left the line, to compare them with MySQL. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV[1]  0 today's, 1 yesterday's
-- ARGV[2]  cursor, 0 to begin
-- ARGV[3]  approximate number of parties
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, cursor, party id (bytes), ... }
--   The first seven as in read-places-7.lua.
--   cursor  as text, for the next scan; 0 at the end

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end
local key = ARGV[1] == '0' and ENDED or ENDED_BEFORE
local scanned = redis.call('HSCAN', key, ARGV[2], 'COUNT', ARGV[3])
reply[#reply + 1] = scanned[1]
for at = 1, #scanned[2], 2 do reply[#reply + 1] = scanned[2][at] end
return reply
