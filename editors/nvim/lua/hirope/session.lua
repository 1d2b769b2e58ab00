--- What is known of the running server: the state for the statusline, the last report, and its log lines.
local M = {
  wishes = nil, -- the options, after setup()
  problems = {}, -- what was wrong with them
  client_id = nil,
  state = 'off', -- off, absent, starting, ready, dead, and what the server reports
  report = nil, -- the last hirope/status
  enabled = true, -- the user's switch
  disabled = {}, -- filetypes that are switched off
  log = {}, -- the last lines of the server
}

local kept = 1000

--- The running client; nil where there is none.
function M.client()
  local client = M.client_id and vim.lsp.get_client_by_id(M.client_id)
  if client and not client:is_stopped() then
    return client
  end
end

if vim.fn.has('nvim-0.11') == 0 then
  function M.client()
    local client = M.client_id and vim.lsp.get_client_by_id(M.client_id)
    return client and not client.is_stopped() and client or nil
  end
end

--- The client, if it serves the buffer.
function M.serving(buf)
  local client = M.client()
  return client and vim.lsp.buf_is_attached(buf, client.id) and client or nil
end

--- Whether suggestions are wanted in the buffer.
function M.wanted(buf)
  return M.enabled and not M.disabled[vim.bo[buf].filetype] and vim.b[buf].hirope ~= false
end

function M.change(state)
  if M.state ~= state then
    M.state = state
    vim.cmd.redrawstatus({ bang = true })
  end
end

function M.reported(report)
  M.report = report
  M.change(report.state or M.state)
  vim.cmd.redrawstatus({ bang = true })
end

function M.note(line)
  M.log[#M.log + 1] = os.date('%H:%M:%S ') .. line
  if #M.log > kept then
    table.remove(M.log, 1)
  end
end

return M
