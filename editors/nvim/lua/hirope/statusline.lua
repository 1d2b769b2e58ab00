--- The component for statuslines. Cheap: it asks nobody.
local session = require('hirope.session')

local M = {}

local words = { starting = 'loading', loading = 'loading', unloaded = 'asleep', refused = 'no model', dead = 'stopped', absent = 'not installed' }

local function latency()
  local last = session.report and session.report.last
  local total = type(last) == 'table' and last.timings and last.timings.total
  return total and last.outcome and last.outcome:match('^shown') and (' %d ms'):format(total) or ''
end

function M.text()
  local buf = vim.api.nvim_get_current_buf()
  if not session.wishes or not vim.list_contains(session.wishes.filetypes, vim.bo[buf].filetype) then
    return ''
  elseif not session.wanted(buf) then
    return 'hirope off'
  elseif session.state == 'ready' then
    return 'hirope' .. latency()
  end
  return 'hirope ' .. (words[session.state] or session.state)
end

return M
