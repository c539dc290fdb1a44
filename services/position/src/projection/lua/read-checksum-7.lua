-- Reads what a line says of itself, to be compared with the truth. Writes nothing.
--
-- KEYS  see line.lua
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, called, name, state, boardLabels,
--           seq of the last event that waits for an earlier one }
--   The first seven as in read-places-7.lua; the last is 0 when none waits.

local meta = readMeta()
if not meta then return { 0, countPending() or 0 } end

local lastPending = 0
for _, seq in ipairs(redis.call('HKEYS', PENDING)) do
  lastPending = math.max(lastPending, tonumber(seq) or 0)
end
return {
  1, meta.seq, meta.waiting, meta.modelSeq, meta.deleted, countPending(), meta.writtenBy,
  meta.called, meta.name, meta.state, meta.boardLabels, lastPending,
}
