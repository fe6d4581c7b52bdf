-- Which data set this is, how far it has come, and who may write what of a topic. Each call tells what it expects and
-- is refused, before anything else is looked at, when it is not so.
--
--   inv:epoch           string  the data set: Redis' time in microseconds when it was opened; 1 when version 2 wrote it
--   inv:sequence        string  mutating calls so far
--   inv:went_back       string  the sequence a process had seen when this data set had less; nothing is done until a reopening
--   inv:owners:<topic>  hash    partition -> epoch of its owner, which grows with each taking over

local function went_back(seen, sequence)
  return redis.error_reply('STATEWENTBACK the data set is at sequence ' .. sequence .. ', a process has seen ' .. seen)
end

local function refusal_of(epoch, sequence, is_back, expected, seen, may_write)
  if epoch ~= expected then
    return redis.error_reply('EPOCHMISMATCH the data set has ' .. (epoch and 'epoch ' .. epoch or 'no epoch'))
  elseif is_back then
    return went_back(is_back, sequence)
  elseif tonumber(sequence) < (tonumber(seen) or 0) then
    if may_write then
      redis.call('SET', 'inv:went_back', seen)
    end
    return went_back(seen, sequence)
  end
end

-- What Redis registers. Args: the epoch expected and the highest sequence seen, then the function's own. The answer:
-- the sequence and the function's own answer. `way` is what the function does: changes, settles (ends due holds) or looks.
local function fenced(way, callback)
  return function(keys, args)
    local known = redis.call('MGET', 'inv:epoch', 'inv:sequence', 'inv:went_back')
    local sequence = known[2] or '0'
    local refusal = refusal_of(known[1], sequence, known[3], args[1], args[2], way ~= 'looks')
    local answer = refusal or callback(keys, { unpack(args, 3) })
    if type(answer) == 'table' and answer.err then
      return answer
    end
    return { way == 'changes' and redis.call('INCR', 'inv:sequence') or tonumber(sequence), answer }
  end
end

-- The epoch and sequence of the data set. An empty database gets an epoch; a full one without one is left alone.
local function open_data_set()
  local known = redis.call('MGET', 'inv:epoch', 'inv:sequence', 'inv:went_back')
  local epoch, sequence = known[1], known[2] or '0'
  if known[3] then
    return went_back(known[3], sequence)
  elseif epoch then
    return { epoch, sequence }
  elseif redis.call('DBSIZE') == 0 then
    epoch = text(open().now)
  elseif not known[2] and redis.call('EXISTS', 'inv:counters') == 1 then
    epoch = '1'
  else
    return redis.error_reply('NOEPOCH the database has keys, but no epoch')
  end
  redis.call('MSET', 'inv:epoch', epoch, 'inv:sequence', sequence)
  return { epoch, sequence }
end

-- The data set as it stands, under a new epoch: whoever knew it before is refused until it has learned that.
local function reopen_data_set()
  local before = tonumber(redis.call('GET', 'inv:epoch') or 0)
  redis.call('SET', 'inv:epoch', text(math.max(open().now, before + 1)))
  redis.call('INCR', 'inv:sequence')
  redis.call('DEL', 'inv:went_back')
  return redis.call('MGET', 'inv:epoch', 'inv:sequence')
end

-- args: topic, msgpack list of partitions. The answer: msgpack list of {partition, owner epoch, last offset taken}.
local function take_over(_, args)
  local taken = {}
  for i, partition in ipairs(cmsgpack.unpack(args[2])) do
    local epoch = redis.call('HINCRBY', 'inv:owners:' .. args[1], text(integer(partition, 'partition')), 1)
    taken[i] = { partition, epoch, tonumber(redis.call('HGET', 'inv:offsets:' .. args[1], text(partition)) or -1) }
  end
  return cmsgpack.pack(taken)
end

-- `owners`: partition -> the epoch of who sends the batch. A partition that nobody ever took over has epoch 0.
local function refuse_owner(topic, batch, owners)
  local looked_at = {}
  for _, item in ipairs(batch) do
    local partition = item[1]
    if not looked_at[partition] then
      looked_at[partition] = true
      local epoch = tonumber(redis.call('HGET', 'inv:owners:' .. topic, text(partition)) or 0)
      if epoch ~= (owners[partition] or 0) then
        return redis.error_reply('OWNERFENCED partition ' .. text(partition) .. ' has an owner of epoch ' .. text(epoch))
      end
    end
  end
end
