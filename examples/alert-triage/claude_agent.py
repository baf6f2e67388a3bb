#!/usr/bin/env python3
"""Runs the claude command line as the session's agent, and turns its lines into the session's events.

The prompt comes on standard input. A clone is not ours: `--setting-sources user` and
`--strict-mcp-config` keep its .claude/settings.json and .mcp.json from taking over.
"""

import json
import os
import subprocess
import sys

COMMAND = ["claude", "-p", "--output-format", "stream-json", "--verbose",
           "--permission-mode", "bypassPermissions", "--setting-sources", "user",
           "--strict-mcp-config"]


def text_of(content):
    """A tool result's content is a text, or a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or [])


def events_of(line):
    """The session events that one line of claude's says; none for what we do not know."""
    kind = line.get("type")
    if kind == "result":
        usage = line.get("usage") or {}
        yield {"type": "usage", "input_tokens": usage.get("input_tokens", 0),
               "output_tokens": usage.get("output_tokens", 0),
               "cost_usd": line.get("total_cost_usd", 0), "turns": line.get("num_turns", 0)}
        yield {"type": "result", "is_error": bool(line.get("is_error")),
               "text": line.get("result", "")}
    if kind not in ("assistant", "user"):
        return
    content = line["message"]["content"]
    for block in content if isinstance(content, list) else []:
        if block["type"] == "text" and kind == "assistant":
            yield {"type": "assistant_text", "text": block["text"]}
        elif block["type"] == "tool_use":
            yield {"type": "tool_call", "id": block["id"], "name": block["name"],
                   "input": block["input"]}
        elif block["type"] == "tool_result":
            yield {"type": "tool_result", "id": block["tool_use_id"],
                   "is_error": bool(block.get("is_error")), "text": text_of(block.get("content"))}


def main():
    environment = dict(os.environ, DISABLE_AUTOUPDATER="1",
                       CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", CLAUDE_CODE_MAX_RETRIES="2")
    if os.geteuid() == 0:
        environment["IS_SANDBOX"] = "1"  # else it refuses to work without asking as root
    result_seen = False
    with open(int(environment["ROUTINES_EVENTS_FD"]), "w", encoding="utf-8") as events, \
            subprocess.Popen(COMMAND, stdout=subprocess.PIPE, encoding="utf-8",
                             errors="replace", env=environment) as claude:
        for line in claude.stdout:
            try:
                for event in events_of(json.loads(line)):
                    result_seen = result_seen or event["type"] == "result"
                    print(json.dumps(event), file=events, flush=True)
            except (ValueError, KeyError, TypeError):
                print(line, end="", flush=True)  # not of the protocol: keep it as output
    # Without a result line claude was cut off, whatever its exit code says.
    return claude.returncode if result_seen else claude.returncode or 1


if __name__ == "__main__":
    sys.exit(main())
