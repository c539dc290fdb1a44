-- Shared by the scripts that change a projection: applies events and publishes the changes.
--
-- An event is a list of seven:
--   party   seq, 'party', party id (bytes), state, value of the parties hash (empty unless in the line),
--           rank of the lane, time of the call (ms, empty unless called)
--   queue   seq, 'queue', name, state, board labels, deleted (0 or 1), empty
--
-- ARGV[1] idleMs      time to live of a projection without changes
-- ARGV[2] endedMs     time to live of the states of parties that left

local EVENT_WIDTH = 7
-- Buffered events applied per run.
local DRAIN_MAX = 500
local IDLE_MS, ENDED_MS = ARGV[1], ARGV[2]

-- One message per run of a script is published on the queue's channel:
--   { after, seq, waiting, changes = { { seq, id, state, from, to, size, ahead }, { seq, deleted }, ... } }
--   after, seq  seq before and after; `changes` has one entry for each event in between
--   id          party id (16 bytes as text); a change of the queue itself has `deleted` (true or false) instead
--   from, to    place before and after: rank of the lane .. member of the line; absent unless waiting
--   size        number of people; absent unless waiting or called
--   ahead       number of parties before it at that moment; only if `to` differs from `from`
-- or, after a snapshot was installed: { reset = true, seq }
-- Strings hold bytes, so read the JSON as Latin-1. Nothing is collected unless the channel has subscribers.
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
    after = after, seq = meta.seq, waiting = countWaiting(meta), changes = changes,
  }))
end

local function changeParty(seq, partyId, state, value, lane, calledAt)
  local inLine = value ~= ''
  local before = redis.call('HGET', PARTIES, partyId)
  local _, member, size
  if inLine then _, member, _, size = parseValue(value) end
  local from
  if before then
    local stateBefore, memberBefore = parseValue(before)
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
  changes[#changes + 1] = {
    seq = seq, id = partyId, state = state, from = from, to = to, size = size, ahead = ahead,
  }
end

local function applyEvent(meta, event)
  local seq = tonumber(event[1])
  if event[2] == 'queue' then
    meta.name, meta.state, meta.boardLabels, meta.deleted = event[3], event[4], event[5], event[6]
    changes[#changes + 1] = { seq = seq, deleted = meta.deleted == '1' }
  else
    changeParty(seq, event[3], event[4], event[5], event[6], event[7])
  end
  meta.seq = seq
end

local function buffer(event)
  redis.call('HSET', PENDING, event[1], cmsgpack.pack(event))
  redis.call('PEXPIRE', PENDING, IDLE_MS)
end

-- Applies the buffered events that follow meta.seq, up to DRAIN_MAX of them, because Redis blocks meanwhile (a few
-- milliseconds). Returns whether there are more, for another run. An unreadable event is dropped and leaves a gap.
local function drainPending(meta)
  for _ = 1, DRAIN_MAX do
    local nextSeq = string.format('%.0f', meta.seq + 1)
    local packed = redis.call('HGET', PENDING, nextSeq)
    if not packed then return false end
    redis.call('HDEL', PENDING, nextSeq)
    local isReadable, event = pcall(cmsgpack.unpack, packed)
    if not isReadable then return false end
    applyEvent(meta, event)
  end
  return redis.call('HEXISTS', PENDING, string.format('%.0f', meta.seq + 1)) == 1
end

local function writeMeta(meta)
  meta.waiting = redis.call('ZCARD', LINE)
  meta.called = redis.call('ZCARD', CALLED)
  redis.call(
    'HSET', META, 'seq', string.format('%.0f', meta.seq), 'waiting', meta.waiting, 'called', meta.called,
    'name', meta.name, 'state', meta.state, 'boardLabels', meta.boardLabels, 'deleted', meta.deleted,
    'writtenBy', meta.writtenBy
  )
  for index = 1, 5 do redis.call('PEXPIRE', KEYS[index], IDLE_MS) end
end
