"""A stand-in for the Messages API: answers the claude command line from a script, and remembers what it asked.

    with FakeMessagesApi([[tool("Bash", {"command": "id"})], [text("Done.")]]) as api:
        run_claude(base_url=api.url)
        assert api.requests[0].headers["x-api-key"] == "the key"

A script is a list of turns. A turn is a list of content blocks, an Error, or a function that is given the
request and returns either. The last turn is repeated. Every answer is streamed when the request asks for it.
"""

import dataclasses
import http.server
import json
import threading
import uuid


def text(words):
    return {"type": "text", "text": words}


def tool(name, arguments):
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": name, "input": arguments}


@dataclasses.dataclass
class Error:
    """An error answer."""
    status: int
    kind: str = "api_error"
    message: str = "as the script says"


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict  # names in lower case
    body: dict

    @property
    def text(self):
        """Everything the model would read, in one string."""
        return json.dumps(self.body, ensure_ascii=False)

    @property
    def tools(self):
        return [tool["name"] for tool in self.body.get("tools", [])]

    @property
    def tool_results(self):
        """The texts of the results that the last message brings."""
        last = self.body["messages"][-1]["content"]
        blocks = last if isinstance(last, list) else []
        return [block.get("content") if isinstance(block.get("content"), str)
                else "".join(part.get("text", "") for part in block.get("content") or [])
                for block in blocks if block["type"] == "tool_result"]


class LocalApi:
    """An HTTP server on the loopback interface that keeps the requests it gets. For one test."""

    def __init__(self):
        self.requests = []
        self._lock = threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                try:
                    body = json.loads(raw) if raw else {}
                except ValueError:
                    body = {"": raw.decode("utf-8", "replace")}
                request = Request(self.command, self.path,
                                  {name.lower(): value for name, value in self.headers.items()}, body)
                with api._lock:
                    api.requests.append(request)
                try:
                    api.answer(self, request)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked has gone

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _serve

            def log_message(self, *arguments):
                pass

            def respond(self, status, content, kind="application/json", headers=None):
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def respond_events(self, events):
                """Server-sent events, in chunks, as the real ones come."""
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in events:
                    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *unused: None  # whoever asked has gone
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler, request):
        handler.respond(404, {"error": "nothing here"})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ScriptedApi(LocalApi):
    """Answers by a script of turns; the last is repeated. With `key`, only whoever has that."""

    def __init__(self, turns, key=None):
        super().__init__()
        self._turns = list(turns)
        self._next = 0
        self._key = key

    def _turn(self, request):
        with self._lock:
            turn = self._turns[min(self._next, len(self._turns) - 1)]
            self._next += 1
        return turn(request) if callable(turn) else turn


class FakeMessagesApi(ScriptedApi):
    """`turns` answers the agent's own requests, those that offer tools; others get a short text."""

    @property
    def turns(self):
        """The requests that the script answered."""
        return [request for request in self.requests
                if request.path.startswith("/v1/messages?") or request.path == "/v1/messages"
                if request.body.get("tools")]

    def answer(self, handler, request):
        path = request.path.split("?")[0]
        if self._key is not None and self._key not in (
                request.headers.get("x-api-key"),
                request.headers.get("authorization", "").removeprefix("Bearer ")):
            return self._error(handler, Error(401, "authentication_error", "invalid x-api-key"))
        if path == "/v1/messages/count_tokens":
            return handler.respond(200, {"input_tokens": 100})
        if path != "/v1/messages" or request.method != "POST":
            return handler.respond(404, {"type": "error",
                                         "error": {"type": "not_found_error", "message": path}})
        turn = self._turn(request) if request.body.get("tools") else [text("fine")]
        if isinstance(turn, Error):
            return self._error(handler, turn)
        message = self._message(request, turn)
        if not request.body.get("stream"):
            return handler.respond(200, message)
        return handler.respond_events(self._events(message))

    @staticmethod
    def _error(handler, error):
        handler.respond(error.status, {"type": "error", "error": {"type": error.kind,
                                                                  "message": error.message}})

    @staticmethod
    def _message(request, blocks):
        calls = any(block["type"] == "tool_use" for block in blocks)
        return {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant",
                "model": request.body.get("model", "fake"), "content": blocks,
                "stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": 1000, "cache_creation_input_tokens": 0,
                          "cache_read_input_tokens": 0, "output_tokens": 50}}

    @staticmethod
    def _events(message):
        yield {"type": "message_start",
               "message": {**message, "content": [], "stop_reason": None,
                           "usage": {**message["usage"], "output_tokens": 1}}}
        for index, block in enumerate(message["content"]):
            if block["type"] == "text":
                start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                start = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            yield {"type": "content_block_start", "index": index, "content_block": start}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"],
                                                  "stop_sequence": None},
               "usage": {"output_tokens": message["usage"]["output_tokens"]}}
        yield {"type": "message_stop"}
