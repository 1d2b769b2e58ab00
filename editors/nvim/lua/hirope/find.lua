--- Where the server is: the option, the active environment, the PATH, the environment that `:Hirope install` makes, in
--- this order. Never a file of the project itself: opening a folder must not run what lies in it.
local M = {}

local windows = vim.fn.has('win32') == 1

local own = '~/.hirope-ls'

--- The clone of the repository that this plugin lies in, or where one is expected.
local function clone()
  local folder = vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2))
  for _ = 1, 5 do
    folder = vim.fs.dirname(folder)
  end
  folder = vim.uv.fs_stat(folder .. '/pyproject.toml') and folder or vim.fs.normalize('~/hirope-ls')
  local home = vim.fs.normalize('~') .. '/'
  return vim.startswith(folder, home) and '~/' .. vim.fn.fnameescape(folder:sub(#home + 1)) or vim.fn.shellescape(folder)
end

--- What to say, and to do, where there is none.
M.install = windows and ('py -m venv %s && %s/Scripts/pip install %s'):format(own, own, clone())
  or ('python3 -m venv %s && %s/bin/pip install %s'):format(own, own, clone())

local function in_environment(folder)
  if not folder or folder == '' then
    return
  end
  local path = vim.fs.joinpath(folder, windows and 'Scripts/hirope-ls.exe' or 'bin/hirope-ls')
  return vim.fn.executable(path) == 1 and path or nil
end

--- The command without its arguments, and where it was found; nil where there is none.
function M.program(cmd)
  if cmd then
    local words = type(cmd) == 'table' and vim.deepcopy(cmd) or { cmd }
    words[1] = vim.fn.expand(words[1])
    if vim.fn.executable(words[1]) == 1 then
      return words, 'the option "cmd"'
    end
    return nil, ('the option "cmd" names "%s", which cannot be run'):format(words[1])
  end
  for _, name in ipairs({ 'VIRTUAL_ENV', 'CONDA_PREFIX' }) do
    local path = in_environment(vim.env[name])
    if path then
      return { path }, '$' .. name
    end
  end
  local path = vim.fn.exepath('hirope-ls')
  if path ~= '' then
    return { path }, 'the PATH'
  end
  path = in_environment(vim.fs.normalize(own))
  if path then
    return { path }, own
  end
  return nil, 'neither in the active environment nor on the PATH'
end

--- The command that serves an editor.
function M.command(cmd)
  local words, where = M.program(cmd)
  if words and not vim.list_contains(words, '--stdio') then
    words[#words + 1] = '--stdio'
  end
  return words, where
end

return M
