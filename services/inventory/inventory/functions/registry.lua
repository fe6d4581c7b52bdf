-- What Redis can call.

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

-- args: the most entries to show, the oldest first.
local function outbox(_, args)
  return redis.call('XRANGE', 'inv:outbox', '-', '+', 'COUNT', args[1])
end

-- args: topic.
local function offsets(_, args)
  return redis.call('HGETALL', 'inv:offsets:' .. args[1])
end

local function looking(name, callback)
  redis.register_function({ function_name = name, callback = fenced('looks', callback), flags = { 'no-writes' } })
end

redis.register_function({ function_name = 'inventory_version', callback = function() return VERSION end, flags = { 'no-writes' } })
redis.register_function('inventory_open', open_data_set)
redis.register_function('inventory_reopen', reopen_data_set)
looking('inventory_event_ids', event_ids)
looking('inventory_outbox', outbox)
looking('inventory_offsets', offsets)
looking('inventory_ledger', ledger)
looking('inventory_terms', terms)
looking('inventory_changes', changes)
redis.register_function('inventory_availability', fenced('settles', availability))
redis.register_function('inventory_reservation', fenced('settles', reservation))
redis.register_function('inventory_sent', fenced('changes', sent))
redis.register_function('inventory_reserve', fenced('changes', once(reserve)))
redis.register_function('inventory_set_terms', fenced('changes', once(set_terms)))
redis.register_function('inventory_adjust', fenced('changes', once(adjust)))
redis.register_function('inventory_extend', fenced('changes', once(on_hold(extend))))
redis.register_function('inventory_transfer', fenced('changes', once(on_hold(transfer))))
redis.register_function('inventory_confirm', fenced('changes', once(on_hold(confirm))))
redis.register_function('inventory_release', fenced('changes', once(on_hold(release))))
redis.register_function('inventory_take_over', fenced('changes', take_over))
redis.register_function('inventory_apply_movements', fenced('changes', apply_movements))
redis.register_function('inventory_lead_changes', fenced('settles', lead_changes))
redis.register_function('inventory_changes_sent', fenced('changes', changes_sent))
redis.register_function('inventory_set_low_stock', fenced('changes', set_low_stock))
