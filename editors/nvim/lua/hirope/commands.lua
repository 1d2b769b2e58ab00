--- `:Hirope WORD`.
local M = {}

local say = require('hirope.say')

local words = {
  status = function() require('hirope.views.status').open() end,
  toggle = function(filetype)
    local on = require('hirope').toggle(filetype)
    say.info(('suggestions are %s%s'):format(on and 'on' or 'off', filetype and ' for ' .. filetype or ''))
  end,
  restart = function() require('hirope').restart() end,
  explain = function() require('hirope').explain() end,
  positions = function() require('hirope.views.positions').open() end,
  doctor = function() require('hirope.views.doctor').open() end,
  install = function() require('hirope.views.doctor').install() end,
  log = function() require('hirope.views.log').open() end,
}

local names = vim.tbl_keys(words)
table.sort(names)

function M.run(args)
  local name = args.fargs[1] or 'status'
  if not words[name] then
    say.warn(('there is no `:Hirope %s`; there is %s'):format(name, table.concat(names, ', ')))
  elseif not require('hirope.session').wishes and name ~= 'log' then
    say.warn("call require('hirope').setup{} first; see `:help hirope`")
  else
    words[name](args.fargs[2])
  end
end

function M.complete(lead, line)
  if line:match('^%S+%s+toggle%s') then
    return vim.fn.getcompletion(lead, 'filetype')
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names)
end

return M
