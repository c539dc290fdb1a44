-- Replaces a projection with a snapshot, unless it is newer, and applies the buffered events.
--
-- KEYS  1 to 7: see line.lua
-- KEYS[8]   line of the snapshot
-- KEYS[9]   parties of the snapshot
-- KEYS[10]  called of the snapshot
-- KEYS[11]  lock under which the snapshot was taken
-- ARGV  1 to 2: see change.lua
-- ARGV[3]   seq of the snapshot
-- ARGV[4]   name
-- ARGV[5]   state
-- ARGV[6]   board labels
-- ARGV[7]   deleted (0 or 1)
-- ARGV[8]   number of parties waiting
-- ARGV[9]   number of parties called
-- ARGV[10]  value of the lock (take-lock-1.lua)
-- ARGV[11]  1 if there was a projection before the snapshot was taken
--
-- Returns
--   2   installed, and more buffered events can be applied: run apply-events-7
--   1   installed
--   0   the projection is newer
--   -1  the lock, the snapshot's keys or the previous projection were lost, or the server has restarted. Events
--       buffered or applied since the snapshot may be lost as well, which would leave an undetected gap.

-- Fields deleted per command.
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
  -- Newer than MySQL was a moment ago, so the server has not lost anything by its restart.
  redis.call('HSET', META, 'writtenBy', runId)
  redis.call('UNLINK', SNAPSHOT_LINE, SNAPSHOT_PARTIES, SNAPSHOT_CALLED)
  return 0
end

-- The model stays valid even if the rest of the meta is not: it knows its own seq.
local learned = redis.pcall('HMGET', META, MODEL_SEQ, MODEL, MODEL_KEPT)
local meta = {
  seq = seq,
  name = ARGV[4],
  state = ARGV[5],
  boardLabels = ARGV[6],
  deleted = ARGV[7],
  writtenBy = runId,
}

-- States of parties that left are deleted, too, so that no stale one survives; readers look them up again.
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
