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
--   inv:epoch, inv:sequence, inv:went_back, inv:owners:<topic> stand in fence.lua, the terms of promising in terms.lua
--
-- A shelf is a location, where goods are for sale, or "<location>#<bucket>", where they are set aside (journal.py Item).
-- Times are microseconds since 1970, quantities units. Lua numbers are doubles: every integer is checked to be exact.
-- An error after the first write would leave half a change, so all checks stand before it.

local VERSION = 3
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
    entry.own,
  }))
end

local function close(state)
  for key, item in pairs(state.touched) do
    redis.call('HSET', 'inv:stock:' .. item[1], item[2], format(state.balances[key]))
  end
  state.touched = {}
end
