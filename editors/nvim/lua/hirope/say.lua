--- Messages to the user: one for each cause in a session.
local M = {}
local said = {}

function M.info(text)
  vim.notify('hirope: ' .. text, vim.log.levels.INFO)
end

function M.warn(text)
  vim.notify('hirope: ' .. text, vim.log.levels.WARN)
end

--- The same, but only the first time for this cause.
function M.once(cause, text)
  if not said[cause] then
    said[cause] = true
    M.warn(text)
  end
end

--- The cause is gone: it may be named again.
function M.forget(cause)
  said[cause] = nil
end

return M
