#!lua name=shopsphere_inventory
-- Stock in Redis. One call of one function changes balances, holds, journal, idempotency record, counters and
-- stream offsets together; nothing else writes these keys. The rules are those of stock.py, and tests compare both.
--
--   inv:stock:<sku>             hash    location -> "on_hand:reserved:version:counted_at:moved_at"
--   inv:journal:<sku>@<loc>     list    msgpack {kind, recorded_at, occurred_at, on_hand, reserved, reference, quantity, order_id}
--   inv:due:<sku>               zset    live reservation ids of the sku by expires_at
--   inv:hold:<reservation_id>   string  msgpack {state, lines, created_at, expires_at, ended_at, version}; ended ones fade
--   inv:once:<slot>             string  msgpack {fingerprint, first answer}; fades
--   inv:events:<shard>          set     event ids taken (sharded by hash, so that each set stays in Redis' compact form)
--   inv:offsets:<topic>         hash    partition -> last offset taken
--   inv:missing:<topic>         hash    partition -> offsets that were jumped over, records never delivered
--   inv:quarantined:<topic>     hash    "<partition>/<offset>" -> reason of a record set aside
--   inv:counters                hash    movements, applied, duplicates, quarantined; the audit holds them to the keys above
--   inv:outbox                  stream  sale: msgpack {event_id, sku, location, quantity, occurred_at} that the topic lacks
--
-- Times are microseconds since 1970, quantities units. Lua numbers are doubles: every integer is checked to be exact.
-- An error after the first write would leave half a change, so all checks stand before it.

local VERSION = 2
local MAX_INTEGER = 9007199254740991 -- 2^53 - 1
local MAX_UNITS = 1000000000 -- of one movement or line; the doors refuse more (stock.py UNITS_MAX)

local function text(number)
  return string.format('%.0f', number)
end

local function integer(value, name)
  if type(value) ~= 'number' or value ~= math.floor(value) or math.abs(value) > MAX_INTEGER then
    error(name .. ' is not an exact integer')
  end
  return value
end

local function units(value, name)
  if math.abs(integer(value, name)) > MAX_UNITS then
    error(name .. ' is out of bounds')
  end
  return value
end

-- One call's view of the state: the time it decides at, and the balances it has touched.
local function open()
  local time = redis.call('TIME')
  return { now = tonumber(time[1]) * 1000000 + tonumber(time[2]), balances = {}, touched = {} }
end

local function parse(packed)
  local on_hand, reserved, version, counted_at, moved_at = string.match(packed, '^(-?%d+):(-?%d+):(%d+):(-?%d*):(-?%d*)$')
  return {
    on_hand = tonumber(on_hand),
    reserved = tonumber(reserved),
    version = tonumber(version),
    counted_at = tonumber(counted_at),
    moved_at = tonumber(moved_at),
  }
end

local function format(balance)
  return table.concat({
    text(balance.on_hand),
    text(balance.reserved),
    text(balance.version),
    balance.counted_at and text(balance.counted_at) or '',
    balance.moved_at and text(balance.moved_at) or '',
  }, ':')
end

local function promise(balance)
  return math.max(0, balance.on_hand - balance.reserved)
end

local function load(state, sku, location)
  local key = sku .. '@' .. location
  local balance = state.balances[key]
  if not balance then
    local packed = redis.call('HGET', 'inv:stock:' .. sku, location)
    balance = packed and parse(packed)
    state.balances[key] = balance or nil
  end
  return balance or nil
end

local function adopt(state, sku, location)
  local balance = load(state, sku, location)
  if not balance then
    balance = { on_hand = 0, reserved = 0, version = 0 }
    state.balances[sku .. '@' .. location] = balance
  end
  return balance
end

-- Append to the journal and evolve the balance; close() writes the balance.
local function record(state, sku, location, entry)
  local balance = load(state, sku, location)
  balance.on_hand = balance.on_hand + entry.on_hand
  balance.reserved = balance.reserved + entry.reserved
  balance.version = balance.version + 1
  if entry.kind == 'count' then
    balance.counted_at = math.max(balance.counted_at or entry.occurred_at, entry.occurred_at)
  end
  if entry.moves then
    balance.moved_at = math.max(balance.moved_at or entry.occurred_at, entry.occurred_at)
  end
  state.touched[sku .. '@' .. location] = { sku, location }
  redis.call('RPUSH', 'inv:journal:' .. sku .. '@' .. location, cmsgpack.pack({
    entry.kind, state.now, entry.occurred_at, entry.on_hand, entry.reserved, entry.reference, entry.quantity, entry.order_id or '',
  }))
end

local function close(state)
  for key, item in pairs(state.touched) do
    redis.call('HSET', 'inv:stock:' .. item[1], item[2], format(state.balances[key]))
  end
  state.touched = {}
end

-- Holds -----------------------------------------------------------------------------------------------------------

local function skus_of(lines)
  local seen, skus = {}, {}
  for _, line in ipairs(lines) do
    if not seen[line[1]] then
      seen[line[1]] = true
      skus[#skus + 1] = line[1]
    end
  end
  return skus
end

local function load_hold(id)
  local packed = redis.call('GET', 'inv:hold:' .. id)
  if not packed then
    return nil
  end
  local hold = cmsgpack.unpack(packed)
  return { id = id, state = hold[1], lines = hold[2], created_at = hold[3], expires_at = hold[4], ended_at = hold[5], version = hold[6] }
end

local function pack_hold(hold)
  return cmsgpack.pack({ hold.state, hold.lines, hold.created_at, hold.expires_at, hold.ended_at, hold.version })
end

local function show_hold(hold)
  return { hold.id, hold.state, hold.lines, hold.created_at, hold.expires_at, hold.ended_at, hold.version }
end

local function is_first(event_id)
  return redis.call('SADD', 'inv:events:' .. string.sub(redis.sha1hex(event_id), 1, 4), event_id) == 1
end

-- A confirmed line is a sale: taken here at once, and owed to the topic, where it comes back as a duplicate. The topic
-- knows it already when Redis went back to an older copy; then the units have left.
local function sell(state, entry, number, sku, location)
  entry.moves = true
  entry.occurred_at = math.max(state.now, load(state, sku, location).counted_at or state.now)
  local event_id = 'reservation:' .. entry.reference .. ':' .. text(number)
  if is_first(event_id) then
    entry.on_hand = -entry.quantity
    redis.call('XADD', 'inv:outbox', '*', 'sale', cmsgpack.pack({ event_id, sku, location, entry.on_hand, entry.occurred_at }))
  end
end

local function end_hold(state, hold, ending, retention_ms)
  hold.state, hold.ended_at, hold.version = ending, state.now, hold.version + 1
  for number, line in ipairs(hold.lines) do
    local entry = {
      kind = ending, occurred_at = state.now, reference = hold.id, quantity = line[3], on_hand = 0, reserved = -line[3],
    }
    if ending == 'confirmed' then
      sell(state, entry, number, line[1], line[2])
    end
    record(state, line[1], line[2], entry)
  end
  for _, sku in ipairs(skus_of(hold.lines)) do
    redis.call('ZREM', 'inv:due:' .. sku, hold.id)
  end
  redis.call('SET', 'inv:hold:' .. hold.id, pack_hold(hold), 'PX', text(retention_ms))
end

local function expire_due(state, sku, retention_ms)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'inv:due:' .. sku, '-inf', text(state.now))) do
    end_hold(state, load_hold(id), 'expired', retention_ms)
  end
end

-- Commands --------------------------------------------------------------------------------------------------------

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

-- Reads (they may end due holds, and so are writes to Redis) --------------------------------------------------------

local function reservation(_, args)
  local request = cmsgpack.unpack(args[1])
  local state = open()
  local hold = settled_hold(state, request)
  close(state)
  return cmsgpack.pack(hold and { now = state.now, hold = show_hold(hold) } or { now = state.now, refusal = { reason = 'reservation_unknown' } })
end

-- HGETALL's answer, or its part of one location.
local function balances_at(sku, location)
  if location == '' then
    return redis.call('HGETALL', 'inv:stock:' .. sku)
  end
  local packed = redis.call('HGET', 'inv:stock:' .. sku, location)
  return packed and { location, packed } or {}
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

-- Movements -------------------------------------------------------------------------------------------------------

-- Stock is the last count plus all that happened from it on, so the order of arrival does not matter.
local function effect(sku, location, balance, movement)
  local counted_at, occurred_at, quantity = balance.counted_at, movement.occurred_at, movement.quantity
  if counted_at and occurred_at < counted_at then
    return 0
  elseif movement.kind ~= 'count' then
    return quantity
  end
  local since = 0
  if balance.moved_at and occurred_at <= balance.moved_at then
    for _, packed in ipairs(redis.call('LRANGE', 'inv:journal:' .. sku .. '@' .. location, 0, -1)) do
      local entry = cmsgpack.unpack(packed)
      if entry[1] ~= 'count' and entry[3] >= occurred_at then
        since = since + entry[4]
      elseif entry[1] == 'count' and entry[3] == occurred_at and entry[7] < quantity then
        return 0 -- of two counts of one instant the lower stands, so that nothing is promised twice
      end
    end
  end
  return quantity + since - balance.on_hand
end

local function take(state, item)
  if not is_first(item[3]) then
    return 'duplicates'
  end
  local movement = { kind = item[4], quantity = item[7], occurred_at = item[8], reference = item[3], order_id = item[9], reserved = 0, moves = true }
  local balance = adopt(state, item[5], item[6])
  movement.on_hand = effect(item[5], item[6], balance, movement)
  record(state, item[5], item[6], movement)
  return 'applied'
end

local function check_batch(state, batch)
  for _, item in ipairs(batch) do
    integer(item[1], 'partition')
    integer(item[2], 'offset')
    if #item > 3 then
      units(item[7], 'quantity')
      integer(item[8], 'occurred_at')
      local balance = load(state, item[5], item[6])
      if balance and math.abs(balance.on_hand) > MAX_INTEGER - 2 * #batch * MAX_UNITS then
        error('on hand of ' .. item[5] .. '@' .. item[6] .. ' would leave the exact integers')
      end
    end
  end
end

-- args: topic, msgpack list of {partition, offset, event_id, type, sku, location, quantity, occurred_at, order_id}
-- or, for a record that was set aside, {partition, offset, reason}.
local function apply_movements(_, args)
  local key, batch, state = 'inv:offsets:' .. args[1], cmsgpack.unpack(args[2]), open()
  check_batch(state, batch)
  local last, tally = {}, { movements = 0, applied = 0, duplicates = 0, quarantined = 0, skipped = 0, gaps = 0 }
  for _, item in ipairs(batch) do
    local partition, offset = item[1], item[2]
    last[partition] = last[partition] or tonumber(redis.call('HGET', key, text(partition)) or -1)
    if offset <= last[partition] then
      tally.skipped = tally.skipped + 1
    else
      if offset > last[partition] + 1 then
        tally.gaps = tally.gaps + 1
        redis.call('HINCRBY', 'inv:missing:' .. args[1], text(partition), text(offset - last[partition] - 1))
      end
      last[partition] = offset
      local outcome = #item > 3 and take(state, item) or 'quarantined'
      tally[outcome] = tally[outcome] + 1
      tally.movements = tally.movements + 1
      if outcome == 'quarantined' then
        redis.call('HSET', 'inv:quarantined:' .. args[1], text(partition) .. '/' .. text(offset), item[3])
      end
    end
  end
  close(state)
  for _, name in ipairs({ 'movements', 'applied', 'duplicates', 'quarantined' }) do
    redis.call('HINCRBY', 'inv:counters', name, text(tally[name]))
  end
  for partition, offset in pairs(last) do
    redis.call('HSET', key, text(partition), text(offset))
  end
  return cmsgpack.pack(tally)
end

-- args: the first two digits of the shards to count; there are 256 shards of each.
local function event_ids(_, args)
  local count = 0
  for shard = 0, 255 do
    count = count + redis.call('SCARD', 'inv:events:' .. args[1] .. string.format('%02x', shard))
  end
  return count
end

-- args: the entries of the outbox that the topic has.
local function sent(_, args)
  return redis.call('XDEL', 'inv:outbox', unpack(args))
end

redis.register_function({ function_name = 'inventory_event_ids', callback = event_ids, flags = { 'no-writes' } })
redis.register_function('inventory_sent', sent)
redis.register_function({ function_name = 'inventory_version', callback = function() return VERSION end, flags = { 'no-writes' } })
redis.register_function({ function_name = 'inventory_ledger', callback = ledger, flags = { 'no-writes' } })
redis.register_function('inventory_availability', availability)
redis.register_function('inventory_reservation', reservation)
redis.register_function('inventory_reserve', once(reserve))
redis.register_function('inventory_confirm', once(finish('confirmed')))
redis.register_function('inventory_release', once(finish('released')))
redis.register_function('inventory_apply_movements', apply_movements)
