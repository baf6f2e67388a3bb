"""A secret of a routine is shown nowhere, whatever its agent does with it."""

import json
import urllib.parse

import pytest

import canaries
from conftest import ROOT, TRIGGER, python_command, routine_text

AGENT = ROOT / "tests" / "e2e" / "leaky_agent.py"
NAMES = ["succeeding", "failing"]


def test_the_forms_are_those_that_tools_write():
    for text in ("secret", "c2VjcmV0", "736563726574", "%73%65%63%72%65%74", "an eHNlY3JldCE= inside", "eHhzZWNyZXQ"):
        assert canaries.in_text(text, {"secret"}), text
    assert not canaries.in_text("secre t 73656372 c2VjcmU", {"secret"})


@pytest.mark.parametrize("setup", ["", "echo setup $CANARY; printf %s $CANARY | xxd -p >&2; printf %s $CANARY | base64",
                                   "echo $CANARY >&2; exit 7"])
def test_a_leaky_agent_leaks_nothing(serve, tmp_path, upstream, setup):
    secret = canaries.add()
    secrets = tmp_path / "state" / "secrets"
    secrets.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    (secrets / "CANARY").write_text(secret)
    server = serve(executors={"succeeding": python_command(AGENT), "failing": python_command(AGENT) + " fail"},
                   options=["--sandbox-write", str(tmp_path)])
    shown = []
    for executor in NAMES:
        server.apply(tmp_path, routine_text(executor=executor, more=(
            f"repositories: [{{url: 'file://{upstream}'}}]\n"
            f"environment: {{secrets: [CANARY], setup_script: {json.dumps(setup)}}}\n")))
        token = server.ok("token", "create", TRIGGER).strip()
        fired = server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", token=token, body=b"").json
        session_id = fired["claude_code_session_id"]
        server.cli("session", "wait", session_id)
        url = urllib.parse.urlsplit(fired["claude_code_session_url"])
        page = f"{url.path}?{url.query}"
        shown += [server.request("GET", page).body.decode(), server.request("GET", "/metrics").body.decode(),
                  server.request("GET", f"/v1/sessions/{session_id}/events?{url.query}").body.decode(),
                  *(server.ok("session", what, session_id, *more) for what in ("show", "logs")
                    for more in ([], ["--json"])),
                  server.ok("sessions", "--json"), server.ok("event", "list", "--json"),
                  server.ok("show", "greet", "--json")]
        session = server.json("session", "show", session_id)
        assert session["state"] == "failed" and session["reason"] == (
            "setup_failed" if "exit" in setup else "exit_code" if executor == "failing" else "agent_error")
    text = "\n".join(shown)
    assert canaries.in_text(text, {secret}) == []
    assert text.count("[redacted]") > (3 if "exit" in setup else 100)
