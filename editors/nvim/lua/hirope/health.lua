--- `:checkhealth hirope`.
local find = require('hirope.find')
local lsp = require('hirope.lsp')
local session = require('hirope.session')

local M = {}

local health = vim.health

local function neovim()
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 0 then
    return health.error('Neovim ' .. version .. ' is too old', 'Take 0.10 or later')
  end
  health.ok('Neovim ' .. version)
  if session.wishes then
    local own = require('hirope.ghost').get() == require('hirope.ghost.own')
    health.info('Ghost text: ' .. (own and "the plugin's own" or 'vim.lsp.inline_completion'))
  end
end

local function options()
  if not session.wishes then
    return health.warn('setup() was not called', "Put require('hirope').setup{} into your init.lua")
  end
  for _, problem in ipairs(session.problems) do
    health.warn('Options: ' .. problem)
  end
  if #session.problems == 0 then
    health.ok('Options: nothing wrong')
  end
  if not next(session.wishes.keys) then
    health.info('No keys are mapped: see :help hirope-keys')
  end
end

local function server()
  local program, where = find.program(session.wishes and session.wishes.cmd)
  if not program then
    return health.error('hirope-ls is not found: ' .. where, find.install)
  end
  health.ok(('hirope-ls: %s (by %s)'):format(program[1], where))
  local client = session.client()
  if not client then
    return health.info('No server runs: ' .. session.state)
  end
  health.ok('A server runs, and is ' .. session.state)
  health.info('Positions are counted in ' .. client.offset_encoding)
  if session.report and type(session.report.problem) == 'string' then
    health.error(session.report.problem, 'Run :Hirope doctor')
  end
  health.info('Its stderr: ' .. lsp.log_path())
end

function M.check()
  health.start('hirope')
  neovim()
  options()
  server()
end

return M
