"""An MCP server that does what a test tells it to, right or wrong.

    fake_mcp.py stdio SCRIPT             talks on standard input and output
    fake_mcp.py http FOLDER SCRIPT       writes its port to FOLDER/port and each request to FOLDER/requests
    fake_mcp.py https FOLDER SCRIPT      the same behind TLS, with FOLDER/cert.pem and FOLDER/key.pem

SCRIPT is Python. On stdio it runs once, with the functions of Stdio below. Over HTTP it may define
`post(server, message)`, which answers a POST with the methods of Http.
"""

import http.server
import json
import os
import ssl
import sys
import time

REVISION = "2025-11-25"


def initialize_result(**more):
    return {"protocolVersion": REVISION, "capabilities": {"tools": {}},
            "serverInfo": {"name": "fake", "version": "1.2.3"}, **more}


def tools_result(*names, cursor=None):
    page = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]}
    return {**page, "nextCursor": cursor} if cursor else page


class Stdio:
    def read(self):
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(0)
        return json.loads(line)

    def raw(self, data):
        sys.stdout.buffer.write(data if isinstance(data, bytes) else data.encode())
        sys.stdout.buffer.flush()

    def send(self, message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

    def answer(self, request, result):
        self.send({"id": request["id"], "result": result})

    def expect(self, method):
        message = self.read()
        if message.get("method") != method:
            print("expected", method, "and got", message, file=sys.stderr, flush=True)
            sys.exit(90)
        return message

    def initialize(self, **more):
        request = self.expect("initialize")
        self.answer(request, initialize_result(**more))
        self.expect("notifications/initialized")
        return request

    def tools(self, *names, cursor=None):
        request = self.expect("tools/list")
        self.answer(request, tools_result(*names, cursor=cursor))
        return request

    def say(self, text):
        print(text, file=sys.stderr, flush=True)


def run_stdio(script):
    server = Stdio()
    names = {name: getattr(server, name) for name in dir(server) if not name.startswith("_")}
    exec(script, {**names, "os": os, "sys": sys, "time": time, "json": json,
                  "initialize_result": initialize_result, "tools_result": tools_result})


def right_answer(message):
    """What a well-behaved server answers; None: nothing but 202."""
    results = {"initialize": initialize_result(), "tools/list": tools_result("echo", "add")}
    if "id" not in message or message.get("method") not in results:
        return None
    return {"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]}


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    session = "session-1"

    def answer(self, status=200, body=b"", type="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if body:
            self.send_header("Content-Type", type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        """Events without a length: they end with the connection."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Mcp-Session-Id", self.session)
        self.send_header("Connection", "close")
        self.end_headers()

    def event(self, message):
        self.wfile.write(f"event: message\ndata: {json.dumps(message)}\n\n".encode())
        self.wfile.flush()

    def right(self, message):
        body = right_answer(message)
        if body is None:
            self.answer(202)
        elif message["method"] == "initialize":
            self.answer(body=body, Mcp_Session_Id=self.session)
        else:
            self.answer(body=body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        message = json.loads(body) if body else None
        with open(os.path.join(self.server.folder, "requests"), "a", encoding="utf-8") as log:
            log.write(json.dumps({"method": self.command, "path": self.path, "message": message,
                                  "headers": {k.lower(): v for k, v in self.headers.items()}}) + "\n")
        if self.command == "POST":
            self.server.post(self, message)
        else:
            self.answer(200)

    do_GET = do_POST = do_DELETE = handle_any

    def log_message(self, *_):
        pass


def run_http(folder, script, tls):
    names = {"json": json, "time": time, "os": os, "right_answer": right_answer,
             "initialize_result": initialize_result, "tools_result": tools_result,
             "post": lambda server, message: server.right(message)}
    exec(script, names)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Http)
    server.daemon_threads = True
    server.folder, server.post = folder, names["post"]
    names["port"] = server.server_port
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(folder, "port.new"), "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        run_stdio(sys.argv[2])
    else:
        run_http(sys.argv[2], sys.argv[3], tls=sys.argv[1] == "https")
