-- Reads the parties before and behind a place, without the party to be moved there. Writes nothing.
--
-- KEYS  see line.lua
-- ARGV[1]  party id (bytes)
-- ARGV[2]  'position': ARGV[3] counts from the front, 1 is first
--          'places': ARGV[3] counts from the party's current position
-- ARGV[3]  number; past the end of the line means its end
-- ARGV[4]  1: a called party counts as waiting at the place it was called from; 0: it does not
--
-- Returns { known, seq, waiting, modelSeq, deleted, pending, writtenBy, from, position,
--           rank of the lane and member of the party before, of the party behind }
--   The first seven as in read-places-7.lua.
--   from    current position of the party, 1 is first; 0 if it has none, and then nothing follows
--   member  order key .. party id (bytes); empty, as is the rank, beyond either end of the line

local meta = readMeta()
local reply = beginReply(meta)
if not meta then return reply end

-- Whether bytes come before others, as in the line; Lua's < would compare by the server's locale.
local function isBefore(bytes, others)
  for at = 1, math.min(#bytes, #others) do
    local byte, other = string.byte(bytes, at), string.byte(others, at)
    if byte ~= other then return byte < other end
  end
  return #bytes < #others
end

-- Number of waiting parties before the place of a party that does not wait: a binary search in its lane.
local function rankOf(lane, member)
  local low = redis.call('ZCOUNT', LINE, '-inf', '(' .. lane)
  local high = low + redis.call('ZCOUNT', LINE, lane, lane)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call('ZRANGE', LINE, middle, middle)[1]
    if isBefore(found, member) then low = middle + 1 else high = middle end
  end
  return low
end

local value = redis.call('HGET', PARTIES, ARGV[1])
local rank, isWaiting = false, false
if value then
  local state, member, lane = parseValue(value)
  isWaiting = state == 'waiting'
  if isWaiting then
    rank = redis.call('ZRANK', LINE, member)
  elseif ARGV[4] == '1' then
    rank = rankOf(lane, member)
  end
end
if not rank then
  reply[#reply + 1] = 0
  return reply
end

local wanted = tonumber(ARGV[3]) - 1
if ARGV[2] == 'places' then wanted = rank + 1 + wanted end
local target = math.min(wanted, isWaiting and meta.waiting - 1 or meta.waiting)
reply[#reply + 1] = rank + 1
reply[#reply + 1] = target + 1
for index = target - 1, target do
  -- The same place in the current line, which still contains the party if that waits.
  local at = isWaiting and index >= rank and index + 1 or index
  local neighbour = at < 0 and {} or redis.call('ZRANGE', LINE, at, at, 'WITHSCORES')
  reply[#reply + 1] = neighbour[2] or ''
  reply[#reply + 1] = neighbour[1] or ''
end
return reply
