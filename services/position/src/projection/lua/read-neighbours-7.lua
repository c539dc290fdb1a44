-- Reads the parties before and behind a place, without the party to be moved there. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV[1]  party id (bytes)
-- ARGV[2]  'position': ARGV[3] counts from the front, 1 is first
--          'places': ARGV[3] counts from the party's current position
-- ARGV[3]  number; past the end of the line means its end
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, from, position,
--           rank of the lane and member of the party before, of the party behind }
--   The first seven as in read-places-7.lua.
--   from    current position of the party, 1 is first; 0 if it does not wait, and then nothing follows
--   member  order key .. party id (bytes); empty, as is the rank, beyond either end of the line

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end

local value = redis.call('HGET', PARTIES, ARGV[1])
local rank = false
if value then
  local state, member = parseValue(value)
  if state == 'waiting' then rank = redis.call('ZRANK', LINE, member) end
end
if not rank then
  reply[#reply + 1] = 0
  return reply
end

local wanted = tonumber(ARGV[3]) - 1
if ARGV[2] == 'places' then wanted = rank + 1 + wanted end
local target = math.min(wanted, meta.waiting - 1)
reply[#reply + 1] = rank + 1
reply[#reply + 1] = target + 1
for index = target - 1, target do
  -- The same place in the current line, which still contains the party.
  local at = index < rank and index or index + 1
  local neighbour = at < 0 and {} or redis.call('ZRANGE', LINE, at, at, 'WITHSCORES')
  reply[#reply + 1] = neighbour[2] or ''
  reply[#reply + 1] = neighbour[1] or ''
end
return reply
