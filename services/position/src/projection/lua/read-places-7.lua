-- Reads where parties stand. Makes a line unknown that is not at one with itself about one of them.
--
-- KEYS  see line.lua
-- ARGV  party ids (bytes)
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy,
--           state of the first party, its rank, its lane, ... }
--   known      1; 0 when the line is missing, not whole or not at one with itself, and then nothing but
--              `pending` follows
--   modelSeq   last event that the estimates have learned from; -1 when nothing is known to have been learned
--   deleted    '1' or '0'
--   pending    how many events wait for an earlier one
--   writtenBy  run id of the server that installed the line, or found it ahead of a snapshot
--   state      empty when the party is not known here
--   rank       how many stand before it; -1 unless it is waiting
--   lane       rank of its lane; -1 unless it is waiting

local meta = readMeta()
if not meta then return { 0, countPending() or 0 } end

local reply = { 1, meta.seq, meta.waiting, meta.modelSeq, meta.deleted, countPending(), meta.writtenBy }
for _, partyId in ipairs(ARGV) do
  local state, rank, lane = '', -1, -1
  local value = redis.call('HGET', PARTIES, partyId)
  if value then
    local member, laneNow
    state, member, laneNow = openValue(value)
    if state == 'waiting' then
      lane = laneNow
      rank = redis.call('ZRANK', LINE, member)
      if not rank then
        redis.call('HDEL', META, 'seq')
        return { 0, countPending() }
      end
    end
  else
    state = redis.call('HGET', ENDED, partyId) or redis.call('HGET', ENDED_BEFORE, partyId) or ''
  end
  reply[#reply + 1] = state
  reply[#reply + 1] = rank
  reply[#reply + 1] = lane
end
return reply
