--- The hierarchy of this file as the model sees it: its units, the cursor's one, and what is cached.
local lsp = require('hirope.lsp')
local say = require('hirope.say')
local session = require('hirope.session')
local window = require('hirope.views.window')

local M = {}

local space = vim.api.nvim_create_namespace('hirope.positions')

local function holds(unit, row, character)
  local from, to = unit.range.start, unit.range['end']
  local after = row > from.line or (row == from.line and character >= from.character)
  return after and (row < to.line or (row == to.line and character < to.character))
end

--- The number of the unit that the position is in; the last one where it is behind all.
local function unit_at(units, position)
  for number, unit in ipairs(units) do
    if holds(unit, position.line, position.character) then
      return number
    end
  end
  return #units
end

local function cached_mark(first, unit, cached)
  if first + unit.tokens <= cached then
    return 'cached'
  end
  return first < cached and 'partly' or ''
end

--- The view as lines, and the number of the line of the cursor's unit.
function M.lines(view, position)
  local lines = {
    (' %d tokens in %d units; trained for %d; %d cached'):format(view.tokens, #view.units, view.trainedLength, view.cache.tokens),
    '',
    ('   %4s  %6s  %7s  %6s  %s'):format('unit', 'line', 'tokens', '', 'name'),
  }
  local here, first = unit_at(view.units, position), 0
  for number, unit in ipairs(view.units) do
    local name = type(unit.name) == 'string' and unit.name ~= '' and unit.name or unit.kind
    lines[#lines + 1] = (' %s %4d  %6d  %7d  %-6s  %s'):format(
      number == here and '>' or ' ', unit.unitIndex, unit.range.start.line + 1, unit.tokens,
      cached_mark(first, unit, view.cache.tokens), name)
    first = first + unit.tokens
  end
  return lines, here + 3
end

local function show(view, position, source)
  local lines, here = M.lines(view, position)
  local buf, win = window.split(lines, 'hirope://positions')
  vim.wo[win].cursorline = true
  if #view.units > 0 then
    vim.api.nvim_win_set_cursor(win, { here, 0 })
    vim.api.nvim_buf_set_extmark(buf, space, here - 1, 0, { line_hl_group = 'Visual' })
  end
  for number, line in ipairs(lines) do
    if number > 3 and line:find('cached', 1, true) then
      vim.api.nvim_buf_set_extmark(buf, space, number - 1, 0, { end_col = #line, hl_group = 'String' })
    end
  end
  vim.keymap.set('n', '<CR>', function()
    local unit = view.units[vim.api.nvim_win_get_cursor(0)[1] - 3]
    if unit and vim.api.nvim_win_is_valid(source) then
      vim.api.nvim_set_current_win(source)
      vim.api.nvim_win_set_cursor(source, { unit.range.start.line + 1, 0 })
    end
  end, { buffer = buf, desc = 'Go to the unit' })
end

function M.open()
  local client = session.serving(0)
  if not client then
    return say.info('this buffer has no server; `:checkhealth hirope` tells more')
  end
  local params, source = lsp.here(client), vim.api.nvim_get_current_win()
  lsp.request(client, 'hirope/inspect', { textDocument = params.textDocument }, function(err, view)
    if err then
      return say.warn(err.message)
    end
    show(view, params.position, source)
  end, 0)
end

return M
