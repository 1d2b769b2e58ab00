--- How the server is, in a float.
local lsp = require('hirope.lsp')
local say = require('hirope.say')
local session = require('hirope.session')
local window = require('hirope.views.window')

local M = {}

local function known(value)
  return value ~= nil and value ~= vim.NIL
end

local function counts(table_)
  local words = {}
  for name, count in vim.spairs(table_ or {}) do
    words[#words + 1] = ('%s %s'):format(name, count)
  end
  return #words > 0 and table.concat(words, ', ') or nil
end

local function last(report)
  local record = report.last
  if not known(record) then
    return
  end
  local phases = {}
  for name, ms in vim.spairs(record.timings or {}) do
    phases[#phases + 1] = ('%s %.1f ms'):format(name, ms)
  end
  return record.outcome .. (#phases > 0 and ': ' .. table.concat(phases, ', ') or '')
end

local function memory(report)
  local it = report.memory
  if known(it) then
    local used = known(it.kvUsedMiB) and it.kvUsedMiB or 0
    return ('%s of %s MiB for caches, %s MiB in all'):format(used, it.kvBudgetMiB, it.rssMiB)
  end
end

local function latency(report)
  local it = report.latencyMs
  if known(it) and it.count > 0 then
    return ('half within %.0f ms, 95 %% within %.0f ms, of %d'):format(it.p50, it.p95, it.count)
  end
end

local function hits(report)
  local it = report.cacheHitRate
  if known(it) and known(it.tokens) then
    return ('%.0f %% of the tokens were read before'):format(it.tokens * 100)
  end
end

--- A report as lines.
function M.lines(report)
  local lines = {}
  local function add(name, value)
    if known(value) then
      lines[#lines + 1] = (' %-12s %s'):format(name, value)
    end
  end
  add('state', report.state .. (session.enabled and '' or ', switched off here'))
  add('problem', report.problem)
  add('model', report.model)
  add('device', report.device)
  add('memory', memory(report))
  add('latency', latency(report))
  add('cache', hits(report))
  add('last', last(report))
  add('outcomes', counts(report.outcomes))
  add('spared', counts(report.spared))
  add('suggestions', counts(report.suggestions))
  add('documents', report.documents)
  return lines
end

function M.open()
  local client = session.client()
  if not client then
    return say.info(('no server runs (%s); `:checkhealth hirope` tells more'):format(session.state))
  end
  lsp.request(client, 'hirope/status', {}, function(err, report)
    if err then
      return say.warn(err.message)
    end
    session.reported(report)
    window.float(M.lines(report), 'hirope-ls')
  end)
end

return M
