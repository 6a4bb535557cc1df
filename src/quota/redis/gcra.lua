-- Charges calls to windows by the generic cell rate algorithm: all windows of a group, or
-- none. Times before this line: `sec` and `ns`, the server's own, so that no client's clock
-- counts; and `least`, how many milliseconds a value is kept at least. Whole nanoseconds of
-- spans fit the numbers of Lua, those of an epoch do not; that is why times come in two
-- parts.
--
-- KEYS     a key for each window
-- ARGV[1]  how many of them are the first group; the others are the second
-- and five for each window:
--   what the call costs
--   what is owed when the burst is used up, which are the window's terms: the most that
--   may be owed
--   what a client still knows, should the server have forgotten it: until when something is
--   owed at least, in seconds and nanoseconds, and the terms this was reckoned by
--
-- A value is `OWED/TERMS SECONDS NANOSECONDS KEPT`: what was owed, by which terms, and when.
-- By other terms the same share of the burst is owed. That is no whole number, and not made
-- one, so that nothing adds up where clients with different limits ask in turn. A client that
-- goes by other terms may still know more to be owed than is. So a value has the second until
-- which it is kept at least: what is known to be owed no longer than that had its part in it.
--
-- Answers: the time, what was owed to each window before, and how many values were damaged.
local answer, damaged = {sec, ns}, 0
-- No window takes longer to fill, in seconds.
local longest = 2678400

-- What a value says: what is owed now, by which terms, until when it is kept, and whether it
-- has to be written. What is none of ours, whatever it is, is as good as missing, and written
-- over. None is believed that says more than can be.
local function stored(key)
  local value = redis.pcall('GET', key)
  if not value then
    return 0, nil, 0, false
  end
  if type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then
      -- Once more, so that the client is told.
      redis.call('GET', key)
    end
    value = ''
  end
  local owed, terms, s, n, kept = string.match(value, '^([%d.e+-]+)/(%d+) (%d+) (%d+) (%d+)$')
  owed, terms, kept = tonumber(owed), tonumber(terms), tonumber(kept)
  if not (owed and owed >= 0 and terms > 0 and terms <= longest * 1e9) then
    damaged = damaged + 1
    return 0, nil, 0, true
  end
  local is_new = owed > terms
  if is_new then
    damaged = damaged + 1
    owed = terms
  end
  -- A whole second more, by which it was rounded up.
  if kept > sec + longest + 1 then
    kept = 0
  end
  local passed = (sec - tonumber(s)) * 1e9 + (ns - tonumber(n))
  if passed < 0 then
    -- The clock was set back: what was owed is owed from now on.
    passed, is_new = 0, true
  end
  return math.max(owed - passed, 0), terms, kept, is_new
end

-- The same share by other terms, as finely as sums with whole nanoseconds are exact.
local function converted(owed, terms, most)
  local _, bits = math.frexp(most)
  local grain = 2 ^ (bits - 52)
  return math.floor(owed / terms * most / grain + 0.5) * grain
end

local function owed_to(number)
  local at = 2 + (number - 1) * 5
  local cost, most = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local owed, terms, kept, is_new = stored(KEYS[number])
  local known_s, known_n = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local known_terms = tonumber(ARGV[at + 4])
  local known = math.min((known_s - sec) * 1e9 + (known_n - ns), known_terms)
  -- A client rounds up to whole nanoseconds, which is no more than is owed.
  local is_more = (known - 1) / known_terms >= owed / (terms or known_terms)
  if is_more and known_s + known_n / 1e9 > kept then
    owed, terms, is_new = known, known_terms, true
  end
  if terms and terms ~= most then
    kept = math.max(kept, sec + math.ceil((ns + owed) / 1e9))
    owed, is_new = converted(owed, terms, most), true
  end
  return owed, cost, most, kept, is_new
end

local function keep(number, owed, most, kept, is_new)
  if owed > 0 or is_new then
    local value = string.format('%.17g/%.0f %.0f %.0f %.0f', owed, most, sec, ns, kept)
    -- What is not there owes nothing, so it may go when all is given back, and not before.
    local millis = math.max(math.ceil(owed / 1e6) + 1, (kept - sec) * 1000, least)
    redis.call('SET', KEYS[number], value, 'PX', string.format('%.0f', millis))
  end
end

local function charge(first, last)
  local states, is_admitted = {}, true
  for number = first, last do
    local owed, cost, most, kept, is_new = owed_to(number)
    states[number] = {owed, cost, most, kept, is_new}
    answer[number + 2] = math.ceil(owed)
    if math.ceil(owed) + cost > most then
      is_admitted = false
    end
  end
  for number = first, last do
    local owed, cost, most, kept, is_new = unpack(states[number])
    if is_admitted then
      keep(number, owed + cost, most, kept, is_new)
    elseif is_new then
      keep(number, owed, most, kept, is_new)
    end
  end
end

local first = tonumber(ARGV[1])
charge(1, first)
charge(first + 1, #KEYS)
answer[#KEYS + 3] = damaged
return answer
