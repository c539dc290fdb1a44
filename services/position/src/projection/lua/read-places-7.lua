-- Reads the places of parties. Makes a projection unreadable if it contradicts itself about one of them.
--
-- KEYS  see line.lua
-- ARGV  party ids (bytes)
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy,
--           state, rank, lane and size of the first party, of the second, ... }
--   known      1; 0 if the projection is missing, incomplete or contradictory, and then only `pending` follows
--   modelSeq   last event that the model has learned from; -1 if there is no model
--   deleted    '1' or '0'
--   pending    number of buffered events
--   writtenBy  run id of the server that installed or last trusted the projection
--   state      empty if the party is unknown here
--   rank       number of parties before it; -1 unless it waits
--   lane       rank of its lane; -1 unless it waits
--   size       number of people; -1 unless it waits

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end
reply[3] = countWaiting(meta)
for _, partyId in ipairs(ARGV) do
  local state, member, lane, size = readParty(meta, partyId)
  local isWaiting = state == 'waiting'
  local rank = isWaiting and redis.call('ZRANK', LINE, member)
  if isWaiting and not rank then
    redis.call('HDEL', META, 'seq')
    return { 0, countPending() }
  end
  reply[#reply + 1] = state
  reply[#reply + 1] = rank or -1
  reply[#reply + 1] = isWaiting and lane or -1
  reply[#reply + 1] = isWaiting and size or -1
end
return reply
