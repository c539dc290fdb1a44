-- Reads a board. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV[1]  number of calls, the latest first
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, name, state, boardLabels,
--           party id (bytes) of the latest call, its time (ms), its value of the parties hash, ... }
--   The first seven as in read-places-7.lua.

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end

reply[8], reply[9], reply[10] = meta.name, meta.state, meta.boardLabels
local called = redis.call('ZREVRANGE', CALLED, 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
for at = 1, #called, 2 do
  reply[#reply + 1] = called[at]
  reply[#reply + 1] = called[at + 1]
  reply[#reply + 1] = redis.call('HGET', PARTIES, called[at]) or ''
end
return reply
