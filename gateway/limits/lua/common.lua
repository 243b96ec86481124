-- What all scripts share. KEYS[1] begins every key: its hash tag keeps them on one shard. ARGV[1] is MessagePack:
-- one string travels and parses far faster than fifty. Times are ms; the time 0 is this server's.
--   reservation:ID       a reservation's end, negative when its cost is published; who deletes it has settled it
--   running:SCOPE        sorted set: id by end, of requests at the same time
--   leases:SCOPE         sorted set: id by end, of what `held` holds
--   held:SCOPE           hash: o:ID estimate, d:ID used but not in `spent` yet, and the sums `open` and `done`
--   rate:KIND:SCOPE      hash: level, at (ms), amount
--   spent:SCOPE          hash: nano-USD by day, of all ledgers
--   from:LEDGER:DAY      hash: how much of it came from one ledger, by scope
--   changed, changes     sorted set: scope by the number of its last change, and the last of those numbers
--   processes            sorted set: gateways' processes by the time until which they count as living
--   epoch                another one after the store has lost its data
--   adopted              there once the sums of ledgers at the destination are
--   sequence:LEDGER      that ledger's last publication; gone when the store has lost its data
local prefix = KEYS[1]
local call = redis.call
local given = cmsgpack.unpack(ARGV[1])

local function clock(now)
  if now ~= 0 then return now end
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua would write large numbers as 1e+15.
local function whole(number) return string.format('%.0f', number) end
local function exact(number) return string.format('%.17g', number) end

local function let_go(scope, id)
  local held = prefix .. 'held:' .. scope
  for sum, mark in pairs({open = 'o:', done = 'd:'}) do
    local amount = call('HGET', held, mark .. id)
    if amount then
      call('HDEL', held, mark .. id)
      call('HINCRBY', held, sum, whole(0 - amount))
    end
  end
  call('ZREM', prefix .. 'leases:' .. scope, id)
end

local function expire_held(scope, now)
  for _, id in ipairs(call('ZRANGEBYSCORE', prefix .. 'leases:' .. scope, '-inf', now)) do let_go(scope, id) end
end

local function hold(scope, id, amount, ends, keep)
  local held = prefix .. 'held:' .. scope
  if call('HEXISTS', held, 'd:' .. id) == 1 then return end
  if call('HSETNX', held, 'o:' .. id, amount) == 1 then call('HINCRBY', held, 'open', amount) end
  call('ZADD', prefix .. 'leases:' .. scope, ends, id)
  call('PEXPIRE', held, keep)
  call('PEXPIRE', prefix .. 'leases:' .. scope, keep)
end

local function run(scope, id, ends, keep)
  call('ZADD', prefix .. 'running:' .. scope, ends, id)
  call('PEXPIRE', prefix .. 'running:' .. scope, keep)
end

local function spent_since(scope, first)
  local total, days = 0, call('HGETALL', prefix .. 'spent:' .. scope)
  for i = 1, #days, 2 do
    if tonumber(days[i]) >= first then total = total + days[i + 1] end
  end
  return total
end

local function forget_old_days(spent, first)
  for _, day in ipairs(call('HKEYS', spent)) do
    if tonumber(day) < first then call('HDEL', spent, day) end
  end
end

-- Bring what a ledger has spent on a day up to a sum; one that is there and larger stays.
local function raise_sum(ledger, day, scope, sum, first, keep)
  day = whole(day)
  local from, spent = prefix .. 'from:' .. ledger .. ':' .. day, prefix .. 'spent:' .. scope
  local before = tonumber(call('HGET', from, scope) or 0)
  if sum <= before then return end
  call('HSET', from, scope, whole(sum))
  call('EXPIRE', from, keep)
  -- A sum that an older version has driven beyond 64 bits stays there, and holds up no other.
  if redis.pcall('HINCRBY', spent, day, whole(sum - before)) == sum - before then forget_old_days(spent, first) end
  call('EXPIRE', spent, keep)
  call('ZADD', prefix .. 'changed', call('INCR', prefix .. 'changes'), scope)
  call('EXPIRE', prefix .. 'changed', keep)
  call('EXPIRE', prefix .. 'changes', keep)
end

-- The level of a rate now; an amount that was raised adds the difference at once.
local function level_of(kind, scope, amount, hard, now)
  local bucket = call('HMGET', prefix .. 'rate:' .. kind .. ':' .. scope, 'level', 'at', 'amount')
  if not bucket[1] then return amount end
  local level = bucket[1] + math.max(0, amount - bucket[3]) + math.max(0, now - bucket[2]) * amount / 60000
  if not hard then level = math.max(level, 0) end
  return math.min(level, amount)
end

-- A full bucket is no bucket, so it lives until it is full.
local function fill(kind, scope, amount, level, now)
  local key = prefix .. 'rate:' .. kind .. ':' .. scope
  call('HSET', key, 'level', exact(level), 'at', whole(now), 'amount', whole(amount))
  local until_full = amount > 0 and (amount - level) * 60000 / amount or 60000
  call('PEXPIRE', key, whole(math.max(until_full, 0) + 60000))
end
