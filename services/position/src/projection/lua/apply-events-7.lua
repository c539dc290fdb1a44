-- Applies events to a projection. Events up to its seq change nothing; events that come too early are buffered.
--
-- KEYS  see line.lua
-- ARGV  1 to 2: see change.lua; then the events, in any order, seven values each
--
-- Returns { known, seq, waiting, modelSeq, pending, more,
--           outcome, rank, lane and size of the first event, of the second, ... }
--   known     1; 0 if the projection is missing or incomplete: the events are buffered for the snapshot, seq is -1
--   modelSeq  last event that the model has learned from; -1 if there is no model
--   pending   number of buffered events
--   more      1 if more buffered events can be applied: run again
--   outcome   1 applied (now or earlier), 0 buffered
--   rank      number of parties before the event's party now; -1 unless it waits
--   lane      rank of its lane now; -1 unless it waits
--   size      number of people now; -1 unless it waits

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
    for _ = 1, 3 do reply[#reply + 1] = -1 end
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
  local rank, lane, size = -1, -1, -1
  local applied = tonumber(event[1]) <= meta.seq
  if applied and event[2] == 'party' then
    local value = redis.call('HGET', PARTIES, event[3])
    if value then
      local state, member, laneNow, sizeNow = parseValue(value)
      if state == 'waiting' then
        rank, lane, size = redis.call('ZRANK', LINE, member), laneNow, sizeNow
      end
    end
  end
  reply[#reply + 1] = applied and 1 or 0
  reply[#reply + 1] = rank
  reply[#reply + 1] = lane
  reply[#reply + 1] = size
end
return reply
