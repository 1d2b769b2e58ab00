-- The command and the <Plug> maps: nothing else is loaded before setup() or the first use.
if vim.g.loaded_hirope then
  return
end
vim.g.loaded_hirope = true

vim.api.nvim_create_user_command('Hirope', function(args)
  require('hirope.commands').run(args)
end, {
  nargs = '*',
  desc = 'Suggestions by hirope-ls',
  complete = function(...)
    return require('hirope.commands').complete(...)
  end,
})

for name, call in pairs({
  ['accept'] = { 'accept', 'all' },
  ['accept-word'] = { 'accept', 'word' },
  ['accept-line'] = { 'accept', 'line' },
  ['next'] = { 'next' },
  ['previous'] = { 'previous' },
  ['dismiss'] = { 'dismiss' },
  ['trigger'] = { 'trigger' },
}) do
  vim.keymap.set('i', ('<Plug>(hirope-%s)'):format(name), function()
    require('hirope')[call[1]](call[2])
  end, { silent = true })
end
vim.keymap.set('n', '<Plug>(hirope-explain)', function()
  require('hirope').explain()
end, { silent = true })
