"""`routines github reconcile` against a stand-in for GitHub's deliveries API that really redelivers."""

import http.server
import json
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from test_webhooks import REVIEW, add_hook, pull, sign

TOKEN = "ghp_a-token-of-the-tests"
HOOK = "/repos/acme/api/hooks/42"


class FakeGithub:
    """One webhook, with the documented list, pages, redelivery and limits."""

    def __init__(self):
        self.target = None  # where deliveries go; None: nobody answers
        self.deliveries = []  # oldest first
        self.bodies = {}  # guid -> (event, body)
        self.requests = []  # (method, path)
        self.page_size = 100
        self.limits = []  # headers of answers 403 to give first
        self.failures = 0  # answers 502 to give first
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def answer(self, status, body, headers=()):
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                fake.handle(self)

            def do_POST(self):
                fake.handle(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # ---- the API ----
    def handle(self, handler):
        path, _, query = handler.path.partition("?")
        self.requests.append((handler.command, handler.path))
        if handler.headers["Authorization"] != f"Bearer {TOKEN}":
            return handler.answer(401, {"message": "Bad credentials"})
        if self.failures:
            self.failures -= 1
            return handler.answer(502, {"message": "Server Error"})
        if self.limits:
            return handler.answer(403, {"message": "rate limit"}, self.limits.pop(0))
        if path == f"{HOOK}/deliveries" and handler.command == "GET":
            return self.list(handler, dict(re.findall(r"(\w+)=([^&]*)", query)))
        again = re.fullmatch(rf"{HOOK}/deliveries/(\d+)/attempts", path)
        if again and handler.command == "POST":
            found = next(d for d in self.deliveries if d["id"] == int(again[1]))
            self.attempt(found["guid"], redelivery=True)
            return handler.answer(202, {})
        handler.answer(404, {"message": "Not Found"})

    def list(self, handler, query):
        newest_first = self.deliveries[::-1]
        assert int(query["per_page"]) == 100
        start = int(query.get("cursor", "0"))
        page = newest_first[start:start + self.page_size]
        headers = {}
        if start + self.page_size < len(newest_first):
            # Elsewhere on purpose: a client must not carry its token there.
            following = f"https://elsewhere.invalid{HOOK}/deliveries?per_page=100&cursor={start + self.page_size}"
            headers["Link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        handler.answer(200, page, headers)

    # ---- deliveries ----
    def attempt(self, guid, *, redelivery, at=None):
        event, body = self.bodies[guid]
        status = 0
        if self.target:
            request = urllib.request.Request(
                f"{self.target}/v1/webhooks/github", data=body, method="POST",
                headers={"Content-Type": "application/json", "X-GitHub-Event": event,
                         "X-GitHub-Delivery": guid, "X-Hub-Signature-256": sign(body)})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
        at = at or datetime.now(timezone.utc)
        self.deliveries.append({
            "id": 1000 + len(self.deliveries), "guid": guid, "event": event, "action": "opened",
            "delivered_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "redelivery": redelivery,
            "duration": 0.1, "status_code": status,
            "status": "OK" if status // 100 == 2 else "failed to connect to host"})

    def happens(self, number, at=None):
        guid = str(uuid.uuid4())
        self.bodies[guid] = ("pull_request", json.dumps(pull(number)).encode())
        self.attempt(guid, redelivery=False, at=at)
        return guid

    def posts(self):
        return [path for method, path in self.requests if method == "POST"]


@pytest.fixture
def github():
    fake = FakeGithub()
    yield fake
    fake.close()


@pytest.fixture
def door(server, tmp_path):
    add_hook(server, tmp_path)
    server.apply(tmp_path, REVIEW)
    return server


def reconcile(server, github, *arguments, token=TOKEN):
    return server.cli("github", "reconcile", "--repository", "acme/api", "--hook", "42", "--api-url",
                      github.url, *arguments, "--json", GITHUB_TOKEN=token)


def report(done):
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return json.loads(done.stdout)


def test_what_failed_in_an_outage_is_made_again_and_starts_once(door, github):
    github.target = door.url
    github.happens(1)
    github.target = None
    lost = [github.happens(number) for number in (2, 3, 4)]
    github.target = door.url
    github.happens(5)

    found = report(reconcile(door, github))
    assert found == {"events": 5, "failed": 3, "redelivered": 3, "given_up": 0}
    assert [d["guid"] for d in github.deliveries if d["redelivery"]] == lost  # in their order
    assert len(door.json("sessions")["sessions"]) == 5

    assert report(reconcile(door, github)) == {
        "events": 5, "failed": 0, "redelivered": 0, "given_up": 0}
    assert len(door.json("sessions")["sessions"]) == 5


def test_a_redelivery_of_what_had_come_through_starts_nothing(door, github):
    """The answer was lost on its way: GitHub takes the delivery for failed."""
    github.target = door.url
    guid = github.happens(1)
    github.deliveries[0]["status_code"] = 0
    assert report(reconcile(door, github))["redelivered"] == 1
    assert github.deliveries[-1] | {"guid": guid, "status_code": 202} == github.deliveries[-1]
    assert len(door.json("sessions")["sessions"]) == 1


def test_pages_are_followed_and_the_token_goes_nowhere_else(door, github):
    github.page_size = 7
    for number in range(20):
        github.happens(number)
    github.target = door.url
    assert report(reconcile(door, github))["redelivered"] == 20
    assert len([path for method, path in github.requests if method == "GET"]) == 3


def test_a_remembered_run_looks_only_at_what_is_new(door, github, tmp_path):
    folder = tmp_path / "reconcile"
    folder.mkdir()
    github.page_size = 2
    github.target = door.url
    for number in range(10):
        github.happens(number)
    assert report(reconcile(door, github, "--state", folder))["events"] == 10
    github.target = None
    github.happens(10)
    github.target = door.url
    github.requests.clear()
    assert report(reconcile(door, github, "--state", folder)) == {
        "events": 1, "failed": 1, "redelivered": 1, "given_up": 0}
    assert len(github.requests) == 2  # a page that ends in what is known, and the redelivery
    assert report(reconcile(door, github, "--state", folder))["failed"] == 0


def test_limits_are_waited_for(door, github):
    github.happens(1)
    github.target = door.url
    reset = str(int(time.time()) + 1)
    github.limits = [{"Retry-After": "1"},
                     {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}]
    begun = time.monotonic()
    assert report(reconcile(door, github))["redelivered"] == 1
    assert time.monotonic() - begun >= 1
    github.limits = [{"Retry-After": "3600"}]
    late = reconcile(door, github)
    assert late.returncode == 6 and "1h" in late.stdout


def test_short_failures_of_github_are_tried_again(door, github):
    github.happens(1)
    github.target = door.url
    github.failures = 1
    assert report(reconcile(door, github))["redelivered"] == 1


def test_what_never_comes_through_is_given_up(door, github):
    github.happens(1)  # and nobody answers
    for _ in range(4):
        assert report(reconcile(door, github))["redelivered"] == 1
    done = reconcile(door, github)
    assert done.returncode == 1
    assert report(done) == {"events": 1, "failed": 1, "redelivered": 0, "given_up": 1}
    assert len(github.posts()) == 4


def test_old_deliveries_are_left_alone(door, github):
    github.happens(1, at=datetime.now(timezone.utc) - timedelta(hours=80))
    github.happens(2, at=datetime.now(timezone.utc) - timedelta(hours=5))
    github.target = door.url
    assert report(reconcile(door, github))["redelivered"] == 1
    assert report(reconcile(door, github, "--since", "1h"))["events"] == 1  # the redelivery


def test_a_dry_run_asks_for_nothing(door, github):
    github.happens(1)
    assert report(reconcile(door, github, "--dry-run"))["failed"] == 1
    assert github.posts() == []


def test_what_is_wrong_is_said(door, github):
    bad = reconcile(door, github, token="wrong")
    assert bad.returncode == 5 and "Bad credentials" in bad.stdout
    assert "wrong" not in bad.stdout + bad.stderr
    missing = reconcile(door, github, token="")
    assert missing.returncode == 5 and "--token-file" in missing.stdout
    nowhere = door.cli("github", "reconcile", "--repository", "acme/other", "--hook", "42",
                       "--api-url", github.url, GITHUB_TOKEN=TOKEN)
    assert nowhere.returncode == 4 and "hook's id" in nowhere.stderr
    assert door.cli("github", "reconcile", "--repository", "acme", "--hook", "42",
                    GITHUB_TOKEN=TOKEN).returncode == 2
    assert door.cli("github", "reconcile", "--hook", "42", GITHUB_TOKEN=TOKEN).returncode == 2


