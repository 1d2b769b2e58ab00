--- Ghost text by Neovim's own `vim.lsp.inline_completion` (0.12).
---
--- It asks again while one types along, which the server answers from what it knows. Answers for a text that has
--- changed since are dropped here, and what was typed meanwhile is taken off what is accepted: it does neither.
local parts = require('hirope.ghost.parts')
local session = require('hirope.session')

local M = {}

local method = 'textDocument/inlineCompletion'
local by_hand = false

local function plain(result)
  for _, item in ipairs(result.items or result) do
    if type(item.insertText) == 'string' then
      item.insertText = parts.plain(item.insertText)
    end
  end
  return result
end

--- The client's requests for suggestions pass by here.
local function watch(client)
  if client.hirope_watched then
    return
  end
  client.hirope_watched = true
  local request = client.request
  client.request = function(self, name, params, handler, buf)
    if name ~= method or not handler then
      return request(self, name, params, handler, buf)
    elseif not (session.wanted(buf) and (by_hand or session.wishes.auto)) then
      return false
    end
    params.context.triggerKind = by_hand and 1 or params.context.triggerKind
    by_hand = false
    local tick = vim.api.nvim_buf_get_changedtick(buf)
    return request(self, name, params, function(err, result, ctx, config)
      if err or (result and vim.api.nvim_buf_get_changedtick(buf) ~= tick) then
        return
      end
      return handler(nil, result and plain(result), ctx, config)
    end, buf)
  end
end

function M.enable(client, buf)
  watch(client)
  vim.lsp.inline_completion.enable(session.wanted(buf), { bufnr = buf })
end

local function each(enable)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if session.serving(buf) then
      vim.lsp.inline_completion.enable(enable and session.wanted(buf), { bufnr = buf })
    end
  end
end

function M.stop()
  each(false)
end

function M.resume()
  each(true)
end

function M.visible()
  local space = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
  return #vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { limit = 1 }) > 0
end

--- What of the item is not typed yet, and how many bytes after the cursor it replaces; nil where it does not fit.
local function rest_of(item)
  local text = type(item.insert_text) == 'string' and item.insert_text or item.insert_text.value
  if not item.range then
    return text, 0
  end
  local row, col, last, last_col = item.range:to_extmark()
  local at, at_col = unpack(vim.api.nvim_win_get_cursor(0))
  at = at - 1
  if at < row or (at == row and at_col < col) then
    return
  end
  local typed = table.concat(vim.api.nvim_buf_get_text(0, row, col, at, at_col, {}), '\n')
  if not vim.startswith(text, typed) then
    return
  end
  return text:sub(#typed + 1), last == at and math.max(last_col - at_col, 0) or 0
end

function M.accept(part)
  if not M.visible() then
    return false
  end
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      parts.as_one_step(function()
        local text, tail = rest_of(item)
        if text then
          local taken = parts.first(text, part)
          parts.insert(taken, taken == text and tail or 0)
        end
      end)
    end,
  })
end

function M.select(count)
  if not M.visible() then
    return false
  end
  vim.schedule(function()
    vim.lsp.inline_completion.select({ count = count })
  end)
  return true
end

function M.dismiss()
  local was, buf = M.visible(), vim.api.nvim_get_current_buf()
  vim.schedule(function() -- there is no call for it: what is switched off and on has forgotten
    vim.lsp.inline_completion.enable(false, { bufnr = buf })
    vim.lsp.inline_completion.enable(session.wanted(buf), { bufnr = buf })
  end)
  return was
end

function M.trigger()
  by_hand = true
  vim.api.nvim_exec_autocmds('CursorMovedI', { buffer = 0, modeline = false })
end

return M
