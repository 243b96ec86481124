-- Say that a process lives, and learn what all ledgers together have spent since it last asked.
-- Takes: the process, so long it counts without saying so again (ms, 0 = it stops), the epoch that it knows of,
--        the last change that it knows of, how many scopes it takes at most.
-- Gives: the epoch (another one: the store has lost its data), how many processes there are, the last change told,
--        and for each scope that changed: [scope, [day, nano-USD, …]].
local process, life, epoch, since, most = given[1], given[2], given[3], given[4], given[5]
local now, members = clock(0), prefix .. 'processes'
if life > 0 then call('ZADD', members, now + life, process) else call('ZREM', members, process) end
call('ZREMRANGEBYSCORE', members, '-inf', now)
call('PEXPIRE', members, 86400000)

local found = call('GET', prefix .. 'epoch')
if not found then
  found = process .. ':' .. whole(now)
  call('SET', prefix .. 'epoch', found)
end
call('EXPIRE', prefix .. 'epoch', 40 * 86400)
if found ~= epoch then since = 0 end

local told = {}
local changed = call('ZRANGEBYSCORE', prefix .. 'changed', '(' .. whole(since), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #changed, 2 do
  local days = call('HGETALL', prefix .. 'spent:' .. changed[i])
  if #days == 0 then call('ZREM', prefix .. 'changed', changed[i]) end
  told[#told + 1] = {changed[i], days}
  since = tonumber(changed[i + 1])
end
return cmsgpack.pack({found, call('ZCARD', members), since, told})
