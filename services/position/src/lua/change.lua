-- What the scripts that change a line share: applying one event, and those that waited for it.
--
-- An event is a list of eight:
--   party   seq, 'party', party id (bytes), state, value of the parties hash (empty unless in the line),
--           rank of the lane, time of the call (ms, empty unless called),
--           when it was taken out of those waiting to be called or seated (ms, else empty)
--   queue   seq, 'queue', name, state, board labels, deleted (0 or 1), empty, empty
--
-- ARGV[1] idleMs      how long a line stays without a change
-- ARGV[2] endedMs     how long a party that left the line is remembered
-- ARGV[3] gapWeight   weight of the newest gap between calls in their moving average
-- ARGV[4] gapMsMax    longer gaps do not count

local EVENT_WIDTH = 8
local IDLE_MS, ENDED_MS = ARGV[1], ARGV[2]
local GAP_WEIGHT, GAP_MS_MAX = tonumber(ARGV[3]), tonumber(ARGV[4])

local function learnPace(meta, calledAt)
  if meta.lastCallAt then
    local gap = calledAt - meta.lastCallAt
    if gap >= 0 and gap <= GAP_MS_MAX then
      meta.gapMs = meta.gapMs and meta.gapMs + GAP_WEIGHT * (gap - meta.gapMs) or gap
    end
  end
  meta.lastCallAt = math.max(calledAt, meta.lastCallAt or 0)
end

-- Whoever watches the line is told what was done to it, one message a run of a script:
--   { after, seq, waiting, gapMs, changes = { { seq, id, state, from, to, ahead }, { seq, deleted }, ... } }
--   after, seq  the line stood at `after` and now stands at `seq`; `changes` has one entry for each in between
--   id          of a party (16 bytes as text); of the queue itself there is `deleted` (true or false) instead
--   from, to    where it waited and waits: rank of the lane, then its member of the line; absent when nowhere
--   ahead       where `to` is new: how many stood before it at that moment
-- or, after a snapshot was put in the place of the line: { reset = true, seq }
-- Strings hold bytes, so the JSON is to be read as Latin-1. Asked for only when somebody listens.
local CHANGES = string.sub(META, 1, -#'meta' - 1) .. 'changes'
local isWatched = redis.call('PUBSUB', 'SHARDNUMSUB', CHANGES)[2] > 0
local changes = {}

local function placeOf(member)
  local lane = redis.call('ZSCORE', LINE, member)
  return lane and lane .. member or nil
end

local function publishChanges(after, meta)
  if not isWatched then return end
  redis.call('SPUBLISH', CHANGES, cjson.encode({
    after = after, seq = meta.seq, waiting = meta.waiting, gapMs = meta.gapMs, changes = changes,
  }))
end

local function changeParty(seq, partyId, state, value, lane, calledAt)
  local inLine = value ~= ''
  local before = redis.call('HGET', PARTIES, partyId)
  local member = inLine and select(2, openValue(value)) or nil
  local from
  if before then
    local stateBefore, memberBefore = openValue(before)
    if isWatched and stateBefore == 'waiting' then from = placeOf(memberBefore) end
    if state ~= 'waiting' or memberBefore ~= member then redis.call('ZREM', LINE, memberBefore) end
    if state ~= 'called' then redis.call('ZREM', CALLED, partyId) end
  end
  if inLine then
    if state == 'waiting' then
      redis.call('ZADD', LINE, lane, member)
    else
      redis.call('ZADD', CALLED, calledAt, partyId)
    end
    redis.call('HSET', PARTIES, partyId, value)
    if not before then
      redis.call('HDEL', ENDED, partyId)
      redis.call('HDEL', ENDED_BEFORE, partyId)
    end
  else
    if before then redis.call('HDEL', PARTIES, partyId) end
    redis.call('HSET', ENDED, partyId, state)
    redis.call('PEXPIRE', ENDED, ENDED_MS)
    redis.call('HDEL', ENDED_BEFORE, partyId)
  end
  if not isWatched then return end
  local to = state == 'waiting' and lane .. member or nil
  local ahead = to and to ~= from and redis.call('ZRANK', LINE, member) or nil
  changes[#changes + 1] = { seq = seq, id = partyId, state = state, from = from, to = to, ahead = ahead }
end

local function applyEvent(meta, event)
  local seq = tonumber(event[1])
  if event[2] == 'queue' then
    meta.name, meta.state, meta.boardLabels, meta.deleted = event[3], event[4], event[5], event[6]
    changes[#changes + 1] = { seq = seq, deleted = meta.deleted == '1' }
  else
    changeParty(seq, event[3], event[4], event[5], event[6], event[7])
    if event[8] ~= '' then learnPace(meta, tonumber(event[8])) end
  end
  meta.seq = seq
end

local function buffer(event)
  redis.call('HSET', PENDING, event[1], cmsgpack.pack(event))
  redis.call('PEXPIRE', PENDING, IDLE_MS)
end

-- Applies what was waiting for the events applied just now. What cannot be read is a gap like any other.
local function drainPending(meta)
  while true do
    local nextSeq = string.format('%.0f', meta.seq + 1)
    local packed = redis.call('HGET', PENDING, nextSeq)
    if not packed then return end
    redis.call('HDEL', PENDING, nextSeq)
    local isReadable, event = pcall(cmsgpack.unpack, packed)
    if not isReadable then return end
    applyEvent(meta, event)
  end
end

local function writeMeta(meta)
  meta.waiting = redis.call('ZCARD', LINE)
  meta.called = redis.call('ZCARD', CALLED)
  redis.call(
    'HSET', META, 'seq', string.format('%.0f', meta.seq), 'waiting', meta.waiting, 'called', meta.called,
    'name', meta.name, 'state', meta.state, 'boardLabels', meta.boardLabels, 'deleted', meta.deleted,
    'writtenBy', meta.writtenBy
  )
  if meta.gapMs then redis.call('HSET', META, 'gapMs', string.format('%.3f', meta.gapMs)) end
  if meta.lastCallAt then
    redis.call('HSET', META, 'lastCallAt', string.format('%.0f', meta.lastCallAt))
  end
  for index = 1, 5 do redis.call('PEXPIRE', KEYS[index], IDLE_MS) end
end
