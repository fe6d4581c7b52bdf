#!lua name=shopsphere_fraud_VERSION
-- Every call is one atomic step over the keys below KEYS[1] (a prefix with a hash tag, so that all live in one slot):
--   <prefix>:orders          hash    order id → the order as a JSON array [order id, user|null, store, card, …]
--   <prefix>:user:<id>, :card:<token>, :store:<id>   sorted sets of order ids by ordered_at, epoch ms
--   <prefix>:labels          hash    order id → "known_at:0|1", comma-separated, each once
--   <prefix>:order_times, :label_times, :quarantine_times   sorted sets by when they were recorded, for forgetting
--   <prefix>:answer:<key>    hash    digest of the request, and its first answer
--   <prefix>:outbox          stream  decisions on their way to Kafka
--   <prefix>:quarantine      hash    topic/partition/offset → a label record that could not be read, as JSON;
--                                    the newest QUARANTINE_MAX of them

-- HMGET takes its arguments from Lua's C stack, which holds 8,000.
local CHUNK = 1000
-- So that no call forgets for long: a call records one order and may forget this many.
local FORGET_MAX = 20
-- Enough to see what is wrong; a gigabyte if every record were as large as Kafka allows. The lake has all of them.
local QUARANTINE_MAX = 1000

local function entity_keys(prefix, order)
  local keys = { prefix .. ':card:' .. order[4], prefix .. ':store:' .. order[3] }
  if order[2] ~= cjson.null then
    keys[3] = prefix .. ':user:' .. order[2]
  end
  return keys
end

local function index(prefix, order_id, payload, ordered_at)
  redis.call('HSET', prefix .. ':orders', order_id, payload)
  for _, key in ipairs(entity_keys(prefix, cjson.decode(payload))) do
    redis.call('ZADD', key, ordered_at, order_id)
  end
end

local function unindex(prefix, order_id)
  local payload = redis.call('HGET', prefix .. ':orders', order_id)
  if not payload then
    return
  end
  for _, key in ipairs(entity_keys(prefix, cjson.decode(payload))) do
    redis.call('ZREM', key, order_id)
  end
  redis.call('HDEL', prefix .. ':orders', order_id)
end

local function forget(prefix, before)
  local orders = redis.call('ZRANGE', prefix .. ':order_times', '-inf', before, 'BYSCORE', 'LIMIT', 0, FORGET_MAX)
  for _, order_id in ipairs(orders) do
    unindex(prefix, order_id)
    redis.call('ZREM', prefix .. ':order_times', order_id)
  end
  local labels = redis.call('ZRANGE', prefix .. ':label_times', '-inf', before, 'BYSCORE', 'LIMIT', 0, FORGET_MAX)
  for _, order_id in ipairs(labels) do
    redis.call('HDEL', prefix .. ':labels', order_id)
    redis.call('ZREM', prefix .. ':label_times', order_id)
  end
  local aside = redis.call('ZRANGE', prefix .. ':quarantine_times', '-inf', before, 'BYSCORE', 'LIMIT', 0, FORGET_MAX)
  for _, position in ipairs(aside) do
    redis.call('HDEL', prefix .. ':quarantine', position)
    redis.call('ZREM', prefix .. ':quarantine_times', position)
  end
end

local function put_aside(prefix, now, position, record)
  if redis.call('HSETNX', prefix .. ':quarantine', position, record) == 0 then
    return
  end
  redis.call('ZADD', prefix .. ':quarantine_times', now, position)
  if redis.call('ZCARD', prefix .. ':quarantine_times') > QUARANTINE_MAX then
    redis.call('HDEL', prefix .. ':quarantine', redis.call('ZPOPMIN', prefix .. ':quarantine_times')[1])
  end
end

local function values_of(key, fields)
  local values = {}
  for first = 1, #fields, CHUNK do
    local last = math.min(first + CHUNK - 1, #fields)
    for _, value in ipairs(redis.call('HMGET', key, unpack(fields, first, last))) do
      values[#values + 1] = value
    end
  end
  return values
end

-- The orders of [oldest, newest] that share an entity with the order, and the labels of those that have one.
local function history(prefix, order_id, payload, oldest, newest)
  local seen, ids = { [order_id] = true }, {}
  for _, key in ipairs(entity_keys(prefix, cjson.decode(payload))) do
    for _, id in ipairs(redis.call('ZRANGE', key, oldest, newest, 'BYSCORE')) do
      if not seen[id] then
        seen[id] = true
        ids[#ids + 1] = id
      end
    end
  end
  local labels = {}
  for i, label in ipairs(values_of(prefix .. ':labels', ids)) do
    if label then
      labels[#labels + 1] = ids[i]
      labels[#labels + 1] = label
    end
  end
  return { 'opened', values_of(prefix .. ':orders', ids), labels }
end

-- ARGV: answer key, digest, order id, order, ordered_at, oldest, now, forget before, answer lifetime (ms each)
local function open(keys, argv)
  local prefix, answer_key = keys[1], keys[1] .. ':answer:' .. argv[1]
  local first = redis.call('HMGET', answer_key, 'digest', 'answer')
  if first[1] and first[1] ~= argv[2] then
    return { 'key_reused' }
  end
  if first[2] then
    return { 'answered', first[2] }
  end
  local known = redis.call('HGET', prefix .. ':orders', argv[3])
  if known and known ~= argv[4] then
    return { 'order_differs' }
  end
  redis.call('HSET', answer_key, 'digest', argv[2])
  redis.call('PEXPIRE', answer_key, argv[9])
  if not known then
    index(prefix, argv[3], argv[4], argv[5])
    redis.call('ZADD', prefix .. ':order_times', argv[7], argv[3])
  end
  forget(prefix, argv[8])
  return history(prefix, argv[3], argv[4], argv[6], argv[5])
end

-- ARGV: answer key, digest, answer, order id, event, answer lifetime (ms). The first answer wins; only it goes out.
local function close(keys, argv)
  local answer_key = keys[1] .. ':answer:' .. argv[1]
  local first = redis.call('HGET', answer_key, 'answer')
  if first then
    return first
  end
  redis.call('HSET', answer_key, 'digest', argv[2], 'answer', argv[3])
  redis.call('PEXPIRE', answer_key, argv[6])
  redis.call('XADD', keys[1] .. ':outbox', '*', 'order_id', argv[4], 'event', argv[5])
  return argv[3]
end

-- ARGV: now, forget before, then (order id, order, ordered_at) each. The lake's version of an order replaces ours.
local function record(keys, argv)
  local prefix, changed = keys[1], 0
  for i = 3, #argv, 3 do
    if redis.call('HGET', prefix .. ':orders', argv[i]) ~= argv[i + 1] then
      unindex(prefix, argv[i])
      index(prefix, argv[i], argv[i + 1], argv[i + 2])
      changed = changed + 1
    end
    redis.call('ZADD', prefix .. ':order_times', argv[1], argv[i])
  end
  forget(prefix, argv[2])
  return changed
end

-- ARGV: now, forget before, number of labels, (order id, known_at:0|1) each, then (position, record) of the unreadable.
local function label(keys, argv)
  local prefix, changed, last = keys[1], 0, 3 + 2 * argv[3]
  for i = 4, last, 2 do
    local known = redis.call('HGET', prefix .. ':labels', argv[i])
    if not known then
      redis.call('HSET', prefix .. ':labels', argv[i], argv[i + 1])
      changed = changed + 1
    elseif not string.find(',' .. known .. ',', ',' .. argv[i + 1] .. ',', 1, true) then
      redis.call('HSET', prefix .. ':labels', argv[i], known .. ',' .. argv[i + 1])
      changed = changed + 1
    end
    redis.call('ZADD', prefix .. ':label_times', argv[1], argv[i])
  end
  for i = last + 1, #argv, 2 do
    put_aside(prefix, argv[1], argv[i], argv[i + 1])
  end
  forget(prefix, argv[2])
  return changed
end

redis.register_function('fraud_open_VERSION', open)
redis.register_function('fraud_close_VERSION', close)
redis.register_function('fraud_record_VERSION', record)
redis.register_function('fraud_label_VERSION', label)
