--- What `hirope-ls doctor` says, and the terminal that installs it.
local find = require('hirope.find')
local say = require('hirope.say')
local session = require('hirope.session')
local window = require('hirope.views.window')

local M = {}

--- Run the doctor and show what it says, when it has said it.
function M.open()
  local program, where = find.program(session.wishes and session.wishes.cmd)
  if not program then
    return say.warn(('hirope-ls is not found (%s). Install it with `%s`, or run `:Hirope install`'):format(where, find.install))
  end
  local command = vim.tbl_filter(function(word)
    return word ~= '--stdio'
  end, program)
  command[#command + 1] = 'doctor'
  local buf = window.split({ table.concat(command, ' ') .. ' ...' }, 'hirope://doctor')
  vim.system(command, { text = true, env = { NO_COLOR = '1' } }, vim.schedule_wrap(function(done)
    if vim.api.nvim_buf_is_valid(buf) then
      local text = done.stdout .. (done.code ~= 0 and done.stderr or '')
      window.write(buf, vim.split(vim.trim(text), '\n'))
    end
  end))
end

--- Run the command that installs the server, in a terminal, if the user agrees; and start it then.
function M.install()
  if vim.fn.confirm(('Run `%s`?'):format(find.install), '&Yes\n&No', 2) ~= 1 then
    return
  end
  vim.cmd('botright split | terminal ' .. vim.fn.escape(find.install, '%#|'))
  vim.api.nvim_create_autocmd('TermClose', {
    buffer = 0,
    callback = function()
      if vim.v.event.status == 0 then
        require('hirope').restart()
      end
    end,
  })
end

return M
