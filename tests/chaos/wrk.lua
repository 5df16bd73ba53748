-- Each answer's body is the URL of the cell that wrote it, and must be what the router says. Totals are one line of JSON.
local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init()
   wrong = 0
end

function response(status, headers, body)
   if status == 200 and body ~= headers["X-Routed-To"] then
      wrong = wrong + 1
   end
end

function done(summary)
   local errors, wrongs = summary.errors, 0
   for _, thread in ipairs(threads) do
      wrongs = wrongs + thread:get("wrong")
   end
   io.write(string.format(
      '{"requests": %d, "failed": %d, "wrong": %d}\n', summary.requests,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status, wrongs))
end
