-- Applies events to a line: what is not newer than the line changes nothing, what comes too early waits.
--
-- KEYS  see line.lua
-- ARGV  1 to 2: see change.lua; then the events, in any order, each of seven values
--
-- Returns { known, seq, waiting, modelSeq, pending, more,
--           outcome of the first event, its rank, its lane, outcome of the second, ... }
--   known     1; 0 when the line is missing or not whole: the events wait for the snapshot, seq is -1
--   modelSeq  last event that the estimates have learned from; -1 when nothing is known to have been learned
--   pending   how many events wait for an earlier one
--   more      1 when some of these could be applied by now: it takes another run
--   outcome   1 applied (now or earlier), 0 pending
--   rank      how many stand before the event's party now; -1 unless it is waiting
--   lane      rank of its lane now; -1 unless it is waiting

local events = {}
for at = 3, #ARGV, EVENT_WIDTH do
  events[#events + 1] = { unpack(ARGV, at, at + EVENT_WIDTH - 1) }
end

local meta = readMeta()
if not meta then
  if not countPending() then redis.call('UNLINK', PENDING) end
  local reply = { 0, -1, 0, -1, 0, 0 }
  for _, event in ipairs(events) do
    buffer(event)
    reply[#reply + 1] = 0
    reply[#reply + 1] = -1
    reply[#reply + 1] = -1
  end
  reply[5] = countPending()
  return reply
end

local seqBefore = meta.seq
local pendingBefore = countPending()
for _, event in ipairs(events) do
  local seq = tonumber(event[1])
  if seq == meta.seq + 1 then
    applyEvent(meta, event)
    if pendingBefore > 0 then redis.call('HDEL', PENDING, event[1]) end
  elseif seq > meta.seq then
    buffer(event)
    pendingBefore = pendingBefore + 1
  end
end
local isMore = pendingBefore > 0 and drainPending(meta)
if meta.seq > seqBefore then
  writeMeta(meta)
  publishChanges(seqBefore, meta)
end

local reply = { 1, meta.seq, meta.waiting, meta.modelSeq, countPending(), isMore and 1 or 0 }
for _, event in ipairs(events) do
  local rank, lane = -1, -1
  local applied = tonumber(event[1]) <= meta.seq
  if applied and event[2] == 'party' then
    local value = redis.call('HGET', PARTIES, event[3])
    if value then
      local state, member, laneNow = openValue(value)
      if state == 'waiting' then rank, lane = redis.call('ZRANK', LINE, member), laneNow end
    end
  end
  reply[#reply + 1] = applied and 1 or 0
  reply[#reply + 1] = rank
  reply[#reply + 1] = lane
end
return reply
