--- Ghost text of our own: asks after a pause, cancels at the next key, and is typed along with, without a request.
---
--- A suggestion is kept with the place it was made for; what was typed since then is compared with it.
local lsp = require('hirope.lsp')
local parts = require('hirope.ghost.parts')
local session = require('hirope.session')

local M = {}

local space = vim.api.nvim_create_namespace('hirope.ghost')
local timer = assert(vim.uv.new_timer())
local group
local shown -- { buf, items, index, lines, quiet }: what is on the screen
local pending -- { client, id }: what is asked for

local function insert_mode()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

local function clear()
  if shown and vim.api.nvim_buf_is_valid(shown.buf) then
    vim.api.nvim_buf_clear_namespace(shown.buf, space, 0, -1)
  end
end

local function cancel()
  timer:stop()
  if pending then
    local asked = pending
    pending = nil
    if session.client() == asked.client then
      lsp.cancel(asked.client, asked.id)
    end
  end
end

local function hide()
  clear()
  shown = nil
end

--- An item as the text from its start on, the place of that start, and what stood before and after it then.
local function item_of(buf, item, encoding)
  local row, col, last, last_col = lsp.range(buf, item.range, encoding)
  local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
  local end_line = vim.api.nvim_buf_get_lines(buf, last, last + 1, false)[1] or ''
  local text = item.insertText
  text = parts.plain(type(text) == 'table' and text.value or text)
  return {
    text = text,
    row = row,
    col = col,
    before = line:sub(1, col),
    after = end_line:sub(last_col + 1),
    rows = vim.api.nvim_buf_line_count(buf) - (last - row),
  }
end

--- What of the item is not typed yet, and how many bytes after the cursor it replaces; nil where it does not fit any more.
local function rest_of(item)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  if row < item.row or (row == item.row and col < item.col) then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(0, item.row, row + 1, false)
  local line = lines[#lines] or ''
  local tail = #line - col - #item.after
  if not lines[1] or tail < 0 or line:sub(col + tail + 1) ~= item.after then
    return
  elseif lines[1]:sub(1, item.col) ~= item.before then
    return
  elseif vim.api.nvim_buf_line_count(0) ~= item.rows + row - item.row then
    return
  end
  lines[#lines] = line:sub(1, col)
  local typed = table.concat(lines, '\n'):sub(item.col + 1)
  if not vim.startswith(item.text, typed) then
    return
  end
  return item.text:sub(#typed + 1), tail
end

local function current()
  if shown and shown.buf == vim.api.nvim_get_current_buf() then
    return shown.items[shown.index]
  end
end

local function draw()
  clear()
  local item = current()
  local text, tail = nil, nil
  if item then
    text, tail = rest_of(item)
  end
  if not text or text == '' then
    shown = nil
    return false
  end
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local first, below = nil, {}
  for line in vim.gsplit(text, '\n', { plain = true }) do
    if first then
      below[#below + 1] = { { line, 'HiropeGhost' } }
    else
      first = line
    end
  end
  local head = { { first, 'HiropeGhost' } }
  if #shown.items > 1 then
    head[#head + 1] = { (' (%d/%d)'):format(shown.index, #shown.items), 'HiropeHint' }
  end
  vim.api.nvim_buf_set_extmark(0, space, row - 1, col, {
    virt_text = head,
    virt_text_pos = tail > 0 and 'overlay' or 'inline',
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
  })
  return true
end

local function answered(buf, client, tick, err, result)
  if err or not result or not insert_mode() or vim.api.nvim_get_current_buf() ~= buf then
    return
  elseif vim.api.nvim_buf_get_changedtick(buf) ~= tick then
    return -- it was made for another text
  end
  local here = lsp.here(client).position
  local items = {}
  for _, item in ipairs(result.items or result) do
    item.range = item.range or { start = here, ['end'] = here }
    items[#items + 1] = item_of(buf, item, client.offset_encoding)
  end
  if #items > 0 then
    shown = { buf = buf, items = items, index = 1 }
    draw()
  end
end

--- Ask now. kind 1: by hand, 2: while typing.
local function ask(kind)
  local buf = vim.api.nvim_get_current_buf()
  local client = session.serving(buf)
  if not client or not insert_mode() or not session.wanted(buf) then
    return
  end
  cancel()
  local params = lsp.here(client)
  params.context = { triggerKind = kind }
  local tick, asked = vim.api.nvim_buf_get_changedtick(buf), { client = client }
  pending = asked
  asked.id = lsp.request(client, 'textDocument/inlineCompletion', params, function(err, result)
    if pending == asked then
      pending = nil
      answered(buf, client, tick, err, result)
    end
  end, buf)
  if not asked.id then
    pending = nil
  end
end

local function later()
  cancel()
  if session.wishes.auto then
    timer:start(session.wishes.debounce_ms, 0, vim.schedule_wrap(function()
      ask(2)
    end))
  end
end

--- A key was typed, or the cursor moved.
local function moved()
  if vim.fn.pumvisible() == 1 then
    cancel()
    return hide()
  elseif not draw() then
    hide()
    later()
  end
end

local function listen(buf)
  vim.api.nvim_clear_autocmds({ group = group, buffer = buf })
  local function on(events, call)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = buf, callback = call })
  end
  on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'InsertEnter', 'CompleteDone' }, vim.schedule_wrap(function()
    if vim.api.nvim_get_current_buf() == buf and insert_mode() then
      moved()
    end
  end))
  on({ 'InsertLeave', 'BufLeave' }, function()
    cancel()
    hide()
  end)
end

function M.enable(_, buf)
  group = group or vim.api.nvim_create_augroup('hirope.ghost', { clear = true })
  listen(buf)
end

--- The server is gone, or suggestions are switched off.
function M.stop()
  pending = nil
  timer:stop()
  hide()
end

function M.resume() end

function M.visible()
  local item = current()
  return item ~= nil and rest_of(item) ~= nil
end

--- Take a part of what is shown; false where nothing is.
function M.accept(part)
  if not M.visible() then
    return false
  end
  parts.as_one_step(function()
    local item = current()
    local text, tail = nil, nil
    if item then
      text, tail = rest_of(item)
    end
    if text then
      local taken = parts.first(text, part)
      parts.insert(taken, taken == text and tail or 0)
      moved()
    end
  end)
  return true
end

function M.select(count)
  if not current() then
    return false
  end
  shown.index = (shown.index - 1 + count) % #shown.items + 1
  vim.schedule(draw)
  return true
end

function M.dismiss()
  local was = M.visible()
  cancel()
  vim.schedule(hide)
  return was
end

function M.trigger()
  ask(1)
end

return M
