--- Texts in a float or a split. Knows no server.
local M = {}

local function scratch(lines, filetype)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  M.write(buf, lines)
  vim.bo[buf].filetype = filetype or ''
  return buf
end

--- Write the buffer anew.
function M.write(buf, lines)
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
end

local function width_of(lines)
  local width = 20
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  return math.min(width + 1, math.max(20, math.min(100, vim.o.columns - 4)))
end

local function height_of(lines, width)
  local height = 0
  for _, line in ipairs(lines) do
    height = height + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) / width))
  end
  return math.max(1, math.min(height, math.floor(vim.o.lines * 0.7)))
end

local function shape(lines)
  local width = width_of(lines)
  local height = height_of(lines, width)
  return {
    relative = 'editor',
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    width = width,
    height = height,
  }
end

--- Show lines in a float in the middle; `q` and <Esc> close it. Returns its buffer and window.
function M.float(lines, title, filetype)
  local buf = scratch(lines, filetype)
  local config = vim.tbl_extend('force', shape(lines), {
    style = 'minimal',
    border = 'rounded',
    title = ' ' .. title .. ' ',
  })
  local win = vim.api.nvim_open_win(buf, true, config)
  vim.wo[win].wrap = true
  vim.wo[win].linebreak = true
  if filetype == 'markdown' then
    pcall(vim.treesitter.start, buf, 'markdown') -- where there is a parser
    vim.fn.matchadd('Conceal', [[^#\+ ]], 10, -1, { window = win }) -- Neovim's own queries leave the marks of headings
    vim.wo[win].concealcursor = 'n'
  end
  vim.wo[win].conceallevel = filetype == 'markdown' and 2 or 0
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = buf, nowait = true })
  end
  return buf, win
end

--- The float has other lines now.
function M.fit(win, lines)
  if vim.api.nvim_win_is_valid(win) then
    vim.api.nvim_win_set_config(win, shape(lines))
  end
end

--- Show lines in a split; `q` closes it. Returns its buffer and window.
function M.split(lines, name, filetype)
  local buf = scratch(lines, filetype)
  vim.cmd('botright split')
  local win = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_buf(win, buf)
  pcall(vim.api.nvim_buf_set_name, buf, name)
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true })
  return buf, win
end

return M
