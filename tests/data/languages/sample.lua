#!/usr/bin/lua
-- A module for reading.
local json = require("json")
local util = require "sample.util"

local M = {}
local LIMIT, NAME = 10, 'a "end"'
M.version = [[
function not_one()
]]

--[[
function commented()
end
]]

--[==[ ]] --]==]

-- about new
function M.new(name, sides)
  local self = setmetatable({}, { __index = M })
  self.name = name or "x"
  self.sides = sides
  return self
end

function M:area(...)
  local total = 0
  for index, side in ipairs({ ... }) do
    if side > LIMIT then
      total = total + side
    end
  end
  return total, self.sides
end

local function helper(value)
  local inner = function() return value end
  return inner() .. [==[
local function not_one_either()
]==]
end

M.callback = function(event)
  helper(event.name)
end

local arrow = function(x)
  return x * 2
end

function global_one()
  repeat
    LIMIT = LIMIT - 1
  until LIMIT < 0
  goto done
  ::done::
end

local handlers = {
  click = function(event)
    return event
  end,
  [1] = helper,
}

if NAME then
  function conditional() end
end

string.trim = function(s) return s:gsub("^%s+", "") end

util.each(handlers, function(handler)
  print(handler, json.encode(M))
end)

return M
