-- Puts a snapshot in the place of a line, unless the line has gone past it, and applies what waited, or the first
-- of it.
--
-- KEYS  1 to 7: see line.lua
-- KEYS[8]  the snapshot's line      KEYS[9]  its parties      KEYS[10]  its called
-- KEYS[11]  the lock under which the snapshot was taken
-- ARGV  1 to 2: see change.lua
-- ARGV[3]  seq of the snapshot
-- ARGV[4]  name   ARGV[5]  state   ARGV[6]  board labels   ARGV[7]  deleted (0 or 1)
-- ARGV[8]  how many wait   ARGV[9]  how many are called   ARGV[10]  what the lock is held by (take-lock-1.lua)
-- ARGV[11]  1 when there was a line before the snapshot was taken
--
-- Returns 1 installed, 2 installed, and more of what waited can be applied by now, in another run of apply-events-7
--   0   the line is newer
--   -1  the lock, the snapshot's keys or the line before it were lost, or the server has restarted since: what was
--       pending, or applied behind the snapshot, may have been lost with them, so that the snapshot would have a gap
--       behind it that nobody sees

-- Fields that one command deletes.
local FIELDS_MAX = 1000
local SNAPSHOT_LINE, SNAPSHOT_PARTIES, SNAPSHOT_CALLED = KEYS[8], KEYS[9], KEYS[10]
local seq, waiting, called = tonumber(ARGV[3]), tonumber(ARGV[8]), tonumber(ARGV[9])

local runId = readRunId()
if redis.call('GET', KEYS[11]) ~= ARGV[10]
  or string.match(ARGV[10], '|(%w*)$') ~= runId
  or redis.call('ZCARD', SNAPSHOT_LINE) ~= waiting
  or redis.call('ZCARD', SNAPSHOT_CALLED) ~= called
  or redis.call('HLEN', SNAPSHOT_PARTIES) ~= waiting + called then
  return -1
end

local before = readMeta()
if not before and ARGV[11] == '1' then return -1 end
if before and before.seq > seq then
  -- Past the truth of a moment ago, it lacks nothing that an earlier run of the server may have lost.
  redis.call('HSET', META, 'writtenBy', runId)
  redis.call('UNLINK', SNAPSHOT_LINE, SNAPSHOT_PARTIES, SNAPSHOT_CALLED)
  return 0
end

-- Whatever is left of the meta may still hold what was learned: that says which events it has seen by itself.
local learned = redis.pcall('HMGET', META, MODEL_SEQ, MODEL, MODEL_KEPT)
local meta = {
  seq = seq,
  name = ARGV[4],
  state = ARGV[5],
  boardLabels = ARGV[6],
  deleted = ARGV[7],
  writtenBy = runId,
}

-- Who left the line is forgotten too: a reader asks the queue service once, and no old state outlives this.
redis.call('UNLINK', META, LINE, PARTIES, CALLED, ENDED, ENDED_BEFORE)
if waiting > 0 then redis.call('RENAME', SNAPSHOT_LINE, LINE) end
if called > 0 then redis.call('RENAME', SNAPSHOT_CALLED, CALLED) end
if waiting + called > 0 then redis.call('RENAME', SNAPSHOT_PARTIES, PARTIES) end

local pending = redis.pcall('HKEYS', PENDING)
if pending.err then
  redis.call('UNLINK', PENDING)
else
  local past = {}
  for _, pendingSeq in ipairs(pending) do
    if (tonumber(pendingSeq) or 0) <= seq then past[#past + 1] = pendingSeq end
  end
  for at = 1, #past, FIELDS_MAX do
    redis.call('HDEL', PENDING, unpack(past, at, math.min(at + FIELDS_MAX - 1, #past)))
  end
end
local isMore = drainPending(meta)
writeMeta(meta)
if not learned.err and learned[1] and learned[2] then
  redis.call('HSET', META, MODEL_SEQ, learned[1], MODEL, learned[2], MODEL_KEPT, learned[3] or -1)
end
redis.call('SPUBLISH', CHANGES, cjson.encode({ reset = true, seq = meta.seq }))
return isMore and 2 or 1
