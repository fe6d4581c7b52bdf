-- Adjustments of a warehouse: all of a batch or none. No item occurs twice in a batch.
-- One is {kind, sku, shelf, quantity} and perhaps {to_shelf, occurred_at, if_version, if_quantity}.

local NOTHING = { on_hand = 0, reserved = 0, version = 0 }

local function refuse_adjustments(state, adjustments)
  local mismatches, ahead, shortages = {}, {}, {}
  for position, each in ipairs(adjustments) do
    local balance = load(state, each.sku, each.shelf) or NOTHING
    if (each.if_version and each.if_version ~= balance.version)
      or (each.if_quantity and each.if_quantity ~= balance.on_hand) then
      mismatches[#mismatches + 1] = { position - 1, balance.version, balance.on_hand }
    end
    if each.kind == 'count' and each.occurred_at > state.now then
      ahead[#ahead + 1] = { each.sku, each.shelf }
    elseif each.kind == 'move' and each.quantity > balance.on_hand then
      shortages[#shortages + 1] = { each.sku, each.shelf, each.quantity, balance.on_hand }
    end
  end
  if #mismatches > 0 then
    return { reason = 'stock_changed', mismatches = mismatches }
  elseif #ahead > 0 then
    return { reason = 'count_ahead', items = ahead }
  end
  return #shortages > 0 and { reason = 'insufficient_stock', shortages = shortages } or nil
end

-- Take a movement of ours: the topic is owed it, where it comes back as a duplicate.
local function make(state, event_id, sku, shelf, kind, quantity, occurred_at)
  local balance = adopt(state, sku, shelf)
  local movement = {
    kind = kind, reference = event_id, quantity = quantity, reserved = 0, moves = true, own = 1,
    -- Never before the item's last count, which would cover it.
    occurred_at = occurred_at or math.max(state.now, balance.counted_at or state.now),
  }
  movement.on_hand = effect(sku, shelf, balance, movement)
  is_first(event_id)
  record(state, sku, shelf, movement)
  owe(event_id, sku, shelf, quantity, movement.occurred_at, kind)
  return { sku, shelf, balance.on_hand, balance.reserved, balance.version }
end

local function check_adjustments(state, adjustments)
  for _, each in ipairs(adjustments) do
    units(each.quantity, 'quantity')
    integer(each.occurred_at or 0, 'occurred_at')
    check_room(state, each.sku, each.shelf, 1)
    if each.to_shelf then
      check_room(state, each.sku, each.to_shelf, 1)
    end
    if each.kind == 'set' then
      units(each.quantity - (load(state, each.sku, each.shelf) or NOTHING).on_hand, 'the change')
    end
  end
end

local function adjust(state, request)
  check_adjustments(state, request.adjustments)
  for _, each in ipairs(request.adjustments) do
    expire_due(state, each.sku, request.retention_ms)
  end
  local refusal = refuse_adjustments(state, request.adjustments)
  if refusal then
    return { now = state.now, refusal = refusal }
  end
  local changed = {}
  local function change(each, shelf, kind, quantity)
    local event_id = 'adjustment:' .. request.batch_id .. ':' .. text(#changed + 1)
    changed[#changed + 1] = make(state, event_id, each.sku, shelf, kind, quantity, each.occurred_at)
  end
  for _, each in ipairs(request.adjustments) do
    if each.kind == 'count' then
      change(each, each.shelf, 'count', each.quantity)
    elseif each.kind == 'set' then
      change(each, each.shelf, 'adjustment', each.quantity - (load(state, each.sku, each.shelf) or NOTHING).on_hand)
    elseif each.kind == 'move' then
      change(each, each.shelf, 'adjustment', -each.quantity)
      change(each, each.to_shelf, 'adjustment', each.quantity)
    else
      change(each, each.shelf, 'adjustment', each.quantity)
    end
  end
  return { now = state.now, adjusted = { request.batch_id, changed } }
end
