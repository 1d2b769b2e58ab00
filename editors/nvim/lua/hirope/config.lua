--- What the user wishes of the plugin. Settings of the server are passed on as they are: it checks them itself.
local M = {}

--- Languages whose functions and classes the server knows. The bundled model knows Python alone.
M.languages = {
  'python', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact', 'go', 'rust', 'java', 'c', 'cpp', 'cs',
  'ruby', 'php', 'lua', 'sh', 'kotlin', 'scala', 'swift',
}

M.defaults = {
  cmd = nil, -- the server's command, a string or a list; without it, it is looked for
  cmd_env = nil, -- environment variables for it
  filetypes = nil, -- by default Python; all of `languages` where another model is set
  root_markers = { '.git', 'pyproject.toml', 'setup.py' },
  settings = {}, -- the server's settings, as in its README
  ghost = 'auto', -- 'builtin' (vim.lsp.inline_completion, from 0.12 on), 'own', or whichever there is
  auto = true, -- ask while typing; else only when triggered
  debounce_ms = 40, -- own ghost text: wait this long after a key
  keys = {}, -- insert-mode maps: accept, accept_word, accept_line, next, previous, dismiss, trigger
  restarts = 3, -- how often within five minutes a server that died is started again
}

local kinds = {
  cmd = { 'nil', 'string', 'table' },
  cmd_env = { 'nil', 'table' },
  filetypes = { 'nil', 'table' },
  root_markers = { 'table' },
  settings = { 'table' },
  ghost = { 'string' },
  auto = { 'boolean' },
  debounce_ms = { 'number' },
  keys = { 'table' },
  restarts = { 'number' },
}

--- What is wrong with one option; nil where nothing is.
local function problem(name, value)
  if not kinds[name] then
    return ('there is no option "%s"'):format(name)
  elseif not vim.list_contains(kinds[name], type(value)) then
    return ('"%s" must be a %s'):format(name, kinds[name][#kinds[name]])
  elseif name == 'ghost' and not vim.list_contains({ 'auto', 'builtin', 'own' }, value) then
    return '"ghost" must be "auto", "builtin" or "own"'
  end
end

--- The options in force, and a list of what was wrong and does not count.
function M.read(given)
  local wishes, problems = vim.deepcopy(M.defaults), {}
  for name, value in pairs(given or {}) do
    local wrong = problem(name, value)
    if wrong then
      problems[#problems + 1] = wrong
    else
      wishes[name] = value
    end
  end
  if not wishes.filetypes then
    wishes.filetypes = wishes.settings.model and M.languages or { 'python' }
  end
  table.sort(problems)
  return wishes, problems
end

return M
