-- The terms on which stock is promised (terms.py).
--
--   inv:safety            hash  "channel|location|class" -> units kept back; "*" where it holds for all
--   inv:classes           hash  sku -> class
--   inv:allowances:<sku>  hash  location -> "backorder_quota:preorder_limit"
--   inv:incoming:<sku>    hash  "location|reference" -> "expected_at:units"
--   inv:bundles           hash  sku -> msgpack {{sku, quantity}, ...}

local ANY = '*'

-- Names of rules, the one that holds first: the one that names most; then a location before a channel before a class.
local function safety_names(channel, location, class)
  local names = {}
  for _, parts in ipairs({
    { channel, location, class }, { channel, location, ANY }, { ANY, location, class }, { channel, ANY, class },
    { ANY, location, ANY }, { channel, ANY, ANY }, { ANY, ANY, class }, { ANY, ANY, ANY },
  }) do
    if parts[1] ~= '' and parts[2] ~= '' and parts[3] ~= '' then
      names[#names + 1] = table.concat(parts, '|')
    end
  end
  return names
end

-- Whether there is any term of a kind, asked of Redis once in a call.
local function has(state, key)
  state.terms = state.terms or {}
  if state.terms[key] == nil then
    state.terms[key] = redis.call('EXISTS', key) == 1
  end
  return state.terms[key]
end

local function safety_stock(state, channel, sku, location)
  if not has(state, 'inv:safety') then
    return 0
  end
  local class = redis.call('HGET', 'inv:classes', sku) or ''
  for _, units_kept in ipairs(redis.call('HMGET', 'inv:safety', unpack(safety_names(channel, location, class)))) do
    if units_kept then
      return tonumber(units_kept)
    end
  end
  return 0
end

-- Units expected at a location up to a time, or all.
local function incoming(state, sku, location, till)
  local key, total = 'inv:incoming:' .. sku, 0
  if not has(state, key) then
    return 0
  end
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local expected_at, expected = string.match(flat[i + 1], '^(-?%d+):(%d+)$')
    if string.match(flat[i], '^[^|]+') == location and (not till or tonumber(expected_at) <= till) then
      total = total + tonumber(expected)
    end
  end
  return total
end

local function allowance(state, sku, location)
  if not has(state, 'inv:allowances:' .. sku) then
    return 0
  end
  local quota, limit = string.match(redis.call('HGET', 'inv:allowances:' .. sku, location) or '0:0', '^(%d+):(%d+)$')
  local preorder = tonumber(limit)
  return tonumber(quota) + (preorder > 0 and math.min(preorder, incoming(state, sku, location)) or 0)
end

-- Units that a basket in a channel can be promised.
local function promisable(state, channel, sku, location)
  local balance = load(state, sku, location)
  local kept, beyond_shelf = safety_stock(state, channel, sku, location), allowance(state, sku, location)
  return math.max(0, balance.on_hand - balance.reserved - kept + beyond_shelf)
end

local function components_of(state, sku)
  local packed = has(state, 'inv:bundles') and redis.call('HGET', 'inv:bundles', sku)
  return packed and cmsgpack.unpack(packed) or nil
end

-- The lines, bundles as lines of their components.
local function expand(state, lines)
  local expanded = {}
  for _, line in ipairs(lines) do
    local components = components_of(state, line[1])
    for _, component in ipairs(components or { { line[1], 1 } }) do
      expanded[#expanded + 1] = { component[1], line[2], component[2] * units(line[3], 'quantity') }
    end
  end
  return expanded
end

local function put(key, name, value, is_nothing)
  if is_nothing then
    redis.call('HDEL', key, name)
  else
    redis.call('HSET', key, name, value)
  end
end

local set = {
  safety = function(term)
    put('inv:safety', table.concat({ term.channel, term.location, term.class }, '|'), text(term.units), term.units == 0)
  end,
  class = function(term)
    put('inv:classes', term.sku, term.class, term.class == '')
  end,
  allowance = function(term)
    local nothing = term.quota == 0 and term.limit == 0
    put('inv:allowances:' .. term.sku, term.location, text(term.quota) .. ':' .. text(term.limit), nothing)
  end,
  incoming = function(term)
    local value = text(term.expected_at) .. ':' .. text(term.units)
    put('inv:incoming:' .. term.sku, term.location .. '|' .. term.reference, value, term.units == 0)
  end,
  bundle = function(term)
    put('inv:bundles', term.sku, cmsgpack.pack(term.components), #term.components == 0)
  end,
}

local function check_term(term)
  if not set[term.kind] then
    error('there is no such term: ' .. tostring(term.kind))
  end
  for _, name in ipairs({ 'units', 'quota', 'limit', 'expected_at' }) do
    integer(term[name] or 0, name)
  end
end

local function set_terms(state, request)
  for _, term in ipairs(request.terms) do
    check_term(term)
  end
  for _, term in ipairs(request.terms) do
    set[term.kind](term)
  end
  return { now = state.now, terms = #request.terms }
end

-- args: a sku, or nothing. What holds: the safety stocks, and of the sku its class, allowances, incoming, components.
local function terms(_, args)
  local sku, safety = args[1], redis.call('HGETALL', 'inv:safety')
  if sku == '' then
    return { safety, '', {}, {}, '' }
  end
  return {
    safety, redis.call('HGET', 'inv:classes', sku) or '', redis.call('HGETALL', 'inv:allowances:' .. sku),
    redis.call('HGETALL', 'inv:incoming:' .. sku), redis.call('HGET', 'inv:bundles', sku) or '',
  }
end
