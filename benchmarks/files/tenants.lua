-- Sends the keys tenant-000000 and so on in turn, as many as the first argument says, in an order that has
-- nothing to do with the order of the routes. Every request is made before the load begins.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "totals.lua")

local stride = 61803
local prepared, count, turn = {}, 0, 0

function init(args)
   count = tonumber(args[1])
   for number = 0, count - 1 do
      prepared[number] = wrk.format("GET", nil, {["X-Routing-Key"] = string.format("tenant-%06d", number)})
   end
end

function request()
   turn = (turn + stride) % count
   return prepared[turn]
end
