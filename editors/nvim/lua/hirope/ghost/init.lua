--- The ghost text: Neovim's own where it has one, else ours. Both have the same calls.
local M = {}

--- The one in force, by the option `ghost`.
function M.get()
  local wish = require('hirope.session').wishes.ghost
  local builtin = vim.lsp.inline_completion ~= nil
  if wish == 'builtin' and not builtin then
    require('hirope.say').once('builtin', 'this Neovim has no vim.lsp.inline_completion; the plugin draws the ghost text itself')
  end
  return require(builtin and wish ~= 'own' and 'hirope.ghost.builtin' or 'hirope.ghost.own')
end

return M
