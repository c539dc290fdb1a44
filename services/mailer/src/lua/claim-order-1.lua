-- Notes the change that a mail to a party tells of, unless a newer mail has been begun. Idempotent.
--
-- KEYS[1]  mails-of:{party}, a number: `seq` of the newest change that a mail was begun for
-- ARGV[1]  `seq` of this mail's change
-- ARGV[2]  how long to keep it, ms
--
-- Returns 1 the mail may be sent, 0 it is older than one that has been begun

local newest = tonumber(redis.call('GET', KEYS[1]) or 0)
if newest > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
