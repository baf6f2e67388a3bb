"""A stand-in for the Responses API: answers the codex command line from a script, and remembers what it asked.

A script is a list of turns, as in fake_messages_api. A turn is a list of items made by say() and run(), or a
function that is given the request and returns one; the last turn is repeated.
"""

import json
import uuid

from fake_messages_api import Error, ScriptedApi


def say(words):
    return {"type": "message", "role": "assistant", "id": f"msg_{uuid.uuid4().hex[:20]}",
            "content": [{"type": "output_text", "text": words}]}


def run(command):
    return call("exec_command", {"cmd": command})


def call(name, arguments, namespace=None):
    item = {"type": "function_call", "id": f"fc_{uuid.uuid4().hex[:20]}",
            "call_id": f"call_{uuid.uuid4().hex[:20]}", "name": name, "arguments": json.dumps(arguments)}
    return item if namespace is None else {**item, "namespace": namespace}


def outputs(request):
    """The outputs of the calls so far, as the request repeats them."""
    return [item["output"] if isinstance(item["output"], str) else json.dumps(item["output"])
            for item in request.body["input"] if item.get("type") == "function_call_output"]


class FakeResponsesApi(ScriptedApi):
    @property
    def turns(self):
        return [request for request in self.requests if request.path == "/v1/responses"]

    def answer(self, handler, request):
        if self._key is not None and request.headers.get("authorization") != f"Bearer {self._key}":
            return handler.respond(401, {"error": {"message": "bad key", "code": "invalid_api_key"}})
        if (request.method, request.path) != ("POST", "/v1/responses"):
            return handler.respond(404, {"error": {"message": request.path}})
        turn = self._turn(request)
        if isinstance(turn, Error):
            return handler.respond(turn.status, {"error": {"message": turn.message}})
        identity = f"resp_{uuid.uuid4().hex[:20]}"
        usage = {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 100},
                 "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 0},
                 "total_tokens": 1050}
        return handler.respond_events(
            [{"type": "response.created", "response": {"id": identity}},
             *({"type": "response.output_item.done", "item": item} for item in turn),
             {"type": "response.completed", "response": {"id": identity, "usage": usage}}])
