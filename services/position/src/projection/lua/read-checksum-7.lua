-- Reads the checksum of a projection, to compare it with MySQL. Writes nothing.
--
-- KEYS  see line.lua
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, called, name, state, boardLabels,
--           seq of the last buffered event }
--   The first seven as in read-places-7.lua; the last is 0 if none is buffered.

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end

local lastPending = 0
for _, seq in ipairs(redis.call('HKEYS', PENDING)) do
  lastPending = math.max(lastPending, tonumber(seq) or 0)
end
for _, value in ipairs({ meta.called, meta.name, meta.state, meta.boardLabels, lastPending }) do
  reply[#reply + 1] = value
end
return reply
