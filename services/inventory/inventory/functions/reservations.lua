-- Commands of a checkout: each decides once per idempotency key.

local function combine(lines)
  local combined, place = {}, {}
  for _, line in ipairs(lines) do
    local key = line[1] .. '@' .. line[2]
    if units(line[3], 'quantity') < 1 then
      error('quantity must be at least 1')
    end
    if place[key] then
      combined[place[key]][3] = combined[place[key]][3] + line[3]
    else
      combined[#combined + 1] = { line[1], line[2], line[3] }
      place[key] = #combined
    end
  end
  return combined
end

local function refuse_lines(state, lines)
  local unknown, shortages, reason = {}, {}, nil
  for _, line in ipairs(lines) do
    local balance = load(state, line[1], line[2])
    if not balance then
      reason = reason or (redis.call('EXISTS', 'inv:stock:' .. line[1]) == 1 and 'location_unknown' or 'sku_unknown')
      unknown[#unknown + 1] = { line[1], line[2] }
    elseif line[3] > promise(balance) then
      shortages[#shortages + 1] = { line[1], line[2], line[3], promise(balance) }
    end
  end
  if reason then
    return { reason = reason, items = unknown }
  end
  return #shortages > 0 and { reason = 'insufficient_stock', shortages = shortages } or nil
end

local function reserve(state, request)
  local lines = combine(request.lines)
  local skus = skus_of(lines)
  integer(request.expires_in, 'expires_in')
  if redis.call('EXISTS', 'inv:hold:' .. request.reservation_id) == 1 then
    error('the reservation id is taken')
  end
  for _, sku in ipairs(skus) do
    expire_due(state, sku, request.retention_ms)
  end
  local refusal = refuse_lines(state, lines)
  if refusal then
    return { now = state.now, refusal = refusal }
  end
  local hold = {
    id = request.reservation_id, state = 'held', lines = lines, version = 1,
    created_at = state.now, expires_at = state.now + request.expires_in, ended_at = 0,
  }
  for _, line in ipairs(lines) do
    record(state, line[1], line[2], {
      kind = 'reserved', occurred_at = state.now, on_hand = 0, reserved = line[3], reference = hold.id, quantity = line[3],
    })
  end
  for _, sku in ipairs(skus) do
    redis.call('ZADD', 'inv:due:' .. sku, text(hold.expires_at), hold.id)
  end
  redis.call('SET', 'inv:hold:' .. hold.id, pack_hold(hold))
  return { now = state.now, hold = show_hold(hold) }
end

-- The hold as it stands now: due holds of its skus end first, and it may be one of them.
local function settled_hold(state, request)
  local hold = load_hold(request.reservation_id)
  if hold and hold.state == 'held' then
    for _, sku in ipairs(skus_of(hold.lines)) do
      expire_due(state, sku, request.retention_ms)
    end
    hold = load_hold(request.reservation_id)
  end
  return hold
end

local function finish(ending)
  return function(state, request)
    local hold = settled_hold(state, request)
    if not hold then
      return { now = state.now, refusal = { reason = 'reservation_unknown' } }
    elseif hold.state ~= 'held' then
      return { now = state.now, refusal = { reason = 'reservation_not_held', state = hold.state } }
    end
    end_hold(state, hold, ending, request.retention_ms)
    return { now = state.now, hold = show_hold(hold) }
  end
end

-- Decide at most once per slot; the same slot with another fingerprint is told apart, never decided.
local function once(decide)
  return function(_, args)
    local request = cmsgpack.unpack(args[1])
    local key = 'inv:once:' .. request.slot
    local known = redis.call('GET', key)
    if known then
      local first = cmsgpack.unpack(known)
      return first[1] == request.fingerprint and { 'replayed', first[2] } or { 'reused', '' }
    end
    local state = open()
    local answer = cmsgpack.pack(decide(state, request))
    close(state)
    redis.call('SET', key, cmsgpack.pack({ request.fingerprint, answer }), 'PX', text(request.once_ms))
    return { 'decided', answer }
  end
end
