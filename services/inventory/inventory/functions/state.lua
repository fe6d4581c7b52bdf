#!lua name=shopsphere_inventory
-- Stock in Redis. One call of one function changes balances, holds, journal, idempotency record, counters and
-- stream offsets together; nothing else writes these keys. The rules are those of stock.py, and tests compare both.
-- The files of this folder are one library, joined in the order that library.py names.
--
--   inv:stock:<sku>             hash    shelf -> "on_hand:reserved:version:counted_at:moved_at"
--   inv:journal:<sku>@<shelf>   list    msgpack {kind, recorded_at, occurred_at, on_hand, reserved, reference, quantity, order_id, own}
--   inv:due:<sku>               zset    live reservation ids of the sku by expires_at
--   inv:hold:<reservation_id>   string  msgpack {state, lines, created_at, expires_at, ended_at, version, confirmed, unfilled, channel}; ended ones fade
--   inv:once:<slot>             string  msgpack {fingerprint, first answer}; fades
--   inv:events:<shard>          set     event ids taken (sharded by hash, so that each set stays in Redis' compact form)
--   inv:offsets:<topic>         hash    partition -> last offset taken
--   inv:missing:<topic>         hash    partition -> offsets that were jumped over, records never delivered
--   inv:quarantined:<topic>     hash    "<partition>/<offset>" -> reason of a record set aside
--   inv:counters                hash    movements, applied, duplicates, quarantined; the audit holds them to the keys above
--   inv:outbox                  stream  movement: msgpack {event_id, sku, shelf, quantity, occurred_at, kind} that the topic lacks
--   inv:epoch, inv:sequence, inv:went_back, inv:owners:<topic> stand in fence.lua, the terms of promising in terms.lua,
--   inv:changes and its kin in changes.lua
--
-- A shelf is a location, where goods are for sale, or "<location>#<bucket>", where they are set aside (journal.py Item).
-- Times are microseconds since 1970, quantities units. Lua numbers are doubles: every integer is checked to be exact.
-- An error after the first write would leave half a change, so all checks stand before it.

local VERSION = 4
local MAX_INTEGER = 9007199254740991 -- 2^53 - 1
local MAX_UNITS = 1000000000 -- of one movement or line; the doors refuse more (stock.py UNITS_MAX)
local MAX_CHANGES = 1000000 -- kept for who follows: some 60 MB, a quarter of an hour at a thousand changes a second
local MAX_CHANGES_PER_ENTRY = 100 -- a call of many changes writes few entries, and a reader need not take all of it at once

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
  local touched = state.touched[sku .. '@' .. location] or { sku = sku, shelf = location, promised = 0 }
  touched.kind, touched.promised = entry.kind, touched.promised + entry.on_hand - entry.reserved
  state.touched[sku .. '@' .. location] = touched
  redis.call('RPUSH', 'inv:journal:' .. sku .. '@' .. location, cmsgpack.pack({
    entry.kind, state.now, entry.occurred_at, entry.on_hand, entry.reserved, entry.reference, entry.quantity, entry.order_id or '',
    entry.own,
  }))
end

-- Whether units to promise became low with this call, were restocked, or neither; of what is for sale.
local function crossing(item, balance, low_stock)
  local promised = balance.on_hand - balance.reserved
  local is_low, was_low = promised <= low_stock, promised - item.promised <= low_stock
  if is_low == was_low or string.find(item.shelf, '#', 1, true) then
    return ''
  end
  return is_low and 'low' or 'restocked'
end

-- Changes are numbered without holes, and an entry's id is the number of its last one: a reader sees what was trimmed.
local function tell(changes)
  local last = #changes > 0 and redis.call('INCRBY', 'inv:changes_last', #changes)
  for from = 1, #changes, MAX_CHANGES_PER_ENTRY do
    local upto = math.min(from + MAX_CHANGES_PER_ENTRY - 1, #changes)
    redis.call(
      'XADD', 'inv:changes', 'MINID', '~', '0-' .. text(math.max(0, last - MAX_CHANGES)),
      '0-' .. text(last - #changes + upto), 'changes', cmsgpack.pack({ unpack(changes, from, upto) })
    )
  end
end

local function close(state)
  local changes, low_stock = {}, next(state.touched) and tonumber(redis.call('GET', 'inv:low_stock') or 0)
  for key, item in pairs(state.touched) do
    local balance = state.balances[key]
    redis.call('HSET', 'inv:stock:' .. item.sku, item.shelf, format(balance))
    changes[#changes + 1] = {
      item.sku, item.shelf, balance.on_hand, balance.reserved, balance.version, item.kind, state.now,
      crossing(item, balance, low_stock),
    }
  end
  tell(changes)
  state.touched = {}
end
