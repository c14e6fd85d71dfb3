-- Runs rules of the filter over letters, with rspamd's own parser: rspamadm lua -b -s THIS -a QUESTIONS ANSWERS (tests/filter_rules.py).
local rspamd_task = require "rspamd_task"
local ucl = require "ucl"
local util = require "rspamd_util"

-- rspamadm knows no list of suffixes under which people register names: these stand for it.
local SUFFIXES = { ["gov.vn"] = true, ["com.vn"] = true, ["org.vn"] = true }
local function organisation_of(domain)
  local above = domain:match("([^.]+%.[^.]+)$") or domain
  return SUFFIXES[above] and domain:match("([^.]+%.[^.]+%.[^.]+)$") or above
end
local util_here = setmetatable({ get_tld = organisation_of }, { __index = util })

local function asked(path)
  local parser = ucl.parser()
  assert(parser:parse_file(path))
  return parser:get_object()
end

-- The symbols of a file, by name. What it asks over a socket, `answer` says: the next reply, and the end where more may come. What it
-- puts into a list of Redis, `push` takes.
local function loaded(path, files, answer, push)
  local symbols = {}
  local config = {
    register_symbol = function(_, symbol) symbols[symbol.name] = symbol return symbol.name end,
    get_all_opt = function() return nil end,
    add_on_load = function() end,
  }
  local function loader(name)
    if name == "rspamd_logger" then
      return { warnx = function() end, errx = function() end }
    elseif name == "rspamd_util" then
      return util_here
    elseif name == "lua_redis" then
      return {
        parse_redis_server = function() end,
        rspamd_redis_make_request = function(_, _, _, _, callback, command, arguments)
          if command == "RPUSH" then
            push(arguments[2])
          end
          callback()
        end,
      }
    elseif name == "rspamd_tcp" then
      return {
        request = function(request)
          request.callback(nil, answer())
          if request.partial then
            request.callback("IO read error: connection terminated")
          end
        end,
      }
    end
    return require(name)
  end
  local function open(name, mode)
    local folder, file = name:match("^(.*)/([^/]*)$")
    return io.open(files[folder] and files[folder] .. "/" .. file or name, mode)
  end
  local chunk = assert(loadfile(path))
  setfenv(chunk, setmetatable({
    rspamd_config = config,
    require = loader,
    io = { open = open, lines = function(name) return io.lines(files[name] or name) end },
  }, { __index = _G }))
  chunk()
  return symbols
end

-- A letter as rspamd reads it, with an envelope and what other rules have found out; notes what is said of it.
local function letter_of(asked_of, found)
  local file = assert(io.open(asked_of.path, "rb"))
  local _, task = rspamd_task.load_from_string(file:read("*a"), rspamd_config)
  file:close()
  task:process_message()
  local cache = asked_of.cache or {}
  local mine = {
    cache_get = function(_, key) return cache[key] end,
    cache_set = function(_, key, value) cache[key] = value end,
    insert_result = function(_, symbol, weight, ...) found.symbols[symbol] = weight found.options[symbol] = { ... } end,
    set_pre_result = function(_, result) found.action, found.text = result.action, result.message end,
    get_metric_action = function() return found.action or (asked_of.score or 0) >= 15 and "reject" or "no action" end,
    disable_symbol = function() end,
    get_metric_score = function() return { asked_of.score or 0, 15 } end,
    get_request_header = function(_, name) return name == "MTA-Name" and asked_of.released and "RELEASED" or nil end,
    set_settings = function(_, settings) found.refused_from = settings.actions.reject end,
    set_milter_reply = function(_, reply)
      for field, value in pairs(reply.add_headers or {}) do
        found.added[field] = value
      end
      for field, value in pairs(reply.remove_headers or {}) do
        found.removed[field] = value
      end
    end,
    get_user = function() return asked_of.user end,
    get_from_ip = function() return nil end,
    get_recipients = function()
      local recipients = {}
      for _, address in ipairs(asked_of.recipients) do
        table.insert(recipients, { addr = address })
      end
      return recipients
    end,
    get_from = function(_, kind)
      if kind == "mime" then
        return task:get_from("mime")
      end
      return asked_of.sender and { { addr = asked_of.sender, domain = asked_of.sender:match("@(.*)$") } } or nil
    end,
    has_symbol = function(_, symbol) return asked_of.found and asked_of.found[symbol] or found.symbols[symbol] ~= nil end,
  }
  return setmetatable(mine, {
    __index = function(_, method)
      return function(_, ...) return task[method](task, ...) end
    end,
  }), cache
end

local questions = asked(arg[1])
local replies, pushed
local rules = {}
for number, path in ipairs(questions.rules) do
  rules[number] = loaded(path, questions.files or {}, function() return table.remove(replies, 1) or "" end,
    function(value) table.insert(pushed, value) end)
end
-- Of one file postfilters come last, which have a priority, and behind them what only notes.
local function place_of(symbol)
  return symbol.type == "idempotent" and math.huge or symbol.priority or 0
end
local answers = {}
for number, each in ipairs(questions.letters) do
  pushed = {}
  local found = { symbols = {}, options = {}, added = {}, removed = {}, pushed = pushed }
  local task, cache = letter_of(each, found)
  replies = each.replies or {}
  local start = os.clock()
  for _, symbols in ipairs(rules) do
    local names = {}
    for name in pairs(symbols) do
      table.insert(names, name)
    end
    table.sort(names, function(one, other) return place_of(symbols[one]) < place_of(symbols[other]) end)
    for _, name in ipairs(names) do
      local symbol = symbols[name]
      local says, weight = (symbol.callback or function() end)(task)
      if says == true then
        found.symbols[name] = weight or 1.0
      end
    end
  end
  found.seconds = os.clock() - start
  found.proven = type(cache.authentication) == "table" and cache.authentication.proven or false
  answers[number] = found
end
local out = assert(io.open(arg[2], "w"))
out:write(ucl.to_format({ answers = answers }, "json-compact"))
out:close()
