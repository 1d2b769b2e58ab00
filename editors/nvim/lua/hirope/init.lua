--- Suggestions by hirope-ls: what users call. See `:help hirope`.
local M = {}

local session = require('hirope.session')

local acts = {
  accept = function() return M.accept('all') end,
  accept_word = function() return M.accept('word') end,
  accept_line = function() return M.accept('line') end,
  next = function() return M.next() end,
  previous = function() return M.previous() end,
  dismiss = function() return M.dismiss() end,
  trigger = function()
    M.trigger()
    return true
  end,
}

local function ghost()
  return session.wishes and require('hirope.ghost').get()
end

--- Map what the user asked for; a key that has nothing to do does what it did before.
local function map(keys)
  for name, key in pairs(keys) do
    if not acts[name] then
      session.problems[#session.problems + 1] = ('there is no key "%s"'):format(name)
    elseif key then
      vim.keymap.set('i', key, function()
        return acts[name]() and '' or vim.api.nvim_replace_termcodes(key, true, true, true)
      end, { expr = true, replace_keycodes = false, silent = true, desc = 'hirope: ' .. name:gsub('_', ' ') })
    end
  end
end

local function colours()
  local has = function(name)
    return vim.fn.hlexists(name) == 1
  end
  vim.api.nvim_set_hl(0, 'HiropeGhost', { link = has('ComplHint') and 'ComplHint' or 'NonText', default = true })
  vim.api.nvim_set_hl(0, 'HiropeHint', { link = has('ComplHintMore') and 'ComplHintMore' or 'MoreMsg', default = true })
end

local function listen()
  local group = vim.api.nvim_create_augroup('hirope', { clear = true })
  local function on(events, call)
    vim.api.nvim_create_autocmd(events, { group = group, callback = call })
  end
  on('FileType', function(args)
    require('hirope.client').attach(args.buf)
  end)
  on('BufEnter', function(args)
    local client = session.serving(args.buf)
    if client then
      local lsp = require('hirope.lsp')
      lsp.notify(client, 'hirope/didFocus', { uri = lsp.uri(args.buf) })
    end
  end)
  on('ColorScheme', colours)
end

--- Begin. options: see `:help hirope-options`.
function M.setup(options)
  local wishes, problems = require('hirope.config').read(options)
  session.wishes, session.problems = wishes, problems
  local client = require('hirope.client')
  client.attached = function(it, buf)
    ghost().enable(it, buf)
  end
  client.gone = function()
    ghost().stop()
  end
  colours()
  map(wishes.keys)
  listen()
  if vim.fn.exists(':Hirope') == 0 then
    vim.cmd.runtime('plugin/hirope.lua')
  end
  if #session.problems > 0 then
    require('hirope.say').warn(table.concat(session.problems, '; '))
  end
  client.configure(wishes.settings)
  client.attach_all()
end

--- Change some settings of the server, also while it runs; it checks them itself.
function M.configure(settings)
  require('hirope.client').configure(vim.tbl_extend('force', session.wishes.settings, settings))
end

--- Take what is shown: 'all' of it, its first 'word' or 'line'. False where nothing is shown.
function M.accept(part)
  local it = ghost()
  return it ~= nil and it.accept(part or 'all')
end

function M.accept_word()
  return M.accept('word')
end

function M.accept_line()
  return M.accept('line')
end

--- Show the next of several suggestions; there are several where one asked by hand.
function M.next()
  local it = ghost()
  return it ~= nil and it.select(1)
end

function M.previous()
  local it = ghost()
  return it ~= nil and it.select(-1)
end

--- Take the suggestion off the screen. False where nothing is shown.
function M.dismiss()
  local it = ghost()
  return it ~= nil and it.dismiss()
end

--- Ask by hand, for up to three suggestions.
function M.trigger()
  local it = ghost()
  if it then
    it.trigger()
  end
end

--- Whether a suggestion is on the screen.
function M.visible()
  local it = ghost()
  return it ~= nil and it.visible()
end

--- Switch suggestions on or off: everywhere, or for one filetype.
function M.toggle(filetype)
  if filetype then
    session.disabled[filetype] = not session.disabled[filetype] or nil
  else
    session.enabled = not session.enabled
  end
  local it = ghost()
  if it then
    it.stop()
    it.resume()
  end
  vim.cmd.redrawstatus({ bang = true })
  return session.enabled and not (filetype and session.disabled[filetype])
end

function M.restart()
  require('hirope.client').restart()
end

--- Explain what the cursor is on, in a float.
function M.explain()
  require('hirope.views.explain').open()
end

--- A few words for the statusline; empty in buffers that are not served.
function M.statusline()
  return require('hirope.statusline').text()
end

return M
