"""The webhook door, as GitHub and those who are not GitHub meet it."""

import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import json
import re
import resource
import socket
import statistics
import time
import uuid

import pytest

from conftest import wait_until

SECRET = "a-secret-of-the-tests-0123456789"
REVIEW = """
name: review
prompt: Review it.
executor: echo
triggers:
  - id: opened
    github:
      repositories: [acme/api]
      event: pull_request
      actions: [opened, synchronize]
      filters: [{field: base_branch, operator: equals, value: main}]
"""


def pull(number=7, *, action="opened", base="main", association="MEMBER", head="acme/api", **more):
    return {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number, "state": "open", "title": f"Change {number}", "body": "text",
            "draft": False, "merged": False, "author_association": association,
            "html_url": f"https://github.com/acme/api/pull/{number}", "labels": [],
            "user": {"login": "ada", "type": "User"},
            "base": {"ref": base, "sha": "1" * 40, "repo": {"full_name": "acme/api"}},
            "head": {"ref": "fix", "sha": "2" * 40, "repo": {"full_name": head}},
            **more,
        },
        "repository": {"full_name": "acme/api"},
        "sender": {"login": "ada", "type": "User"},
    }


def sign(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(server, payload, *, event="pull_request", delivery=None, hook=None, secret=SECRET,
            headers=None):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, secret),
        **(headers or {}),
    }
    path = "/v1/webhooks/github" + (f"/{hook}" if hook else "")
    return server.request("POST", path, body, {k: v for k, v in sent.items() if v is not None})


def reasons(answer):
    assert answer.status == 202, answer.body
    return [decision["reason"] for decision in answer.json["decisions"]]


def add_hook(server, folder, *arguments, secret=SECRET):
    file = folder / "hook-secret"
    file.write_text(secret + "\n")
    return server.json("github", "hook", "add", *arguments, "--secret-file", file)


def event_count(server):
    return len(server.request("GET", "/v1/events?limit=1000", token=server.admin_token).json["events"])


@pytest.fixture
def door(server, tmp_path):
    """A server with a hook and a routine."""
    add_hook(server, tmp_path)
    server.apply(tmp_path, REVIEW)
    return server


# ---- what is accepted -------------------------------------------------------------------------------
def test_a_signed_delivery_starts_the_routine(door):
    answer = deliver(door, pull())
    assert reasons(answer) == ["fired"]
    assert answer.json["duplicate"] is False
    session = answer.json["decisions"][0]["session_id"]
    done = door.json("session", "wait", session)
    assert done["state"] == "succeeded"
    log = door.ok("session", "logs", session)
    for told in ('"event": "pull_request"', '"number": 7', '"title": "Change 7"', "untrusted-data-"):
        assert told in log


def test_curl_as_documented(door, tmp_path):
    """The lines of docs/github.md, run by a shell."""
    import subprocess

    body = tmp_path / "body.json"
    body.write_text(json.dumps(pull(8)))
    script = f"""
    signature=$(openssl dgst -sha256 -hmac '{SECRET}' -r '{body}' | cut -d' ' -f1)
    curl -sS '{door.url}/v1/webhooks/github' -H 'Content-Type: application/json' \
      -H 'X-GitHub-Event: pull_request' -H "X-GitHub-Delivery: curl-1" \
      -H "X-Hub-Signature-256: sha256=$signature" --data-binary '@{body}'
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["decisions"][0]["reason"] == "fired"


def test_a_ping_is_answered_and_kept_nowhere(door):
    answer = deliver(door, {"zen": "Anything added dilutes everything else.", "hook_id": 1},
                     event="ping")
    assert (answer.status, answer.json) == (200, {"type": "pong"})
    assert event_count(door) == 0


def test_what_matches_nothing_is_kept_with_the_reason(door):
    assert reasons(deliver(door, pull(base="next"))) == ["no_match"]
    assert reasons(deliver(door, pull(action="levitated"))) == ["unknown_event"]
    assert reasons(deliver(door, {"action": "created"}, event="star")) == ["unknown_event"]
    assert event_count(door) == 3


# ---- T01: signatures --------------------------------------------------------------------------------
def test_bad_signatures_get_401_before_anything_is_read(door):
    body = json.dumps(pull()).encode()
    good = sign(body)
    digits = good.removeprefix("sha256=")
    sha1 = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    wrong = [None, "", "sha256=", digits, "sha256=" + digits[:-1], good + "0", good.upper(),
             "sha256=" + digits.upper(), "SHA256=" + digits, sha1, "sha256=" + "0" * 64,
             sign(body, "another-secret-0123456789"), sign(body, ""), sign(body + b" "),
             f"{good},{good}"]
    for position in range(0, 64):  # every digit counts
        flipped = "0" if digits[position] != "0" else "1"
        wrong.append("sha256=" + digits[:position] + flipped + digits[position + 1:])
    answers = {deliver(door, body, headers={"X-Hub-Signature-256": value}).body for value in wrong}
    assert len(answers) == 1 and b"x-hub-signature-256" in answers.pop()
    for value in wrong:
        assert deliver(door, body, headers={"X-Hub-Signature-256": value}).status == 401
    # Not JSON at all, and a hook that is not there: the same answer.
    assert deliver(door, b"{", secret="another-secret-0123456789").status == 401
    assert deliver(door, body, hook="nowhere").status == 401
    assert event_count(door) == 0
    assert reasons(deliver(door, body)) == ["fired"]


def raw(server, data):
    """Sends bytes as they are; the status and body of the first answer."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def head(body, *lines, length=None):
    fixed = ["POST /v1/webhooks/github HTTP/1.1", "Host: x", "Content-Type: application/json"]
    if length is not False:
        fixed.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def test_headers_that_come_twice_are_refused(door):
    body = json.dumps(pull()).encode()
    lines = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "one",
             "X-Hub-Signature-256": sign(body)}
    for twice, status in {"X-GitHub-Event": 400, "X-GitHub-Delivery": 400,
                          "X-Hub-Signature-256": 401}.items():
        given = [f"{name}: {value}" for name, value in lines.items()]
        given.append(f"{twice}: {lines[twice]}")
        assert raw(door, head(body, *given) + body)[0] == status, twice
    assert event_count(door) == 0


def test_missing_and_impossible_headers_are_refused_with_the_reason(door):
    for headers, said in [
        ({"X-GitHub-Event": None}, "x-github-event: is missing"),
        ({"X-GitHub-Delivery": None}, "x-github-delivery: is missing"),
        ({"X-GitHub-Event": "Pull Request"}, "is no event's name"),
        ({"X-GitHub-Delivery": "a b"}, "x-github-delivery: must be"),
        ({"Content-Type": "application/x-www-form-urlencoded"},
         "choose it in the webhook's settings"),
    ]:
        answer = deliver(door, pull(), headers=headers)
        assert answer.status == 400 and said in answer.json["error"]["message"]
    assert event_count(door) == 0


# ---- T02, T03: again --------------------------------------------------------------------------------
def test_a_redelivery_is_answered_with_the_first_outcome(door):
    first = deliver(door, pull(), delivery="one")
    again = deliver(door, pull(), delivery="one")
    assert again.status == 202 and again.json["duplicate"] is True
    assert again.json["event_id"] == first.json["event_id"]
    assert again.json["decisions"] == first.json["decisions"]
    assert event_count(door) == 1


def test_of_50_at_once_one_starts_a_session(door):
    with concurrent.futures.ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: deliver(door, pull(), delivery="same"), range(50)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["event_id"] for answer in answers}) == 1
    assert sum(not answer.json["duplicate"] for answer in answers) == 1
    assert len(door.json("sessions")["sessions"]) == 1


def test_a_captured_body_under_a_new_id_starts_nothing(door):
    first = deliver(door, pull())
    replayed = deliver(door, pull())
    assert replayed.json["duplicate"] is True
    assert replayed.json["event_id"] == first.json["event_id"]
    assert len(door.json("sessions")["sessions"]) == 1


def test_dispatches_may_be_the_same_twice(door):
    dispatch = {"action": "deploy", "branch": "main", "client_payload": {},
                "repository": {"full_name": "acme/api"}, "sender": {"login": "ada"}}
    for _ in range(2):
        assert deliver(door, dispatch, event="repository_dispatch").json["duplicate"] is False


# ---- T04: relabelled --------------------------------------------------------------------------------
def test_a_body_under_another_name_is_refused(door):
    for event in ("push", "issues", "release", "workflow_run", "check_suite"):
        answer = deliver(door, pull(), event=event)
        assert answer.status == 400, event
    assert event_count(door) == 0


# ---- T07: sizes -------------------------------------------------------------------------------------
def test_more_than_25_mib_is_refused_at_once(door):
    signature = f"X-Hub-Signature-256: sha256={'0' * 64}"
    status, body = raw(door, head(b"", signature, length=10 << 30))
    assert status == 413 and b"request_too_large" in body
    status, _ = raw(door, head(b"", signature, length=(25 << 20) + 1))
    assert status == 413


def test_chunks_are_counted(door):
    host, port = door.url.removeprefix("http://").split(":")
    signature = f"X-Hub-Signature-256: sha256={'0' * 64}"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head(b"", signature, "Transfer-Encoding: chunked", length=False))
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        sent = 0
        try:
            for _ in range(40):
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass  # it was refused while we wrote
        assert sent >= 25
        try:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 413
        except OSError:
            pass  # closed on us, with the answer lost to the reset
    assert event_count(door) == 0


def test_a_large_payload_is_taken_whole(door):
    answer = deliver(door, pull(body="x" * (20 << 20)))
    assert reasons(answer) == ["fired"]
    payload = door.request("GET", f"/v1/events/{answer.json['event_id']}/payload",
                           token=door.admin_token)
    assert len(payload.body) > 20 << 20


def test_compressed_bodies_are_refused(door):
    answer = deliver(door, pull(), headers={"Content-Encoding": "gzip"})
    assert answer.status == 415


# ---- T08: JSON --------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"\xef\xbb\xbf{}", b'{"a":1}{"b":2}', b"[" * 100_000,
    b'{"a":' * 100_000, b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"a":1e999}', b'{"a":"\xff"}',
    b'{"action":"opened","action":"closed"}',
], ids=lambda body: repr(body[:12]))
def test_broken_json_gets_400_soon(door, body):
    begun = time.monotonic()
    answer = deliver(door, body)
    assert answer.status == 400 and answer.json["error"]["message"]
    assert time.monotonic() - begun < 5
    assert event_count(door) == 0


# ---- T09: those who come and do not ask --------------------------------------------------------------
def test_floods_of_idle_and_slow_connections_do_not_keep_github_out(door):
    """10,000 connections are all that the server takes; another 300 drip heads, 50 drip bodies."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11_000:
        pytest.skip(f"needs 11,000 descriptors; {hard} may be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = door.url.removeprefix("http://").split(":")
    held = []

    def connect(data=b""):
        connection = socket.create_connection((host, int(port)), timeout=30)
        held.append(connection)
        connection.sendall(data)
        return connection

    def served(number):
        begun = time.monotonic()
        assert reasons(deliver(door, pull(number))) == ["fired"]
        return time.monotonic() - begun

    try:
        for _ in range(10_000):
            connect()
        heads = [connect(b"POST /v1/webhooks/github HTTP/1.1\r\nX: ") for _ in range(300)]
        signature = f"X-Hub-Signature-256: sha256={'0' * 64}"
        bodies = [connect(head(b"", signature, length=1 << 20)) for _ in range(50)]
        taken = []
        for number in range(20):
            for dripping in (*heads, *bodies):
                with contextlib.suppress(OSError):  # cut off already
                    dripping.send(b"x")
            taken.append(served(number))
        assert statistics.median(taken) < 1 and max(taken) < 10, taken
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- T14: trust -------------------------------------------------------------------------------------
def test_strangers_and_forks_start_nothing(door, tmp_path):
    stranger = deliver(door, pull(1, association="FIRST_TIME_CONTRIBUTOR"))
    assert reasons(stranger) == ["untrusted_author"]
    assert "FIRST_TIME_CONTRIBUTOR" in stranger.json["decisions"][0]["detail"]
    assert reasons(deliver(door, pull(2, head="mallory/api"))) == ["untrusted_author"]
    assert door.json("sessions")["sessions"] == []
    door.apply(tmp_path, REVIEW.replace("      event:", "      trust: anyone\n      event:"))
    assert reasons(deliver(door, pull(3, head="mallory/api", association="NONE"))) == ["fired"]


# ---- hooks ------------------------------------------------------------------------------------------
def test_each_hook_has_its_own_secret_and_account(server, tmp_path):
    for account in ("acme", "zoo"):
        add_hook(server, tmp_path, account, "--account", account, secret=SECRET + account)
        server.apply(tmp_path, f"account: {account}\n{REVIEW}")
    for account, other in (("acme", "zoo"), ("zoo", "acme")):
        answer = deliver(server, pull(), hook=account, secret=SECRET + account, delivery="same")
        assert reasons(answer) == ["fired"]
        assert answer.json["decisions"][0]["account"] == account
        assert deliver(server, pull(9), hook=other, secret=SECRET + account).status == 401
    assert deliver(server, pull(10), secret=SECRET + "acme").status == 401  # there is no default one


def test_a_rotated_secret_works_beside_the_new_one_until_its_end(door):
    new = door.json("github", "hook", "rotate", "default", "--overlap", "1h")["secret"]
    assert reasons(deliver(door, pull(1))) == ["fired"]
    assert reasons(deliver(door, pull(2), secret=new)) == ["fired"]
    newer = door.json("github", "hook", "rotate", "default", "--overlap", "0s")["secret"]
    assert deliver(door, pull(3)).status == 401
    assert deliver(door, pull(4), secret=new).status == 401
    assert reasons(deliver(door, pull(5), secret=newer)) == ["fired"]
    assert len(door.json("github", "hook", "list")["hooks"][0]["secrets"]) == 2
    door.ok("github", "hook", "remove", "default")
    assert deliver(door, pull(6), secret=newer).status == 401


def test_hooks_survive_a_restart_and_are_shown_without_secrets(serve, tmp_path):
    first = serve()
    secret = first.json("github", "hook", "add")["secret"]
    assert len(secret) == 43
    first.stop()
    second = serve()
    assert deliver(second, pull(), secret=secret).status == 202
    shown = second.ok("github", "hook", "list", "--json")
    assert secret not in shown
    assert json.loads(shown)["hooks"][0]["url"].endswith("/v1/webhooks/github")
    assert secret.encode() not in second.request("GET", "/metrics").body


def test_a_hook_is_refused_with_what_to_do(door, tmp_path):
    again = door.cli("github", "hook", "add")
    assert again.returncode == 1 and "rotate its secret" in again.stderr
    short = tmp_path / "short"
    short.write_text("abc")
    refused = door.cli("github", "hook", "add", "b", "--secret-file", short)
    assert refused.returncode == 1 and "16 to 255" in refused.stderr
    assert door.cli("github", "hook", "rotate", "nowhere").returncode == 4
    assert "no hook's name" in door.cli("github", "hook", "add", "Bad Name").stderr


# ---- the command line -------------------------------------------------------------------------------
def test_record_and_deliver_make_a_round(door, serve, tmp_path):
    for number in (1, 2, 3):
        deliver(door, pull(number), delivery=f"id-{number}")
    recorded = tmp_path / "recorded"
    assert door.json("record", "--out", recorded) == {"deliveries": 3}
    files = sorted(recorded.glob("*.json"))
    assert [file.name for file in files] == [f"pull_request-id-{n}.json" for n in (1, 2, 3)]
    assert json.loads(files[1].read_text()) == pull(2)

    # To where it came from it is a redelivery; elsewhere it is new, with the same outcome.
    secret = tmp_path / "hook-secret"
    again = door.json("deliver", "--payload", files[0], "--secret-file", secret)
    assert again["duplicate"] is True
    other = serve(state=tmp_path / "other")
    add_hook(other, tmp_path)
    other.apply(tmp_path, REVIEW)
    arguments = [part for file in files for part in ("--payload", file)]
    lines = other.ok("deliver", *arguments, "--secret-file", secret, "--json").splitlines()
    assert [json.loads(line)["decisions"][0]["reason"] for line in lines] == ["fired"] * 3
    named = other.ok("deliver", "--payload", "-", "--event", "pull_request", "--id", "by-hand",
                     "--secret-file", secret, stdin=json.dumps(pull(4)))
    assert "fired" in named


def test_deliver_says_what_is_missing(door, tmp_path):
    body = tmp_path / "body.json"
    body.write_text(json.dumps(pull()))
    no_secret = door.cli("deliver", "--payload", body, "--event", "pull_request")
    assert no_secret.returncode == 5 and "--secret-file" in no_secret.stderr
    no_event = door.cli("deliver", "--payload", body, "--secret-file", tmp_path / "hook-secret")
    assert no_event.returncode == 2 and "--event" in no_event.stderr


def test_event_explain_names_conditions_and_gates(door):
    fired = deliver(door, pull(1)).json["event_id"]
    other = deliver(door, pull(2, base="next")).json["event_id"]
    stranger = deliver(door, pull(3, association="NONE")).json["event_id"]
    assert door.cli("event", "explain", fired, "review").returncode == 0
    why = door.cli("event", "explain", other, "review")
    assert why.returncode == 1
    assert "base_branch" in why.stdout and "next" in why.stdout
    gate = door.cli("event", "explain", stranger, "review")
    assert gate.returncode == 1 and "untrusted_author" in gate.stdout
    assert door.cli("event", "explain", "event_nowhere", "review").returncode == 4
    assert "fired" in door.ok("event", "show", fired)
    assert json.loads(door.ok("event", "payload", fired)) == pull(1)
    assert len(door.json("event", "list")["events"]) == 3


def test_trigger_add_github_adds_a_trigger_that_works(door, tmp_path):
    added = door.json("trigger", "add", "github", "review", "--event", "issues", "--repository",
                      "acme/*", "--action", "opened", "--filter", "labels is_one_of bug,crash",
                      "--filter", "title contains \"it broke\"")
    assert added["revision"] == 2
    trigger = added["routine"]["triggers"][1]
    assert trigger["id"] == "issues"
    assert trigger["github"]["filters"][0]["values"] == ["bug", "crash"]
    issue = {"action": "opened",
             "issue": {"number": 3, "title": "Yes, it broke", "state": "open", "body": None,
                       "author_association": "OWNER", "user": {"login": "ada"},
                       "html_url": "https://github.com/acme/api/issues/3",
                       "labels": [{"name": "Bug"}]},
             "repository": {"full_name": "acme/api"}, "sender": {"login": "ada"}}
    assert reasons(deliver(door, issue, event="issues")) == ["fired"]


def test_trigger_add_github_is_refused_as_a_file_would_be(door):
    refused = door.cli("trigger", "add", "github", "review", "--event", "pull_reqest",
                       "--repository", "acme/api")
    assert refused.returncode == 1 and "pull_request" in refused.stderr
    field = door.cli("trigger", "add", "github", "review", "--event", "push", "--repository",
                     "acme/api", "--filter", "base_branch equals main")
    assert field.returncode == 1 and "base_branch" in field.stderr
    short = door.cli("trigger", "add", "github", "review", "--event", "push", "--repository",
                     "acme/api", "--filter", "base_branch")
    assert short.returncode == 2 and "FIELD OPERATOR VALUE" in short.stderr


# ---- what can be seen -------------------------------------------------------------------------------
def test_deliveries_are_counted_by_outcome(door):
    deliver(door, pull(), delivery="one")
    deliver(door, pull(), delivery="one")
    deliver(door, b"{}")
    deliver(door, pull(), secret="another-secret-0123456789")
    deliver(door, {"zen": "x"}, event="ping")
    wanted = {"accepted": 1, "duplicate": 1, "refused": 1, "unsigned": 1, "ping": 1}

    def counted():
        text = door.request("GET", "/metrics").body.decode()
        found = re.findall(r'routines_github_deliveries_total\{outcome="(\w+)"\} (\d+)', text)
        return {name: int(value) for name, value in found}

    wait_until(lambda: counted() == wanted, f"the counters: {counted()}")
