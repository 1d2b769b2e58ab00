--- Which part of a suggestion is taken, and how it is put into a buffer. Knows texts; no server.
local M = {}

--- The first part of `text`: 'word', 'line' or 'all' of it.
function M.first(text, part)
  if part == 'word' then
    local word = vim.fn.matchstr(text, [=[^\_s*\%(\k\+\|\%(\k\@!\S\)\+\)]=])
    return word ~= '' and word or text
  elseif part == 'line' then
    local head = text:match('^\n*[^\n]*')
    return head ~= '' and head or text
  end
  return text
end

--- Line ends as buffers have them.
function M.plain(text)
  return (text:gsub('\r\n', '\n'))
end

--- Put `text` at the cursor, in place of `tail` bytes after it, and the cursor behind it.
function M.insert(text, tail)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row - 1, col, row - 1, col + tail, lines)
  local last = row + #lines - 1
  vim.api.nvim_win_set_cursor(0, { last, (#lines == 1 and col or 0) + #lines[#lines] })
end

local waiting

--- Run `change` between two breaks of the undo history, so that one `u` takes it back and nothing else.
function M.as_one_step(change)
  waiting = change
  local keys = '<C-g>u<Cmd>lua require("hirope.ghost.parts").go()<CR><C-g>u'
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'ni', false)
end

function M.go()
  local change = waiting
  waiting = nil
  if change then
    change()
  end
end

return M
