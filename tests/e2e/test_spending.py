"""Spending: what executors report stops a session, and pauses its routine for the day; every door says so."""

import pytest

from conftest import TRIGGER, wait_until


@pytest.fixture
def dear(serve, tmp_path):
    """An agent that reports 2 USD each time, in two parts, and a routine that may spend 5 a day."""
    agent = tmp_path / "agent"
    agent.write_text("#!/bin/sh\n"
                     """echo '{"type": "usage", "cost_usd": 0.5}' >&3\n"""
                     """echo '{"type": "usage", "cost_usd": 2}' >&3\n"""
                     "echo done\n")
    agent.chmod(0o755)
    (tmp_path / "dear.yaml").write_text(
        f"name: dear\nprompt: Look.\nexecutor: dear\nlimits: {{max_cost_usd_per_day: 5}}\n"
        f"triggers: [{{id: {TRIGGER}, api: {{}}}}]\n")
    (tmp_path / "other.yaml").write_text(
        "name: other\nprompt: Look.\nexecutor: dear\ntriggers: [{id: build, custom: {source: ci}}]\n")

    def run(*options):
        server = serve(executors={"dear": agent}, options=options)
        server.ok("apply", tmp_path / "dear.yaml", tmp_path / "other.yaml")
        return server

    return run


def run_one(server, routine="dear"):
    session = server.json("run", routine)["claude_code_session_id"]
    server.ok("session", "wait", session)
    return server.json("session", "show", session)


def fire(server, token):
    return server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", token=token)


def test_a_routine_that_has_spent_its_day_is_paused_and_says_so(dear):
    server = dear()
    token = server.json("token", "create", TRIGGER)["secret"]
    assert run_one(server)["usage"]["cost_usd"] == 2
    assert fire(server, token).status == 200
    wait_until(lambda: len(server.json("sessions", "--status", "succeeded")["sessions"]) == 2, "both ended")
    assert not server.json("show", "dear").get("paused", False)
    server.kill()
    server = dear()  # what was spent is remembered over kill -9
    run_one(server)

    shown = server.json("show", "dear")
    assert shown["paused"] and "6.00 USD; at most 5.00" in shown["pause_reason"]
    assert "at most 5.00" in server.ok("show", "dear")
    assert "paused" in server.ok("list")
    refused = fire(server, token)
    assert refused.status == 400 and "at most 5.00" in refused.json["error"]["message"]
    done = server.cli("fire", TRIGGER, ROUTINES_TOKEN=token)
    assert done.returncode == 1 and "at most 5.00" in done.stderr
    told = server.ok("decisions", "--routine", "dear", "--why").splitlines()
    assert "paused" in told[1] and "have cost 6.00 USD; at most 5.00" in told[1]
    assert 'routines_decisions_total{reason="paused"} 2' in server.request("GET", "/metrics").body.decode()
    assert not server.json("show", "other").get("paused", False)

    # Whoever resumes it lets it go on until the next session ends.
    server.ok("resume", "dear")
    assert fire(server, token).status == 200
    wait_until(lambda: server.json("show", "dear").get("paused", False), "it is over its sum again")
    assert "8.00 USD" in server.json("show", "dear")["pause_reason"]


def test_the_hosts_limit_counts_for_routines_that_set_none(dear):
    server = dear("--limit", "max_cost_usd_per_day_routine=3.5")
    run_one(server, "other")
    run_one(server, "other")
    assert "4.00 USD; at most 3.50" in server.json("show", "other")["pause_reason"]
    run_one(server)
    run_one(server)
    assert not server.json("show", "dear").get("paused", False)  # its own wins
