-- Reads. They may end due holds, and so are writes to Redis.

local function reservation(_, args)
  local request = cmsgpack.unpack(args[1])
  local state = open()
  local hold = settled_hold(state, request)
  close(state)
  return cmsgpack.pack(hold and { now = state.now, hold = show_hold(hold) } or { now = state.now, refusal = { reason = 'reservation_unknown' } })
end

local BUCKETS = { '', '#damaged', '#quality_control' }

-- HGETALL's answer, or its part of one location.
local function balances_at(sku, location)
  if location == '' then
    return redis.call('HGETALL', 'inv:stock:' .. sku)
  end
  local found = {}
  for _, bucket in ipairs(BUCKETS) do
    local packed = redis.call('HGET', 'inv:stock:' .. sku, location .. bucket)
    if packed then
      found[#found + 1], found[#found + 2] = location .. bucket, packed
    end
  end
  return found
end

local function availability(_, args)
  local request = cmsgpack.unpack(args[1])
  local state, skus, asked = open(), {}, 0
  for _, sku in ipairs(request.skus) do
    expire_due(state, sku, request.retention_ms)
    asked = asked + (request.location == '' and redis.call('HLEN', 'inv:stock:' .. sku) or 1)
  end
  close(state)
  if asked > request.balances_max then
    return cmsgpack.pack({ now = state.now, too_many = asked })
  end
  for i, sku in ipairs(request.skus) do
    local flat, locations = balances_at(sku, request.location), {}
    for j = 1, #flat, 2 do
      local balance = parse(flat[j + 1])
      locations[#locations + 1] = { flat[j], balance.on_hand, balance.reserved, balance.version }
    end
    skus[i] = { sku, locations }
  end
  return cmsgpack.pack({ now = state.now, skus = skus })
end

local function ledger(_, args)
  local sku, balances, holds = args[1], {}, {}
  local flat = redis.call('HGETALL', 'inv:stock:' .. sku)
  for i = 1, #flat, 2 do
    balances[#balances + 1] = { flat[i], flat[i + 1], redis.call('LRANGE', 'inv:journal:' .. sku .. '@' .. flat[i], 0, -1) }
  end
  for _, id in ipairs(redis.call('ZRANGE', 'inv:due:' .. sku, 0, -1)) do
    holds[#holds + 1] = cmsgpack.pack(show_hold(load_hold(id)))
  end
  return { balances, holds }
end
