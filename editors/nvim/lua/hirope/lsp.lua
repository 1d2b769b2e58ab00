--- What differs between Neovim 0.10 and later ones in talking to a server, and positions in its encoding.
local M = {}

local methods = vim.fn.has('nvim-0.11') == 1

--- Send a request; its id, or nil where it could not be sent.
function M.request(client, method, params, handler, buf)
  local sent, id
  if methods then
    sent, id = client:request(method, params, handler, buf)
  else
    sent, id = client.request(method, params, handler, buf)
  end
  return sent and id or nil
end

function M.notify(client, method, params)
  if methods then
    client:notify(method, params)
  else
    client.notify(method, params)
  end
end

function M.cancel(client, id)
  if methods then
    client:cancel_request(id)
  else
    client.cancel_request(id)
  end
end

function M.stop(client, force)
  if methods then
    client:stop(force)
  else
    client.stop(force)
  end
end

--- The byte in a line of a position's `character`; the line's end for what is beyond it.
function M.byte(line, character, encoding)
  if methods then
    return vim.str_byteindex(line, encoding, character, false)
  elseif encoding == 'utf-8' then
    return math.min(character, #line)
  end
  local ok, at = pcall(vim.str_byteindex, line, character, encoding == 'utf-16')
  return ok and at or #line
end

--- A range as rows and bytes, from 0.
function M.range(buf, range, encoding)
  local function place(position)
    local line = vim.api.nvim_buf_get_lines(buf, position.line, position.line + 1, false)[1] or ''
    return position.line, M.byte(line, position.character, encoding)
  end
  local row, col = place(range.start)
  local last, last_col = place(range['end'])
  return row, col, last, last_col
end

--- Parameters about the cursor of the current window.
function M.here(client)
  return vim.lsp.util.make_position_params(0, client.offset_encoding)
end

function M.uri(buf)
  return vim.uri_from_bufnr(buf)
end

--- The file of Neovim's own log of language servers.
function M.log_path()
  local log = require('vim.lsp.log')
  return log.get_filename and log.get_filename() or vim.lsp.get_log_path()
end

return M
