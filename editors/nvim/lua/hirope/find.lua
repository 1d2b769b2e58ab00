--- Where the server is: the option, the active environment, the PATH, what M.install made, in this order. Never a file of the project
--- itself: opening a folder must not run what lies in it.
local M = {}

local windows = vim.fn.has('win32') == 1

--- What to say, and to do, where there is none; ../../../../install.json has it for all editors. ~/hirope-ls is a clone.
M.install = 'python3 -m venv ~/.hirope-ls && ~/.hirope-ls/bin/pip install ~/hirope-ls'

local function in_environment(name)
  local folder = vim.env[name]
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
    local path = in_environment(name)
    if path then
      return { path }, '$' .. name
    end
  end
  local path = vim.fn.exepath('hirope-ls')
  if path ~= '' then
    return { path }, 'the PATH'
  end
  local own = vim.fs.joinpath(vim.env.HOME or '~', '.hirope-ls', windows and 'Scripts/hirope-ls.exe' or 'bin/hirope-ls')
  if vim.fn.executable(own) == 1 then
    return { own }, '~/.hirope-ls'
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
