"""The HTTP door as curl sees it: the documented fire, and every row of the error table."""

import json
import re
import subprocess

import pytest

from conftest import TRIGGER, clean_environment, routine_text, wait_until

FIRE = f"/v1/claude_code/routines/{TRIGGER}/fire"


class Answer:
    def __init__(self, done):
        assert done.returncode == 0, done.stderr
        # curl shows "100 Continue" too; the last head counts.
        *heads, self.body = done.stdout.decode().split("\r\n\r\n")
        head = next(head for head in reversed(heads) if head.startswith("HTTP/"))
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, value in
                        (line.split(": ", 1) for line in lines[1:])}

    @property
    def json(self):
        return json.loads(self.body)

    def check_error(self, status, word):
        assert self.status == status, self.body
        assert self.headers["content-type"] == "application/json"
        assert re.fullmatch(r"req_[0-9A-HJKMNP-TV-Z]{26}", self.headers["request-id"])
        assert set(self.json) == {"type", "error"}
        assert self.json["type"] == "error"
        assert self.json["error"]["type"] == word
        assert self.json["error"]["message"]


@pytest.fixture
def curl(server):
    def run(path, *arguments, stdin=None):
        done = subprocess.run(
            ["curl", "-sS", "-i", "--http1.1", "--max-time", "30", *arguments, server.url + path],
            input=stdin and stdin.encode(), capture_output=True, env=clean_environment())
        return Answer(done)

    return run


@pytest.fixture
def token(server, tmp_path):
    server.apply(tmp_path, routine_text())
    return server.json("token", "create", TRIGGER)["secret"]


def bearer(token):
    return ("-H", f"Authorization: Bearer {token}")


JSON_BODY = ("-H", "Content-Type: application/json")


# ---- 200 ----


def test_the_documented_curl_fires(server, curl, token):
    answer = curl(FIRE, "-X", "POST", *bearer(token),
                  "-H", "anthropic-beta: experimental-cc-routine-2026-04-01",
                  "-H", "anthropic-version: 2023-06-01", *JSON_BODY,
                  "-d", '{"text": "Sentry alert SEN-4521 fired in prod. Stack trace attached."}')
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"type", "claude_code_session_id", "claude_code_session_url"}
    assert answer.json["type"] == "routine_fire"
    session = answer.json["claude_code_session_id"]
    assert session.startswith("session_")
    assert answer.json["claude_code_session_url"].startswith(f"{server.url}/sessions/{session}?key=")
    assert re.fullmatch(r"req_[0-9A-HJKMNP-TV-Z]{26}", answer.headers["request-id"])


def test_no_body_and_an_empty_body_fire(curl, token):
    assert curl(FIRE, "-X", "POST", *bearer(token)).status == 200
    assert curl(FIRE, "-X", "POST", *bearer(token), "-d", "").status == 200


def test_the_same_idempotency_key_gives_the_same_answer(curl, token):
    first = curl(FIRE, "-X", "POST", *bearer(token), "-H", "Idempotency-Key: deploy-7")
    again = curl(FIRE, "-X", "POST", *bearer(token), "-H", "Idempotency-Key: deploy-7")
    assert first.status == again.status == 200
    assert first.json == again.json


def test_a_chunked_body_and_100_continue(curl, token):
    text = json.dumps({"text": "x" * 60_000})
    answer = curl(FIRE, *bearer(token), *JSON_BODY, "-H", "Transfer-Encoding: chunked",
                  "-H", "Expect: 100-continue", "--data-binary", "@-", stdin=text)
    assert answer.status == 200, answer.body


# ---- 400 ----


@pytest.mark.parametrize("body, says", [
    ('{"text": ', "JSON object"),
    ("[]", "JSON object"),
    ('{"text": null}', "text"),
    ('{"text": 7}', "text"),
    ('{"text": "a", "text": "b"}', "twice"),
    ('{"text": "\\u0000"}', "U+0000"),
    ('{"text": "\\ud800"}', "surrogate"),
    ('\ufeff{"text": "a"}', "byte order mark"),
    (json.dumps({"text": "x" * 65_537}), "65,536"),
    ('{"a": ' + "[" * 200 + "]" * 200 + "}", "128"),
])
def test_400_bad_body(curl, token, body, says):
    answer = curl(FIRE, *bearer(token), *JSON_BODY, "--data-binary", "@-", stdin=body)
    answer.check_error(400, "invalid_request_error")
    assert says in answer.json["error"]["message"]


def test_400_wrong_headers(curl, token):
    curl(FIRE, *bearer(token), "-d", "{}").check_error(400, "invalid_request_error")
    curl(FIRE, "-X", "POST", *bearer(token), "-H", "anthropic-beta: something-else").check_error(
        400, "invalid_request_error")
    curl(FIRE, "-X", "POST", *bearer(token), "-H", "Idempotency-Key: " + "k" * 256).check_error(
        400, "invalid_request_error")


def test_400_paused(server, curl, token):
    server.ok("pause", "greet")
    answer = curl(FIRE, "-X", "POST", *bearer(token))
    answer.check_error(400, "invalid_request_error")
    assert "paused" in answer.json["error"]["message"]


def test_400_a_routine_that_is_wrong_lists_its_problems(server, curl):
    answer = curl("/v1/routines", "-X", "PUT", *bearer(server.admin_token),
                  "--data-binary", "name: x\npromt: y\n")
    answer.check_error(400, "invalid_request_error")
    assert any("prompt" in problem["message"] for problem in answer.json["error"]["problems"])


# ---- 401, 403, 404, 405 ----


def test_401_is_one_and_the_same(server, curl, token, tmp_path):
    server.apply(tmp_path, routine_text(name="other", trigger="trig_e2e000002"))
    foreign = server.json("token", "create", "trig_e2e000002")["secret"]
    revoked = server.json("token", "create", TRIGGER)
    server.ok("token", "revoke", revoked["token"]["id"])
    none = curl(FIRE, "-X", "POST")
    none.check_error(401, "authentication_error")
    assert none.headers["www-authenticate"] == "Bearer"
    for arguments in (bearer("wrong"), bearer(foreign), bearer(revoked["secret"]), bearer(""),
                      ("-H", f"Authorization: Basic {token}"), bearer(server.admin_token)):
        assert curl(FIRE, "-X", "POST", *arguments).body == none.body
    assert curl(f"{FIRE}?token={token}", "-X", "POST").body == none.body
    assert curl(f"{FIRE}?access_token={token}", "-X", "POST").body == none.body
    assert curl(FIRE, *JSON_BODY, "-d", json.dumps({"token": token})).body == none.body
    unknown = "/v1/claude_code/routines/trig_nobody0001/fire"
    assert curl(unknown, "-X", "POST", *bearer(token)).body == none.body
    assert curl("/v1/routines").body == none.body


def test_tokens_are_written_nowhere(server, curl, token):
    curl(FIRE, "-X", "POST", *bearer(token))
    curl(f"{FIRE}?token={token}", "-X", "POST")
    server.stop()
    files = [path for path in server.state.parent.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if token.encode() in path.read_bytes()]


def test_404(server, curl, token):
    curl("/v1/nothing", "-X", "POST").check_error(404, "not_found_error")
    curl(FIRE + "/more", "-X", "POST", *bearer(token)).check_error(404, "not_found_error")
    curl("/v1/routines/default/nobody", *bearer(server.admin_token)).check_error(
        404, "not_found_error")


def test_404_of_sessions_discloses_nothing(curl, token):
    fired = curl(FIRE, "-X", "POST", *bearer(token)).json
    unknown = curl("/v1/sessions/session_nobody?key=x")
    unknown.check_error(404, "not_found_error")
    path = f"/v1/sessions/{fired['claude_code_session_id']}"
    for target in (path, f"{path}?key=wrong", f"{path}/events", f"{path}/events?key=wrong"):
        assert curl(target).body == unknown.body


def test_405_says_what_is_allowed(curl):
    answer = curl(FIRE)
    answer.check_error(405, "invalid_request_error")
    assert answer.headers["allow"] == "POST"


# ---- 413, 415, 417, 431 ----


def test_413_by_length_and_by_count(curl, token):
    big = " " * ((1 << 20) + 1)
    for chunked in ((), ("-H", "Transfer-Encoding: chunked")):
        answer = curl(FIRE, *bearer(token), *JSON_BODY, *chunked, "--data-binary", "@-", stdin=big)
        answer.check_error(413, "request_too_large")


def test_415_compressed(curl, token):
    curl(FIRE, *bearer(token), *JSON_BODY, "-H", "Content-Encoding: gzip", "-d", "{}").check_error(
        415, "invalid_request_error")


def test_417_unknown_expectation(curl, token):
    curl(FIRE, "-X", "POST", *bearer(token), "-H", "Expect: wonders").check_error(
        417, "invalid_request_error")


def test_431_large_head(curl):
    curl("/healthz", "-H", "X-Large: " + "x" * 20_000).check_error(431, "request_too_large")


# ---- the rest of the door ----


def test_health_and_metrics(curl, token):
    assert curl("/healthz").json == {"status": "ok"}
    curl(FIRE, "-X", "POST", *bearer(token))
    metrics = curl("/metrics").body
    assert "routines_events_admitted_total 1" in metrics
    assert 'route="/v1/claude_code/routines/{trigger_id}/fire",status="200"} 1' in metrics
    head = curl("/healthz", "-I")
    assert head.status == 200 and head.body == ""


def test_events_resume_by_last_event_id(curl, token):
    fired = curl(FIRE, "-X", "POST", *bearer(token), *JSON_BODY, "-d", '{"text": "hi"}').json
    key = fired["claude_code_session_url"].split("key=")[1]
    path = f"/v1/sessions/{fired['claude_code_session_id']}"
    wait_until(lambda: "end_time" in curl(f"{path}?key={key}").json, "the session has ended")
    stream = ("-N", "-H", "Accept: text/event-stream")
    whole = curl(f"{path}/events?key={key}", *stream).body
    ids = [int(line[4:]) for line in whole.splitlines() if line.startswith("id: ")]
    assert ids == list(range(1, len(ids) + 1)) and len(ids) > 3
    assert whole.count("event: end\n") == 1
    rest = curl(f"{path}/events?key={key}", *stream, "-H", f"Last-Event-ID: {ids[-2]}").body
    assert [line for line in rest.splitlines() if line.startswith("id: ")] == [f"id: {ids[-1]}"]
    page = curl(f"{path}/events?key={key}&after=1&limit=2").json
    assert [event["sequence"] for event in page["events"]] == [2, 3]
    assert page["next_after"] == 3


def test_tls(serve, tmp_path, token, server):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    secure = serve(state=tmp_path / "tls-state",
                   options=["--tls-certificate", str(certificate), "--tls-key", str(key)])
    assert secure.url.startswith("https://127.0.0.1:")

    def get(*arguments):
        return subprocess.run(["curl", "-sS", "--max-time", "30", "--cacert", certificate,
                               *arguments, secure.url + "/healthz"],
                              capture_output=True, encoding="utf-8", env=clean_environment())

    assert get().stdout == '{"status":"ok"}'
    assert get("--tls-max", "1.1").returncode != 0
