"""Limits and decisions through the real server: a flood, kill -9 in its middle, and what is told of it."""

import collections
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import random
import threading
import time

import pytest

from conftest import Server, wait_until

SECRET = "a-secret-of-the-tests-0123456789"
TRIGGER = "trig_e2elimits1"
SENT = int(os.environ.get("ROUTINES_FLOOD", "10000"))
ROUTINE = """
name: {name}
prompt: Review it.
executor: quick
triggers:
  - id: pushed
    github: {{repositories: [acme/api], event: push, over_limit: {over_limit}}}
"""


def write_routines(folder):
    folder.mkdir()
    for over_limit in ("defer", "coalesce", "drop"):
        (folder / f"{over_limit}.yaml").write_text(
            ROUTINE.format(name=over_limit, over_limit=over_limit))
    (folder / "alert.yaml").write_text(
        f"name: alert\nprompt: go\nexecutor: quick\ntriggers: [{{id: {TRIGGER}, api: {{}}}}]\n")


def start(binary, folder, *options):
    return Server(binary, folder / "state", ["--routines", str(folder / "routines"), "--executor",
                                             "quick=sh -c true", "--max-concurrent-sessions", "4",
                                             *options], {})


def body_of(number):
    return json.dumps({
        "ref": "refs/heads/main", "before": "0" * 40, "after": f"{number:040x}",
        "commits": [], "head_commit": None, "pusher": {"name": "ada"},
        "repository": {"full_name": "acme/api", "default_branch": "main"},
        "sender": {"login": "ada", "type": "User"},
    }).encode()


def decisions_of(server, routine):
    """All decisions of a routine, page by page."""
    found, before = [], ""
    while True:
        page = server.request("GET", f"/v1/decisions?routine={routine}&limit=1000{before}",
                              token=server.admin_token).json
        found += page["decisions"]
        if "next_before" not in page:
            return found
        before = f"&before={page['next_before']}"


class Flood:
    """Deliveries from several clients, each repeated until it was acknowledged."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.lock = threading.Lock()
        self.server = start(binary, folder, "--limit", "github_per_hour_routine=60")
        self.acknowledged = 0

    def crash(self):
        with self.lock:
            self.server.kill()
            self.server = start(self.binary, self.folder, "--limit", "github_per_hour_routine=60")

    def send(self, numbers):
        connection = None
        for number in numbers:
            body = body_of(number)
            headers = {"Content-Type": "application/json", "X-GitHub-Event": "push",
                       "X-GitHub-Delivery": f"delivery-{number}",
                       "X-Hub-Signature-256":
                           "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
            deadline = time.monotonic() + 120
            while True:
                try:
                    if connection is None:
                        with self.lock:
                            host = self.server.url.removeprefix("http://")
                        connection = http.client.HTTPConnection(host, timeout=60)
                    connection.request("POST", "/v1/webhooks/github/default", body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 202:
                        break
                    assert answer.status == 503, answer.status
                except (OSError, http.client.HTTPException):
                    connection.close()
                    connection = None
                assert time.monotonic() < deadline, f"delivery {number} was never taken"
            with self.lock:
                self.acknowledged += 1


def test_a_flood_with_kill_9_in_its_middle_is_accounted_for(routines_bin, tmp_path):
    write_routines(tmp_path / "routines")
    flood = Flood(routines_bin, tmp_path)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    flood.server.ok("github", "hook", "add", "--secret-file", secret)
    numbers = list(range(1, SENT + 1))
    random.Random(5).shuffle(numbers)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(flood.send, numbers[i::8]) for i in range(8)]
        for part in (1, 2, 3):
            wait_until(lambda: flood.acknowledged >= SENT * part // 4 or
                       any(client.done() for client in clients), "the flood goes on", 300)
            flood.crash()
        for client in clients:
            client.result()
    server = flood.server
    try:
        for routine in ("defer", "coalesce", "drop"):
            found = decisions_of(server, routine)
            reasons = collections.Counter(each["reason"] for each in found)
            waiting = [each for each in found if each["reason"] == "limit" and "session_id" in each]
            assert len(found) == SENT, (routine, reasons)
            assert len({each["event_id"] for each in found}) == SENT
            fired = reasons["fired"]
            # An hour may pass on a slow machine; the window is full all the time.
            assert fired >= 60 and fired % 60 in range(60)
            if routine == "defer":
                assert fired + len(waiting) + reasons["expired"] == SENT, reasons
                assert len(waiting) == 24 * 60, reasons
            elif routine == "coalesce":
                assert fired + len(waiting) + reasons["coalesced"] == SENT, reasons
                assert len(waiting) == 1
            else:
                assert not waiting
                assert fired + reasons["limit"] == SENT, reasons
            # Those that have a session have one each, and no other session is there.
            sessions = {each["session_id"] for each in found if "session_id" in each}
            assert len(sessions) == fired + len(waiting)
            listed, before = set(), ""
            while True:
                page = server.request("GET", f"/v1/sessions?routine={routine}&limit=1000{before}",
                                      token=server.admin_token).json
                listed |= {each["id"] for each in page["sessions"]}
                if "next_before" not in page:
                    break
                before = f"&before={page['next_before']}"
            assert listed == sessions
    finally:
        server.kill()


@pytest.fixture
def limited(routines_bin, tmp_path):
    write_routines(tmp_path / "routines")
    server = start(routines_bin, tmp_path, "--limit", "fires_per_hour_routine=2")
    yield server
    server.kill()


def fire(server, token, **headers):
    return server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", headers=headers,
                          token=token)


def test_fires_over_the_limit_get_429_and_a_true_retry_after(limited):
    token = limited.json("token", "create", TRIGGER)["secret"]
    assert [fire(limited, token).status for _ in range(3)] == [200, 200, 429]
    refused = fire(limited, token)
    assert refused.json["error"]["type"] == "rate_limit_error"
    assert "2 of 2 API fires an hour of the routine" in refused.json["error"]["message"]
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert 'routines_decisions_total{reason="limit"} 2' in \
        limited.request("GET", "/metrics").body.decode()


def test_metrics_count_each_decision_when_it_is_final(routines_bin, tmp_path):
    write_routines(tmp_path / "routines")
    server = start(routines_bin, tmp_path, "--limit", "github_per_hour_routine=1")
    try:
        server.ok("github", "hook", "add", "--secret-file", write_secret(server))
        for number in range(3):
            assert push(server, number).status == 202

        def counts():
            lines = server.request("GET", "/metrics").body.decode().splitlines()
            return {line.split()[0].removeprefix("routines_decisions_"): int(line.split()[1])
                    for line in lines if line.startswith("routines_decisions_")}

        # Three routines: one defers, one coalesces, one drops.
        expected = {'total{reason="fired"}': 3, 'total{reason="coalesced"}': 1, 'total{reason="limit"}': 2,
                    "deferred_total": 4}
        assert counts() == expected
        server.ok("pause", "defer")
        assert counts() == {**expected, 'total{reason="paused"}': 2}
        assert server.json("decisions", "--routine", "defer")["decisions"][0]["reason"] == "paused"
    finally:
        server.kill()


def push(server, number):
    body = body_of(number)
    return server.request("POST", "/v1/webhooks/github/default", body, {
        "Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": f"push-{number}",
        "X-Hub-Signature-256":
            "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})


def test_decisions_are_listed_with_what_made_them_so(limited):
    token = limited.json("token", "create", TRIGGER)["secret"]
    for _ in range(3):
        fire(limited, token)
    told = limited.ok("decisions", "--routine", "alert", "--since", "1h", "--why")
    first = told.splitlines()[1]
    assert "default/alert" in first and "limit" in first
    assert "2 of 2 API fires an hour of the routine; the next may start at" in first
    assert len(limited.json("decisions", "-n", "2")["decisions"]) == 2
    event = limited.json("decisions")["decisions"][-1]["event_id"]
    assert event in limited.ok("decisions", "--event", event)
    done = limited.cli("decisions", "--since", "tomorrow")
    assert done.returncode == 2 and "--since" in done.stderr


def test_a_session_that_fires_itself_is_stopped(limited, tmp_path):
    token = limited.json("token", "create", TRIGGER)["secret"]
    limited.kill()
    server = start(limited.binary, tmp_path)
    try:
        session = ""
        for _ in range(4):
            answer = fire(server, token, **{"Routines-Session": session} if session else {})
            assert answer.status == 200, answer.body
            session = answer.json["claude_code_session_id"]
        stopped = fire(server, token, **{"Routines-Session": session})
        assert stopped.status == 400 and "at most 3" in stopped.json["error"]["message"]
        assert "loop_guard" in server.ok("decisions", "--routine", "alert")
    finally:
        server.kill()


def test_explain_takes_a_stored_event(limited):
    limited.ok("github", "hook", "add", "--secret-file", write_secret(limited))
    push(limited, 1)
    event = limited.json("decisions", "--routine", "defer")["decisions"][0]["event_id"]
    assert "fired" in limited.ok("explain", event, "defer")
    done = limited.cli("explain", event)
    assert done.returncode == 2 and "routine" in done.stderr
    assert limited.cli("explain").returncode == 2
    done = limited.cli("explain", event, "defer", "--revision", 99)
    assert done.returncode == 4 and "routine default/defer has no revision 99" in done.stderr


def write_secret(server):
    path = server.state.parent / "secret"
    path.write_text(SECRET)
    return path


def test_a_limit_that_is_none_is_refused_at_the_start(routines_bin, tmp_path):
    import subprocess
    (tmp_path / "limits").write_text("fires_per_hour: 3\n")
    done = subprocess.run([routines_bin, "serve", "--state", str(tmp_path / "state"), "--limits",
                           str(tmp_path / "limits")], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "line 1" in done.stderr and "fires_per_hour_routine" in done.stderr
