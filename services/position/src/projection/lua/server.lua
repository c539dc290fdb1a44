-- Run id of the server that runs this script; new after every start. Empty if the server hides it.
local function readRunId()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
end
