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

redis.register_function({ function_name = 'inventory_event_ids', callback = event_ids, flags = { 'no-writes' } })
redis.register_function('inventory_sent', sent)
redis.register_function({ function_name = 'inventory_version', callback = function() return VERSION end, flags = { 'no-writes' } })
redis.register_function({ function_name = 'inventory_ledger', callback = ledger, flags = { 'no-writes' } })
redis.register_function('inventory_availability', availability)
redis.register_function('inventory_reservation', reservation)
redis.register_function('inventory_reserve', once(reserve))
redis.register_function('inventory_adjust', once(adjust))
redis.register_function('inventory_extend', once(on_hold(extend)))
redis.register_function('inventory_transfer', once(on_hold(transfer)))
redis.register_function('inventory_confirm', once(on_hold(confirm)))
redis.register_function('inventory_release', once(on_hold(release)))
redis.register_function('inventory_apply_movements', apply_movements)
