-- Prepended to every script of a projection: its keys, and the check that they are whole.
--
-- KEYS[1] meta          hash: the queue, `seq` (highest event applied), counts, the model, `writtenBy`
-- KEYS[2] line          sorted set: score = rank of the lane, member = order key .. party id (bytes)
-- KEYS[3] parties       hash: party id (bytes) -> "state|number|rank of the lane|size|" .. member, of parties
--                       waiting and called
-- KEYS[4] called        sorted set: score = time of the call (ms), member = party id (bytes)
-- KEYS[5] pending       hash: seq -> buffered event that waits for an earlier one (MessagePack)
-- KEYS[6] ended         hash: party id (bytes) -> state, of parties that left today
-- KEYS[7] ended before  the same, of parties that left yesterday

local META, LINE, PARTIES, CALLED, PENDING, ENDED, ENDED_BEFORE = unpack(KEYS, 1, 7)

-- Number of buffered events; nil if the key has the wrong type.
local function countPending()
  local count = redis.pcall('HLEN', PENDING)
  return type(count) == 'number' and count or nil
end

-- The meta as a table; nil if a key is missing, truncated or has the wrong type, so that no answer can be trusted.
local function readMeta()
  local got = redis.pcall(
    'HMGET', META, 'seq', 'waiting', 'called', 'name', 'state', 'boardLabels', 'deleted',
    MODEL_SEQ, 'writtenBy'
  )
  if got.err then return nil end
  local meta = {
    seq = tonumber(got[1] or nil),
    waiting = tonumber(got[2] or nil),
    called = tonumber(got[3] or nil),
    name = got[4],
    state = got[5],
    boardLabels = got[6],
    deleted = got[7],
    modelSeq = tonumber(got[8] or nil) or -1,
    writtenBy = got[9] or '',
  }
  local whole = meta.seq and meta.waiting and meta.called
    and meta.name and meta.state and meta.boardLabels and meta.deleted
    and redis.pcall('ZCARD', LINE) == meta.waiting
    and redis.pcall('ZCARD', CALLED) == meta.called
    and redis.pcall('HLEN', PARTIES) == meta.waiting + meta.called
    and countPending()
    and type(redis.pcall('HLEN', ENDED)) == 'number'
    and type(redis.pcall('HLEN', ENDED_BEFORE)) == 'number'
  return whole and meta or nil
end

-- The first part of every read's reply; see read-places-7.lua.
local function beginReply(meta)
  if not meta then return { 0, countPending() or 0 } end
  return { 1, meta.seq, meta.waiting, meta.modelSeq, meta.deleted, countPending(), meta.writtenBy }
end

-- Parses a value of the parties hash into state, member of the line, rank of the lane and size.
local function parseValue(value)
  local state, lane, size, at = string.match(value, '^([a-z_]+)|%d+|(%d+)|(%d+)|()')
  return state, string.sub(value, at), tonumber(lane), tonumber(size)
end

-- Number of parties that wait, as guests see it: whoever is in the line of a deleted queue counts as removed, and soon is.
local function countWaiting(meta)
  return meta.deleted == '1' and 0 or meta.waiting
end

-- State of a party as guests see it, '' if unknown here; then, if it is in the line, its member of the line, the rank
-- of its lane and its size.
local function readParty(meta, partyId)
  local value = redis.call('HGET', PARTIES, partyId)
  if value and meta.deleted == '1' then return 'removed' end
  if value then return parseValue(value) end
  return redis.call('HGET', ENDED, partyId) or redis.call('HGET', ENDED_BEFORE, partyId) or ''
end
