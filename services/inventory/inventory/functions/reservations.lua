-- Commands of a checkout: each decides once per idempotency key.

local function combine(lines)
  local combined, place = {}, {}
  for _, line in ipairs(lines) do
    local key = line[1] .. '@' .. line[2]
    if integer(line[3], 'quantity') < 1 then
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

local function unknown_items(state, lines)
  local unknown, reason = {}, nil
  for _, line in ipairs(lines) do
    if not load(state, line[1], line[2]) then
      reason = reason or (redis.call('EXISTS', 'inv:stock:' .. line[1]) == 1 and 'location_unknown' or 'sku_unknown')
      unknown[#unknown + 1] = { line[1], line[2] }
    end
  end
  return reason and { reason = reason, items = unknown } or nil
end

-- {sku, location, requested, available} of each line that asks for more than its item has.
local function beyond(lines, available)
  local shortages = {}
  for _, line in ipairs(lines) do
    local units_there = available(line)
    if line[3] > units_there then
      shortages[#shortages + 1] = { line[1], line[2], line[3], units_there }
    end
  end
  return shortages
end

local function shortages_of(state, channel, lines)
  return beyond(lines, function(line) return promisable(state, channel, line[1], line[2]) end)
end

-- The lines as far as they can be promised, and what is missing of them.
local function reduce(lines, shortages)
  local short, reduced, unfilled = {}, {}, {}
  for _, shortage in ipairs(shortages) do
    short[shortage[1] .. '@' .. shortage[2]] = shortage
    unfilled[#unfilled + 1] = { shortage[1], shortage[2], shortage[3] - shortage[4] }
  end
  for _, line in ipairs(lines) do
    local shortage = short[line[1] .. '@' .. line[2]]
    local quantity = shortage and shortage[4] or line[3]
    if quantity > 0 then
      reduced[#reduced + 1] = { line[1], line[2], quantity }
    end
  end
  return reduced, unfilled
end

local function reserve(state, request)
  local asked = combine(expand(state, request.lines))
  integer(request.expires_in, 'expires_in')
  if redis.call('EXISTS', 'inv:hold:' .. request.reservation_id) == 1 then
    error('the reservation id is taken')
  end
  for _, sku in ipairs(skus_of(asked)) do
    expire_due(state, sku, request.retention_ms)
  end
  local refusal = unknown_items(state, asked)
  if refusal then
    return { now = state.now, refusal = refusal }
  end
  local shortages = shortages_of(state, request.channel, asked)
  local lines, unfilled = reduce(asked, shortages)
  if #shortages > 0 and not (request.allow_partial and #lines > 0) then
    return { now = state.now, refusal = { reason = 'insufficient_stock', shortages = shortages } }
  end
  local hold = {
    id = request.reservation_id, state = 'held', lines = lines, version = 1, confirmed = {}, unfilled = unfilled, channel = request.channel,
    created_at = state.now, expires_at = state.now + request.expires_in, ended_at = 0,
  }
  for _, line in ipairs(lines) do
    record_line(state, hold, 'reserved', line, line[3], line[3])
  end
  keep_hold(hold)
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

-- A command on a hold that still stands; `change` alters it, or tells why not.
local function on_hold(change)
  return function(state, request)
    local hold = settled_hold(state, request)
    if not hold then
      return { now = state.now, refusal = { reason = 'reservation_unknown' } }
    elseif hold.state ~= 'held' then
      return { now = state.now, refusal = { reason = 'reservation_not_held', state = hold.state } }
    end
    local refusal = change(state, hold, request)
    return refusal and { now = state.now, refusal = refusal } or { now = state.now, hold = show_hold(hold) }
  end
end

local function release(state, hold, request)
  free(state, hold, 'released', request.retention_ms)
end

local function units_of(lines)
  local quantities = {}
  for _, line in ipairs(lines) do
    quantities[line[1] .. '@' .. line[2]] = line[3]
  end
  return function(line) return quantities[line[1] .. '@' .. line[2]] or 0 end
end

local function confirm(state, hold, request)
  local sold = #request.lines > 0 and combine(request.lines) or hold.lines
  local shortages = beyond(sold, units_of(hold.lines))
  if #shortages > 0 then
    return { reason = 'lines_not_held', shortages = shortages }
  end
  local quantity_of = units_of(sold)
  for number, line in ipairs(hold.lines) do
    local quantity = quantity_of(line)
    if quantity > 0 then
      sell(state, hold, number, line, quantity)
      hold.confirmed[#hold.confirmed + 1] = { line[1], line[2], quantity }
    end
    if quantity < line[3] then
      record_line(state, hold, 'released', line, line[3] - quantity, quantity - line[3])
    end
  end
  close_hold(state, hold, 'confirmed', request.retention_ms)
end

local function extend(state, hold, request)
  hold.expires_at = math.max(hold.expires_at, state.now + integer(request.expires_in, 'expires_in'))
  hold.version = hold.version + 1
  keep_hold(hold)
end

-- The lines that leave for elsewhere, what they are there, and all lines of the hold afterwards.
local function split_lines(hold, to, from)
  local leaving, arriving, after = {}, {}, {}
  for _, line in ipairs(hold.lines) do
    local there = { line[1], to, line[3] }
    if line[2] ~= to and (from == '' or line[2] == from) then
      leaving[#leaving + 1], arriving[#arriving + 1], after[#after + 1] = line, there, there
    else
      after[#after + 1] = line
    end
  end
  return leaving, combine(arriving), combine(after)
end

local function transfer(state, hold, request)
  local leaving, arriving, after = split_lines(hold, request.to_location, request.from_location)
  if #leaving == 0 then
    return { reason = 'lines_not_held' }
  end
  local refusal, shortages = unknown_items(state, arriving), nil
  if not refusal then
    shortages = shortages_of(state, hold.channel, arriving)
    refusal = #shortages > 0 and { reason = 'insufficient_stock', shortages = shortages } or nil
  end
  if refusal then
    return refusal
  end
  for _, line in ipairs(leaving) do
    record_line(state, hold, 'moved', line, -line[3], -line[3])
  end
  for _, line in ipairs(arriving) do
    record_line(state, hold, 'moved', line, line[3], line[3])
  end
  hold.lines, hold.version = after, hold.version + 1
  keep_hold(hold)
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
