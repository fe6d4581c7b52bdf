-- Movements of the topic.

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

-- So many movements must leave the balance an exact integer, whatever they are.
local function check_room(state, sku, shelf, movements)
  local balance = load(state, sku, shelf)
  if balance and math.abs(balance.on_hand) > MAX_INTEGER - 2 * movements * MAX_UNITS then
    error('on hand of ' .. sku .. '@' .. shelf .. ' would leave the exact integers')
  end
end

local function check_batch(state, batch)
  for _, item in ipairs(batch) do
    integer(item[1], 'partition')
    integer(item[2], 'offset')
    if #item > 3 then
      units(item[7], 'quantity')
      integer(item[8], 'occurred_at')
      check_room(state, item[5], item[6], #batch)
    end
  end
end

-- args: topic, msgpack list of {partition, offset, event_id, type, sku, location, quantity, occurred_at, order_id}
-- or, for a record that was set aside, {partition, offset, reason}; msgpack map of partitions to their owner's epoch.
local function apply_movements(_, args)
  local key, batch, state = 'inv:offsets:' .. args[1], cmsgpack.unpack(args[2]), open()
  check_batch(state, batch)
  local refusal = refuse_owner(args[1], batch, cmsgpack.unpack(args[3]))
  if refusal then
    return refusal
  end
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
