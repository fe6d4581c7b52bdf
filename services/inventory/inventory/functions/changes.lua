-- Following what changed; state.lua appends it.
--
--   inv:changes         stream  0-<number of the last>, changes: msgpack list of
--                               {sku, shelf, on_hand, reserved, version, kind, as_of, crossing}
--   inv:changes_last    string  the number of the last change
--   inv:changes_sent    string  the cursor of what the topic has of it, "<epoch>-<number>"
--   inv:changes_leader  string  the worker that sends it; fades unless it is renewed
--   inv:low_stock       string  so many units to promise, or fewer, are low stock

-- args: the number of the last change known, or nothing for now; the most to show. The answer: the number of the last
-- change, and entries that begin no later than with the first one asked for, unless that was trimmed.
local function changes(_, args)
  local last = tonumber(redis.call('GET', 'inv:changes_last') or 0)
  local after = tonumber(args[1]) or last
  local upto = after + tonumber(args[2]) + MAX_CHANGES_PER_ENTRY - 1
  return { last, redis.call('XRANGE', 'inv:changes', '(0-' .. text(after), '0-' .. text(upto)) }
end

-- args: the worker, milliseconds. The answer: the cursor of what was sent, nothing while another worker leads.
local function lead_changes(_, args)
  local leader = redis.call('GET', 'inv:changes_leader')
  if leader and leader ~= args[1] then
    return false
  end
  -- Renewed at half time, so that looking for changes is not a write each time.
  if redis.call('PTTL', 'inv:changes_leader') < tonumber(args[2]) / 2 then
    redis.call('SET', 'inv:changes_leader', args[1], 'PX', args[2])
  end
  return redis.call('GET', 'inv:changes_sent') or ''
end

-- args: the worker, the cursor that it went on from, the cursor of what it sent.
local function changes_sent(_, args)
  local sent = redis.call('GET', 'inv:changes_sent') or ''
  if redis.call('GET', 'inv:changes_leader') ~= args[1] or sent ~= args[2] then
    return 0
  end
  redis.call('SET', 'inv:changes_sent', args[3])
  return 1
end

local function set_low_stock(_, args)
  return redis.call('SET', 'inv:low_stock', text(units(tonumber(args[1]), 'low stock')))
end
