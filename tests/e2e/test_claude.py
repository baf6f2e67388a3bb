"""The real claude command line as a session's agent, against a fake of the Messages API."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import ROOT, TRIGGER, git, make_upstream, routine_text
from fake_messages_api import Error, FakeMessagesApi, LocalApi, text, tool

KEY = "sk-ant-canary-" + "7" * 40
SKILL = """---
name: fix-it
description: How this project mends things
---
Write FIXED into fixed.txt ($ARGUMENTS).
"""


def program(name):
    """What script/setup installed."""
    path = ROOT / "build" / "npm" / "node_modules" / ".bin" / name
    if not os.access(path, os.X_OK):
        pytest.fail(f"no {name}: run script/setup test")
    return path


@pytest.fixture
def start(serve, tmp_path):
    """start(api) starts a server whose executor claude asks that API; the key is in its secrets."""

    def started(api, claude=None, options=()):
        secrets = tmp_path / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "ANTHROPIC_API_KEY").write_text(KEY)
        return serve(options=["--secrets", str(secrets), "--claude", str(claude or program("claude")),
                              "--claude-api-url", api.url, *options])

    return started


def fire(server, tmp_path, routine, words="the alert"):
    """Applies, fires by HTTP as users do, and waits; the session and its log."""
    server.apply(tmp_path, routine)
    token = server.ok("token", "create", TRIGGER).strip()
    answer = server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", token=token,
                            headers={"Content-Type": "application/json"},
                            body=json.dumps({"text": words} if words else {}).encode())
    assert answer.status == 200, answer.body
    session_id = answer.json["claude_code_session_id"]
    server.cli("session", "wait", "--timeout", "60s", session_id)
    session = server.json("session", "show", session_id)
    log = [json.loads(line) for line in
           server.ok("session", "logs", session_id, "--json").splitlines()]
    return session, log


def routine_on(upstream, prompt="Mend it.", more=""):
    return routine_text(executor="claude", prompt=json.dumps(prompt),
                        more=f"repositories: [{{url: 'file://{upstream}'}}]\n{more}")


def kinds(log, *wanted):
    """The events of those kinds, each as (kind, content), in order."""
    return [(kind, event[kind]) for event in log for kind in wanted if kind in event]


def notes(log):
    return [note["text"] for _, note in kinds(log, "note")]


# ---- the whole way ----


def printed_events(line):
    """What one line of claude's must have become; written apart from the program."""
    kind, subtype = line["type"], line.get("subtype")
    if kind == "system" and subtype != "api_retry":
        return [("agent_event", f"system/{subtype}", line)]
    if kind == "result":
        return [("result", line["is_error"], line["result"])]
    if kind not in ("assistant", "user"):
        return [("agent_event", kind, line)]
    events = []
    for block in line["message"]["content"]:
        if kind == "assistant" and block["type"] == "text":
            events.append(("assistant_text", block["text"]))
        elif kind == "assistant" and block["type"] == "tool_use":
            events.append(("tool_call", block["id"], block["name"], block["input"]))
        elif kind == "user" and block["type"] == "tool_result":
            events.append(("tool_result", block["tool_use_id"], block.get("is_error", False),
                           block["content"]))
        else:
            events.append(("agent_event", f"{kind}/{block['type']}", block))
    return events


def logged_events(log):
    shapes = {
        "agent_event": lambda event: (event["type"], json.loads(event["json"])),
        "assistant_text": lambda event: (event["text"],),
        "tool_call": lambda event: (event["call_id"], event["name"], json.loads(event["input_json"])),
        "tool_result": lambda event: (event["call_id"], event.get("is_error", False),
                                      event.get("text", "")),
        "result": lambda event: (event.get("is_error", False), event["text"]),
    }
    return [(kind, *shapes[kind](event)) for kind, event in kinds(log, *shapes)]


def test_a_fired_session_uses_a_skill_commits_and_pushes_through_the_gate(start, tmp_path):
    upstream = make_upstream(tmp_path, {"README.md": "# shop\n", ".claude/skills/fix-it/SKILL.md": SKILL,
                                        "CLAUDE.md": "The tests are run by make.\n"})
    main = git(upstream, "rev-parse", "main")
    raw = tmp_path / "raw.jsonl"
    tee = tmp_path / "claude"
    tee.write_text(f"#!/bin/bash\nset -o pipefail\n'{program('claude')}' \"$@\" | tee -a '{raw}'\n")
    tee.chmod(0o755)
    commit = ("echo FIXED > fixed.txt && git checkout -q -b claude/fix-1 && git add fixed.txt && "
              "git commit -q -m 'Mend it' && git push -q origin claude/fix-1")
    script = [[text("I use the skill."), tool("Skill", {"skill": "fix-it"})],
              [tool("Bash", {"command": commit})],
              [tool("Bash", {"command": "git push origin HEAD:main"})],
              [text("Pushed claude/fix-1.")]]
    with FakeMessagesApi(script, key=KEY) as api:
        session, log = fire(start(api, claude=tee), tmp_path, routine_on(upstream), "SEN-1 fired")

    assert (session["state"], session["reason"]) == ("succeeded", "completed"), session
    assert session["result"] == "Pushed claude/fix-1."
    # What the model was told: the prompt, the event, CLAUDE.md, the skill and then its text.
    first, second = api.turns[0].text, api.turns[1].text
    for words in ("Mend it.", "SEN-1 fired", "The tests are run by make.",
                  "How this project mends things"):
        assert words in first
    assert "Write FIXED into fixed.txt" in second and "Write FIXED into fixed.txt" not in first
    # What came of it.
    assert git(upstream, "show", "claude/fix-1:fixed.txt") == "FIXED"
    assert git(upstream, "rev-parse", "main") == main
    pushes = [push for _, push in kinds(log, "push")]
    assert [(push["ref"], push.get("accepted", False)) for push in pushes] == [
        ("refs/heads/claude/fix-1", True), ("refs/heads/main", False)]
    refused = api.turns[3].tool_results[0]
    assert "[remote rejected]" in refused and pushes[1]["message"] in refused
    # What it cost, as claude says it.
    lines = [json.loads(line) for line in raw.read_text().splitlines() if line.startswith("{")]
    result = lines[-1]
    assert session["usage"] == {"input_tokens": 4000, "output_tokens": 200,
                                "cost_usd": pytest.approx(result["total_cost_usd"]),
                                "turns": result["num_turns"]}
    assert result["total_cost_usd"] > 0 and result["num_turns"] >= 4
    # Event for event.
    assert logged_events(log) == [event for line in lines for event in printed_events(line)]
