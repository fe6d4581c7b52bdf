-- Holds: how they are kept, and how they end.

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
  return {
    id = id, state = hold[1], lines = hold[2], created_at = hold[3], expires_at = hold[4], ended_at = hold[5],
    version = hold[6], confirmed = hold[7] or {}, unfilled = hold[8] or {}, channel = hold[9] or '',
  }
end

local function pack_hold(hold)
  return cmsgpack.pack({
    hold.state, hold.lines, hold.created_at, hold.expires_at, hold.ended_at, hold.version, hold.confirmed, hold.unfilled,
    hold.channel,
  })
end

local function show_hold(hold)
  return {
    hold.id, hold.state, hold.lines, hold.created_at, hold.expires_at, hold.ended_at, hold.version, hold.confirmed,
    hold.unfilled, hold.channel,
  }
end

-- A hold that stands is kept without end, and is due for each of its skus when its time is over.
local function keep_hold(hold)
  for _, sku in ipairs(skus_of(hold.lines)) do
    redis.call('ZADD', 'inv:due:' .. sku, text(hold.expires_at), hold.id)
  end
  redis.call('SET', 'inv:hold:' .. hold.id, pack_hold(hold))
end

-- Append an entry of the hold: `quantity` units, `reserved` more set apart.
local function record_line(state, hold, kind, line, quantity, reserved)
  record(state, line[1], line[2], {
    kind = kind, occurred_at = state.now, reference = hold.id, quantity = quantity, on_hand = 0, reserved = reserved,
  })
end

local function is_first(event_id)
  return redis.call('SADD', 'inv:events:' .. string.sub(redis.sha1hex(event_id), 1, 4), event_id) == 1
end

-- A movement that was decided here enters the outbox, from which the topic gets it.
local function owe(event_id, sku, shelf, quantity, occurred_at, kind)
  redis.call('XADD', 'inv:outbox', '*', 'movement', cmsgpack.pack({ event_id, sku, shelf, quantity, occurred_at, kind }))
end

-- A confirmed line is a sale: taken here at once, and owed to the topic, where it comes back as a duplicate. The topic
-- knows it already when Redis went back to an older copy; then the units have left.
local function sell(state, hold, number, line, quantity)
  local sku, location = line[1], line[2]
  local entry = {
    kind = 'confirmed', reference = hold.id, quantity = quantity, on_hand = 0, reserved = -quantity, moves = true,
    occurred_at = math.max(state.now, load(state, sku, location).counted_at or state.now),
  }
  local event_id = 'reservation:' .. hold.id .. ':' .. text(number)
  if is_first(event_id) then
    entry.on_hand = -quantity
    owe(event_id, sku, location, entry.on_hand, entry.occurred_at, 'sale')
  end
  record(state, sku, location, entry)
end

local function close_hold(state, hold, ending, retention_ms)
  hold.state, hold.ended_at, hold.version = ending, state.now, hold.version + 1
  for _, sku in ipairs(skus_of(hold.lines)) do
    redis.call('ZREM', 'inv:due:' .. sku, hold.id)
  end
  redis.call('SET', 'inv:hold:' .. hold.id, pack_hold(hold), 'PX', text(retention_ms))
end

local function free(state, hold, ending, retention_ms)
  for _, line in ipairs(hold.lines) do
    record_line(state, hold, ending, line, line[3], -line[3])
  end
  close_hold(state, hold, ending, retention_ms)
end

local function expire_due(state, sku, retention_ms)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'inv:due:' .. sku, '-inf', text(state.now))) do
    free(state, load_hold(id), 'expired', retention_ms)
  end
end
