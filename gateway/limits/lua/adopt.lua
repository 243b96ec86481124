-- Put sums of ledgers whose machines may be gone for good in the place of what the store has lost; larger ones stay.
-- Takes: so long a sum is kept (s), first day that is kept, a list of [ledger, day, scope, nano-USD], and whether
--        these are the last. Gives 1 where all has been put there, by whoever it was, since the store lost its data.
local keep, first = given[1], given[2]
for _, each in ipairs(given[3]) do raise_sum(each[1], each[2], each[3], each[4], first, keep) end
if given[4] then call('SET', prefix .. 'adopted', '1', 'EX', keep) end
return call('EXISTS', prefix .. 'adopted')
