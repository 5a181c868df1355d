"""An origin that answers every request with what it received, as JSON. Usage: origin.py PORT"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        reply = json.dumps(
            {
                "method": self.command,
                "path": self.path,
                "length": self.length_of_body(),
                "peer": "%s:%d" % self.client_address[:2],
                "headers": list(self.headers.items()),
            }
        ).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply)

    def length_of_body(self):
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            return sum(iter(self.skip_chunk, 0))
        return self.skip(int(self.headers.get("content-length") or 0))

    def skip_chunk(self):
        length = self.skip(int(self.rfile.readline().split(b";")[0], 16))
        self.rfile.readline()
        return length

    def skip(self, length):
        left = length
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        return length

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = answer

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
