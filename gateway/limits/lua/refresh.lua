-- Prolong reservations, and make them anew where the store has lost them.
-- Takes: now, lifetime, and for each: id, nano-USD, scopes whose parallel requests it is one of, scopes whose budgets
--        it holds.
local now, life = clock(given[1]), given[2]
local ends, keep = now + life, life + 60000
for _, each in ipairs(given[3]) do
  local id, amount = each[1], whole(each[2])
  local known = tonumber(call('GET', prefix .. 'reservation:' .. id) or 0)
  if known >= 0 then
    call('SET', prefix .. 'reservation:' .. id, whole(ends), 'PX', keep)
    for _, scope in ipairs(each[3]) do run(scope, id, ends, keep) end
    for _, scope in ipairs(each[4]) do hold(scope, id, amount, ends, keep) end
  end
end
return 1
