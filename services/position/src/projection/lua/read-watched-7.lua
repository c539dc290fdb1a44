-- Reads what watchers of parties need. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV  party ids (bytes)
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy,
--           state, rank, place and size of the first party, of the second, ... }
--   The first seven, the state and the rank as in read-places-7.lua.
--   place  rank of the lane .. member of the line; empty unless waiting
--   size   number of people; -1 unless waiting or called

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end
reply[3] = countWaiting(meta)
for _, partyId in ipairs(ARGV) do
  local state, member, _, size = readParty(meta, partyId)
  local rank, place = -1, ''
  if state == 'waiting' then
    rank = redis.call('ZRANK', LINE, member) or -1
    place = (redis.call('ZSCORE', LINE, member) or '') .. member
  end
  reply[#reply + 1] = state
  reply[#reply + 1] = rank
  reply[#reply + 1] = place
  reply[#reply + 1] = size or -1
end
return reply
