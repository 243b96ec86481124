-- End a reservation, once. What it cost stays held until the ledger's sums have it.
-- Takes: now, id, so long the cost is held at most, estimated tokens, used tokens, used nano-USD,
--        and for each limit: kind, scope, amount, hard.
local now, id, keep, estimate, tokens, cost = clock(given[1]), given[2], given[3], given[4], given[5], given[6]
local ends = call('GET', prefix .. 'reservation:' .. id)
if not ends then return 0 end
call('DEL', prefix .. 'reservation:' .. id)

for _, each in ipairs(given[7]) do
  local kind, scope, amount, hard = each[1], each[2], each[3], each[4]
  if kind == 'parallel' then
    call('ZREM', prefix .. 'running:' .. scope, id)
  elseif kind == 'budget' then
    local held = prefix .. 'held:' .. scope
    if call('HEXISTS', held, 'o:' .. id) == 1 then
      let_go(scope, id)
      if cost > 0 then
        call('HSET', held, 'd:' .. id, whole(cost))
        call('HINCRBY', held, 'done', whole(cost))
        call('ZADD', prefix .. 'leases:' .. scope, now + keep, id)
      end
    end
  elseif kind == 'tokens' and math.abs(ends) > now then
    local level = level_of(kind, scope, amount, hard, now)
    fill(kind, scope, amount, math.min(level + estimate - tokens, amount), now)
  end
end
return 1
