"""An agent that calls the tool `echo` of each of its connectors, for the tests of connectors."""

import json
import os
import subprocess
import sys
import urllib.request

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
              "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                         "clientInfo": {"name": "agent", "version": "1"}}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "hello from the agent"}}}


def over_stdio(server):
    process = subprocess.Popen([server["command"], *server["args"]], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, **server["env"]})

    def answer_to(message):
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        while "id" in message:
            answer = json.loads(process.stdout.readline())
            if answer.get("id") == message["id"] and "method" not in answer:
                return answer
        return None

    answer_to(INITIALIZE)
    answer_to(INITIALIZED)
    answer = answer_to(CALL)
    process.terminate()
    process.wait()
    return answer


def over_http(server):
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json",
               **server["headers"]}

    def answer_to(message):
        request = urllib.request.Request(server["url"], json.dumps(message).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            if answer.headers.get("Mcp-Session-Id"):
                headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
            lines = [line[5:] for line in answer.read().decode().splitlines()
                     if line.startswith("data:") and line[5:].strip()]
        found = [json.loads(line) for line in lines]
        return next((each for each in found if each.get("id") == message.get("id")), None)

    answer_to(INITIALIZE)
    answer_to(INITIALIZED)
    return answer_to(CALL)


path = os.environ.get("ROUTINES_MCP_CONFIG")
if path is None:
    sys.exit("there are no connectors")
with open(path, encoding="utf-8") as file:
    config = json.load(file)
for name, server in config["mcpServers"].items():
    answer = (over_stdio if server["type"] == "stdio" else over_http)(server)
    print(name, server["type"], answer["result"]["content"][0]["text"])
    print(name, "denied", *config["toolPolicy"][name]["deny"])
print("mode", oct(os.stat(path).st_mode & 0o777))
