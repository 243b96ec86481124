-- Bring a ledger's sums up to date; the same ones again change nothing.
-- Takes: ledger, the sequence that is there ('*' = any, all is published), the new sequence ('' = more comes),
--        so long a sum is kept (s), first day that is kept, whether this is the first part of all,
--        a list of [day, scope, nano-USD], and a list of [id, scopes] of requests whose cost is in the sums.
-- Gives 0 where the sequence is another one: the store has lost data, or somebody else published.
local ledger, known, new, keep, first = given[1], given[2], given[3], given[4], given[5]
local key = prefix .. 'sequence:' .. ledger
if given[6] then call('SET', key, 'seeding', 'NX') end
local found = call('GET', key)
if not found or (known ~= '*' and known ~= found) then return 0 end

for _, each in ipairs(given[7]) do raise_sum(ledger, each[1], each[2], each[3], first, keep) end

for _, each in ipairs(given[8]) do
  local reservation = prefix .. 'reservation:' .. each[1]
  local ends = call('GET', reservation)
  if ends then call('SET', reservation, whole(-math.abs(ends)), 'KEEPTTL') end
  for _, scope in ipairs(each[2]) do
    let_go(scope, each[1])
    call('ZREM', prefix .. 'running:' .. scope, each[1])
  end
end

if new ~= '' then call('SET', key, new, 'EX', keep) end
return 1
