-- Run id of the server that runs this script: another one after every start. Empty when it does not say.
local function readRunId()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
end
