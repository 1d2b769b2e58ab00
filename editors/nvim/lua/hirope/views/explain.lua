--- An explanation in a float: the facts at once, then the model's words as they come. Closing it stops them.
local lsp = require('hirope.lsp')
local say = require('hirope.say')
local session = require('hirope.session')
local window = require('hirope.views.window')

local M = {}

local number = 0
local view -- { token, buf, win, client, id, head, text }: the one that is open

--- Lines to read in a window that is narrow: places without the addresses behind them.
local function lines_of(markdown)
  return vim.split((markdown:gsub('(%b[])%(<file:[^>\n]*>%)', function(text)
    return '`' .. text:sub(2, -2) .. '`'
  end)), '\n')
end

local function write(markdown)
  if view.buf and vim.api.nvim_buf_is_valid(view.buf) then
    local lines = lines_of(markdown)
    window.write(view.buf, lines)
    window.fit(view.win, lines)
  end
end

--- `hirope/explanation`: some more words, or the whole.
function M.piece(piece)
  if not view or piece.token ~= view.token or not view.head then
    return
  elseif piece.done then
    view.id = nil
    return write(piece.markdown)
  end
  view.text = view.text .. (piece.text or '')
  local quoted = vim.tbl_map(function(line)
    return '> ' .. line
  end, vim.split(view.text, '\n'))
  write(view.head .. '\n\n' .. table.concat(quoted, '\n'))
end

local function closed(token)
  if view and view.token == token then
    if view.id and session.client() == view.client then
      lsp.cancel(view.client, view.id)
    end
    view = nil
  end
end

local function answered(token, err, reply)
  if not view or view.token ~= token then
    return
  elseif err or not reply then
    view = nil
    return say.info(err and err.message or 'no function or class whose definition is known is named here')
  end
  view.head = reply.markdown:gsub('\n+%*It is being written %.%.%.%*%s*$', '')
  view.buf, view.win = window.float(lines_of(reply.markdown), 'hirope: ' .. reply.name, 'markdown')
  if reply.state ~= 'writing' then
    view.id = nil
  end
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = view.buf,
    callback = function()
      closed(token)
    end,
  })
end

--- Explain what is at the cursor, or at `place`, {textDocument, position, again}.
function M.open(place)
  local client = session.serving(0)
  if not client then
    return say.info('this buffer has no server; `:checkhealth hirope` tells more')
  end
  number = number + 1
  local token = 'hirope/nvim/' .. number
  local params = vim.tbl_extend('force', place or lsp.here(client), { token = token })
  view = { token = token, client = client, text = '' }
  view.id = lsp.request(client, 'hirope/explain', params, function(err, reply)
    answered(token, err, reply)
  end, 0)
end

return M
