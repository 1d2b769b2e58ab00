--- The server's life: one for all buffers, started with the first, started again where it dies, but not for ever.
local find = require('hirope.find')
local lsp = require('hirope.lsp')
local say = require('hirope.say')
local session = require('hirope.session')

local M = {}

local window_s = 300
local deaths = {} -- when it died
local stopping = false -- we asked for it

--- Called with the client and the buffer when one is attached.
M.attached = function() end
--- Called when the server is gone.
M.gone = function() end

local function capabilities()
  return vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), {
    experimental = { hiropeStatus = true, hirope = { explain = true } },
    textDocument = { inlineCompletion = { dynamicRegistration = false } },
  })
end

local handlers = {
  ['hirope/ready'] = function()
    session.change('ready')
  end,
  ['hirope/status'] = function(_, report)
    if type(report) == 'table' then
      session.reported(report)
    end
  end,
  ['hirope/explanation'] = function(_, piece)
    require('hirope.views.explain').piece(piece)
  end,
  ['window/logMessage'] = function(err, message, ctx, config)
    session.note(message.message)
    local default = vim.lsp.handlers['window/logMessage']
    return default and default(err, message, ctx, config)
  end,
}

local function recent_deaths()
  local now, recent = os.time(), {}
  for _, at in ipairs(deaths) do
    if now - at < window_s then
      recent[#recent + 1] = at
    end
  end
  deaths = recent
  return #recent
end

local function died(code, signal)
  deaths[#deaths + 1] = os.time()
  local number = recent_deaths()
  session.note(('the server ended with code %d, signal %d'):format(code, signal))
  session.change('dead')
  if number > session.wishes.restarts then
    say.once('died', ('the server ended %d times in five minutes; `:Hirope log` may say why, `:Hirope restart` tries again'):format(number))
    return
  end
  say.once('restarted', 'the server ended and is started again; `:Hirope log` tells more')
  vim.defer_fn(M.attach_all, 200 * number)
end

local function on_exit(code, signal, id)
  vim.schedule(function()
    if session.client_id ~= id then
      return
    end
    session.client_id, session.report = nil, nil
    M.gone()
    if stopping or vim.v.exiting ~= vim.NIL then
      stopping = false
      session.change('off')
    else
      died(code, signal)
    end
  end)
end

local function configuration(command, root)
  local settings = session.wishes.settings
  return {
    name = 'hirope',
    cmd = command,
    cmd_env = session.wishes.cmd_env,
    root_dir = root,
    init_options = next(settings) and settings or nil,
    settings = { ['hirope-ls'] = settings },
    capabilities = capabilities(),
    handlers = handlers,
    commands = {
      ['hirope.showExplanation'] = function(command)
        require('hirope.views.explain').open(command.arguments[1])
      end,
    },
    on_init = function(client)
      session.client_id = client.id
      session.change('starting')
    end,
    on_attach = function(client, buf)
      M.attached(client, buf)
    end,
    on_exit = on_exit,
    reuse_client = function(client)
      return client.name == 'hirope' and not client.hirope_old
    end,
  }
end

--- The server is told of the folder of a file that it did not know yet.
local function add_folder(client, root)
  local folders = client.workspace_folders or {}
  for _, folder in ipairs(folders) do
    if folder.name == root or folder.uri == vim.uri_from_fname(root) then
      return
    end
  end
  local folder = { uri = vim.uri_from_fname(root), name = root }
  client.workspace_folders = vim.list_extend(vim.deepcopy(folders), { folder })
  lsp.notify(client, 'workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
end

--- Whether this is a buffer of a file (or one to be) in a language that is wanted.
function M.wanted(buf)
  return vim.api.nvim_buf_is_loaded(buf)
    and vim.bo[buf].buftype == ''
    and vim.list_contains(session.wishes.filetypes, vim.bo[buf].filetype)
end

--- Have the buffer served, by a new server if need be.
function M.attach(buf)
  if not M.wanted(buf) or recent_deaths() > session.wishes.restarts then
    return
  end
  local command, where = find.command(session.wishes.cmd)
  if not command then
    session.change('absent')
    say.once('absent', ('hirope-ls is not found (%s). Install it with `%s`, or run `:Hirope install`'):format(where, find.install))
    return
  end
  local root = vim.fs.root(buf, session.wishes.root_markers)
  local client = session.client()
  local config = configuration(command, root)
  if session.state ~= 'ready' and not client then
    session.change('starting')
  end
  local reuse = config.reuse_client
  config.reuse_client = nil
  local id = vim.lsp.start(config, { bufnr = buf, reuse_client = reuse })
  session.client_id = id or session.client_id
  if client and root then
    add_folder(client, root)
  end
end

--- Every buffer that is open.
function M.attach_all()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(buf)
  end
end

--- Tell the server other settings, while it runs.
function M.configure(settings)
  local client = session.client()
  session.wishes.settings = settings
  if client then
    client.settings = vim.tbl_extend('force', client.settings or {}, { ['hirope-ls'] = settings })
    lsp.notify(client, 'workspace/didChangeConfiguration', { settings = client.settings })
  end
end

--- Stop it, and start it again.
function M.restart()
  deaths = {}
  say.forget('died')
  say.forget('restarted')
  say.forget('absent')
  local client = session.client()
  if not client then
    return M.attach_all()
  end
  stopping, client.hirope_old = true, true
  lsp.stop(client)
  local function again(tries)
    if session.client_id and tries > 0 then
      if tries == 20 then
        lsp.stop(client, true) -- it does not listen
      end
      vim.defer_fn(function()
        again(tries - 1)
      end, 100)
    else
      stopping = false
      M.attach_all()
    end
  end
  again(50)
end

return M
