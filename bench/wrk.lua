-- wrk … -- PATH [CONNECTION]: asks a proxy for http://origin.example/PATH.
function init(arguments)
  wrk.path = "http://origin.example" .. arguments[1]
  -- RFC 9112 §3.2.2: the same as in the target; HAProxy refuses anything else.
  wrk.headers["Host"] = "origin.example"
  if arguments[2] then wrk.headers["Connection"] = arguments[2] end
end
