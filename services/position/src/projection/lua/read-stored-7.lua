-- Reads all that is stored of parties, to compare it with MySQL. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV  party ids (bytes)
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy,
--           value of the first party in the parties hash, its score, its state in the ended hashes, ... }
--   The first seven as in read-places-7.lua. Each of the others is empty if absent.
--   score  rank of the lane of a waiting party, time of the call (ms) of a called one

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end
for _, partyId in ipairs(ARGV) do
  local value = redis.call('HGET', PARTIES, partyId)
  local score, ended = false, false
  if value then
    local state, member = parseValue(value)
    if state == 'waiting' then
      score = redis.call('ZSCORE', LINE, member)
    else
      score = redis.call('ZSCORE', CALLED, partyId)
    end
  else
    ended = redis.call('HGET', ENDED, partyId) or redis.call('HGET', ENDED_BEFORE, partyId)
  end
  reply[#reply + 1] = value or ''
  reply[#reply + 1] = score or ''
  reply[#reply + 1] = ended or ''
end
return reply
