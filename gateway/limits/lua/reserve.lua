-- Reserve all or nothing, or only look (no id).
-- Takes: now, id, lifetime, ledger, and for each limit: kind, scope, amount, hard, wanted, first day of its window.
-- Gives: what came of it ('made', 'refused', 'unseeded'), the place of the limit that refuses (from 0),
--        and for each limit two numbers: used and reserved, or a rate's level and 0.
local now, id, life, ledger = clock(given[1]), given[2], given[3], given[4]
local sequence = call('GET', prefix .. 'sequence:' .. ledger)
if not sequence or sequence == 'seeding' then return cmsgpack.pack({'unseeded'}) end

local TINY = 1e-6
local limits, refused = {}, nil
local ends = call('GET', prefix .. 'reservation:' .. id)
local look = id == '' or (ends and math.abs(ends) > now)

for place, each in ipairs(given[5]) do
  local limit = {kind = each[1], scope = each[2], amount = each[3], hard = each[4], wanted = each[5]}
  limit.used, limit.reserved = 0, 0
  local left
  if limit.kind == 'parallel' then
    call('ZREMRANGEBYSCORE', prefix .. 'running:' .. limit.scope, '-inf', now)
    limit.used = call('ZCARD', prefix .. 'running:' .. limit.scope)
    left = limit.amount - limit.used
  elseif limit.kind == 'budget' then
    expire_held(limit.scope, now)
    local sums = call('HMGET', prefix .. 'held:' .. limit.scope, 'open', 'done')
    limit.used = spent_since(limit.scope, each[6]) + (sums[2] or 0)
    limit.reserved = tonumber(sums[1] or 0)
    left = limit.amount - limit.used - limit.reserved
  else
    limit.level = level_of(limit.kind, limit.scope, limit.amount, limit.hard, now)
    left = math.floor(limit.level + TINY)
  end
  local need = limit.wanted
  if limit.kind == 'tokens' then need = math.min(need, limit.amount) end
  local free = limit.kind == 'budget' and need == 0
  if limit.hard and not free and not look and not refused and (left <= 0 or need > left) then refused = place - 1 end
  limits[place] = limit
end

if not look and not refused then
  local keep = life + 60000
  call('SET', prefix .. 'reservation:' .. id, whole(now + life), 'PX', keep)
  for _, limit in ipairs(limits) do
    if limit.kind == 'parallel' then
      run(limit.scope, id, now + life, keep)
      limit.used = limit.used + 1
    elseif limit.kind == 'budget' then
      hold(limit.scope, id, whole(limit.wanted), now + life, keep)
      limit.reserved = limit.reserved + limit.wanted
    else
      limit.level = limit.level - limit.wanted
      fill(limit.kind, limit.scope, limit.amount, limit.level, now)
    end
  end
end

local standings = {}
for place, limit in ipairs(limits) do standings[place] = {limit.level or limit.used, limit.reserved} end
return cmsgpack.pack({refused and 'refused' or 'made', refused or 0, standings})
