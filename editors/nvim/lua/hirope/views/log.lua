--- The last lines of the server's log, and where the rest is.
local lsp = require('hirope.lsp')
local session = require('hirope.session')
local window = require('hirope.views.window')

local M = {}

function M.open()
  local lines = { 'What the server wrote to stderr: ' .. lsp.log_path(), '' }
  for _, line in ipairs(session.log) do
    vim.list_extend(lines, vim.split(line, '\n'))
  end
  local _, win = window.split(lines, 'hirope://log')
  vim.api.nvim_win_set_cursor(win, { #lines, 0 })
end

return M
