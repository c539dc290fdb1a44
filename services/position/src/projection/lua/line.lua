-- What every script of a line begins with: its keys, and what it takes to trust them.
--
-- KEYS[1] meta          hash: the queue, `seq` applied so far, counts, what was learned of it, who wrote it
-- KEYS[2] line          sorted set: score = rank of the lane, member = order key .. party id (bytes)
-- KEYS[3] parties       hash: party id (bytes) -> "state|number|rank of the lane|" .. member, of those waiting
--                       and called
-- KEYS[4] called        sorted set: score = time of the call (ms), member = party id (bytes)
-- KEYS[5] pending       hash: seq -> event that came before an earlier one (MessagePack)
-- KEYS[6] ended         hash: party id (bytes) -> state, of those that left the line today
-- KEYS[7] ended before  the same, of yesterday

local META, LINE, PARTIES, CALLED, PENDING, ENDED, ENDED_BEFORE = unpack(KEYS, 1, 7)

-- How many events are pending; nil when the key is of another type.
local function countPending()
  local count = redis.pcall('HLEN', PENDING)
  return type(count) == 'number' and count or nil
end

-- The queue as a table; nil when a key is missing, cut short or of another type, since then no answer
-- from it can be trusted.
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

-- State, sorted-set member and rank of the lane of a value of the parties hash.
local function openValue(value)
  local state, lane, at = string.match(value, '^([a-z_]+)|%d+|(%d+)|()')
  return state, string.sub(value, at), tonumber(lane)
end
