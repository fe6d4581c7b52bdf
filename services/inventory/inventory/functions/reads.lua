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

-- {shelf, on hand, reserved, version, safety stock, allowance, incoming} of each shelf.
local function shelves_of(state, sku, request)
  local flat, shelves = balances_at(sku, request.location), {}
  for i = 1, #flat, 2 do
    local shelf, balance = flat[i], parse(flat[i + 1])
    local kept, allowed, expected = 0, 0, 0
    if not string.find(shelf, '#', 1, true) then
      kept, allowed = safety_stock(state, request.channel, sku, shelf), allowance(state, sku, shelf)
      expected = incoming(state, sku, shelf, request.till)
    end
    shelves[#shelves + 1] = { shelf, balance.on_hand, balance.reserved, balance.version, kept, allowed, expected }
  end
  return shelves
end

-- How often a bundle can be made at each location that has all its components, as shelves.
local function bundle_shelves(state, components, request)
  local made, shelves = {}, {}
  for _, component in ipairs(components) do
    for _, shelf in ipairs(shelves_of(state, component[1], request)) do
      local times = math.floor(math.max(0, shelf[2] - shelf[3] - shelf[5]) / component[2])
      local here = made[shelf[1]] or { seen = 0, times = times, version = 0 }
      made[shelf[1]] = { seen = here.seen + 1, times = math.min(here.times, times), version = here.version + shelf[4] }
    end
  end
  for location, here in pairs(made) do
    if here.seen == #components and not string.find(location, '#', 1, true) then
      shelves[#shelves + 1] = { location, here.times, 0, here.version, 0, 0, 0 }
    end
  end
  return shelves
end

local function settle(state, sku, request)
  local components = components_of(state, sku)
  for _, component in ipairs(components or { { sku } }) do
    expire_due(state, component[1], request.retention_ms)
  end
end

local function availability(_, args)
  local request = cmsgpack.unpack(args[1])
  local state, skus, asked = open(), {}, 0
  for _, sku in ipairs(request.skus) do
    settle(state, sku, request)
    asked = asked + (request.location == '' and redis.call('HLEN', 'inv:stock:' .. sku) or 1)
  end
  close(state)
  if asked > request.balances_max then
    return cmsgpack.pack({ now = state.now, too_many = asked })
  end
  for i, sku in ipairs(request.skus) do
    local components = components_of(state, sku)
    skus[i] = { sku, components and bundle_shelves(state, components, request) or shelves_of(state, sku, request) }
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
