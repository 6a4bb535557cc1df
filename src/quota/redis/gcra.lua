-- Charges calls to windows by the generic cell rate algorithm: all windows of a group, or
-- none. Times before this line: `sec` and `ns`, the server's own, so that no client's clock
-- counts; and `least`, how many milliseconds a value is kept at least. Whole nanoseconds of
-- spans fit the numbers of Lua, those of an epoch do not; that is why times come in two
-- parts.
--
-- KEYS     a key for each window
-- ARGV[1]  how many of them are the first group; the others are the second
-- and five for each window:
--   how long one takes to be given back, in nanoseconds
--   what the call costs
--   the most that may be owed
--   until when something is owed at least, in seconds and nanoseconds: what a client still
--   knows, should the server have forgotten it
--
-- A value is what was owed, by which interval, and when. Answers: the time, and what was
-- owed to each window before.
local answer = {sec, ns}

local function owed_to(number)
  local at = 2 + (number - 1) * 5
  local interval, most = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
  local owed, is_new = 0, false
  local value = redis.call('GET', KEYS[number])
  if value then
    local before, by, s, n = string.match(value, '^(%d+) (%d+) (%d+) (%d+)$')
    if before then
      local passed = (sec - tonumber(s)) * 1e9 + (ns - tonumber(n))
      if passed < 0 then
        -- The clock was set back: what was owed is owed from now on.
        passed, is_new = 0, true
      end
      owed, by = math.max(tonumber(before) - passed, 0), tonumber(by)
      if by ~= interval and by > 0 then
        -- Limits have changed: as many calls as before.
        local calls = math.floor(owed / by)
        owed = calls * interval + math.ceil((owed - calls * by) * interval / by)
        owed = math.min(owed, 4503599627370496)
      end
    end
  end
  local known = (tonumber(ARGV[at + 3]) - sec) * 1e9 + (tonumber(ARGV[at + 4]) - ns)
  known = math.min(known, most)
  if known > owed then
    owed, is_new = known, true
  end
  return owed, tonumber(ARGV[at + 1]), most, is_new, interval
end

local function keep(number, owed, interval)
  if owed > 0 then
    local value = string.format('%.0f %.0f %.0f %.0f', owed, interval, sec, ns)
    -- What is not there owes nothing, so it may go when all is given back, and not before.
    local millis = math.max(math.ceil(owed / 1e6) + 1, least)
    redis.call('SET', KEYS[number], value, 'PX', string.format('%.0f', millis))
  end
end

local function charge(first, last)
  local states, is_admitted = {}, true
  for number = first, last do
    local owed, cost, most, is_new, interval = owed_to(number)
    states[number] = {owed, cost, is_new, interval}
    answer[number + 2] = owed
    if owed + cost > most then
      is_admitted = false
    end
  end
  for number = first, last do
    local owed, cost, is_new, interval = unpack(states[number])
    if is_admitted then
      keep(number, owed + cost, interval)
    elseif is_new then
      keep(number, owed, interval)
    end
  end
end

local first = tonumber(ARGV[1])
charge(1, first)
charge(first + 1, #KEYS)
return answer
