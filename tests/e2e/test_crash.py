"""kill -9, disk full and failing fsync against a real `routines serve`.

What must hold, whatever happens: every 200 of a fire and every 202 of a delivery that a client saw
has its session, no key has two, no session is stuck, and no agent is started twice or left running.

ROUTINES_CRASH_SEED repeats a run; ROUTINES_CRASH_ROUNDS changes how many random kills there are.
"""

import collections
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import NO_LIMITS, clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("ROUTINES_CRASH_ROUNDS", "200"))
SLOW = 1 if os.environ.get("ROUTINES_PRESET", "dev") == "dev" else 10  # sanitizers take their time

TRIGGER = "trig_01CRASHCRASHCRASH"
# Three lives: an agent that ends, one that is caught running, and one that is caught in its setup.
ROUTINES_OF_THE_TEST = {
    TRIGGER + "QUICK": "executor: quick\n",
    TRIGGER + "SLOW": "executor: slow\n",
    TRIGGER + "SETUP": "executor: quick\nenvironment: {setup_script: sleep 0.05}\n",
}
SECRET = "a-secret-of-the-crash-tests"
ON_DELIVERY = """
name: crash-delivery
prompt: go
retries: 10
executor: quick
triggers: [{id: opened, github: {repositories: [acme/api], event: pull_request}}]
"""
TERMINAL = {"succeeded", "failed", "cancelled", "timed_out", "lost"}


class Serve:
    """One state folder, and the servers that come and go on it."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.state = folder / "state"
        self.started = folder / "started"  # one line per agent that was started
        self.agent = folder / "agent.sh"
        self.agent.write_text(
            f'#!/bin/sh\necho "$ROUTINES_SESSION_ID" >>{self.started}\nsleep $1\necho done\n'
        )
        self.agent.chmod(0o755)
        self.routines = folder / "routines"
        self.routines.mkdir()
        for number, (trigger, text) in enumerate(ROUTINES_OF_THE_TEST.items()):
            (self.routines / f"{number}.yaml").write_text(
                f"name: crash-{number}\nprompt: go\nretries: 10\n{text}"
                f"triggers: [{{id: {trigger}, api: {{}}}}]\n"
            )
        (self.routines / "delivery.yaml").write_text(ON_DELIVERY)
        self.process = None
        self.port = None
        self.tokens = {}

    def spawn(self, *, before=(), **environment):
        command = [self.binary, "serve", "--json", "--state", str(self.state), "--listen", "127.0.0.1:0"]
        command += ["--routines", str(self.routines), "--max-concurrent-sessions", "8"]
        command += ["--sandbox-write", str(self.started.parent), *NO_LIMITS]
        command += ["--executor", f"quick={self.agent} 0", "--executor", f"slow={self.agent} 0.1"]
        self.process = subprocess.Popen(
            [*before, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=clean_environment(**environment),
        )

    def becomes_ready(self):
        """False where it died before."""
        line = self.process.stdout.readline()
        if line:
            self.port = int(json.loads(line)["url"].rpartition(":")[2])
        return bool(line)

    def start(self, **options):
        self.spawn(**options)
        assert self.becomes_ready()
        if not self.tokens:
            for trigger in ROUTINES_OF_THE_TEST:
                made = self.command("token", "create", trigger)
                self.tokens[trigger] = made["secret"]

    def command(self, *arguments):
        done = subprocess.run(
            [self.binary, *arguments, "--json", "--state", str(self.state)],
            check=True,
            stdout=subprocess.PIPE,
            env=clean_environment(),
        )
        return json.loads(done.stdout)

    def kill(self):
        self.process.kill()
        self.wait_dead()

    def wait_dead(self):
        self.process.wait(30 * SLOW)
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        self.wait_dead()
        assert self.process.returncode == 0

    def request(self, method, path, body=None, headers=(), timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def fire(self, trigger, key):
        """The status and the session's id; None and None where the server went away meanwhile."""
        headers = {
            "Authorization": f"Bearer {self.tokens[trigger]}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        path = f"/v1/claude_code/routines/{trigger}/fire"
        try:
            status, answer = self.request("POST", path, json.dumps({"text": key}), headers)
        except (OSError, http.client.HTTPException, ValueError):
            return None, None
        return status, answer.get("claude_code_session_id")

    def add_hook(self):
        secret = self.state.parent / "hook-secret"
        secret.write_text(SECRET)
        self.command("github", "hook", "add", "--secret-file", str(secret))

    def deliver(self, number, delivery):
        """As `fire`: a signed pull request of about 10 KB that starts one session."""
        there = {"repo": {"full_name": "acme/api"}, "ref": "main", "sha": "1" * 40}
        body = json.dumps({
            "action": "opened",
            "number": number,
            "pull_request": {
                "number": number, "state": "open", "title": "Change", "body": "text " * 2000,
                "draft": False, "merged": False, "author_association": "MEMBER", "labels": [],
                "user": {"login": "ada"}, "base": there, "head": there,
                "html_url": "https://github.com/acme/api/pull/1",
            },
            "repository": {"full_name": "acme/api"},
            "sender": {"login": "ada"},
        }).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }
        try:
            status, answer = self.request("POST", "/v1/webhooks/github", body, headers)
        except (OSError, http.client.HTTPException, ValueError):
            return None, None
        assert status != 202 or [d["reason"] for d in answer["decisions"]] == ["fired"], answer
        return status, answer["decisions"][0]["session_id"] if status == 202 else None

    def sessions(self):
        """All of them, by id."""
        token = (self.state / "admin-token").read_text().strip()
        found, before = {}, ""
        while True:
            query = "/v1/sessions?limit=1000" + (f"&before={before}" if before else "")
            status, answer = self.request("GET", query, None, {"Authorization": f"Bearer {token}"})
            assert status == 200
            if not answer["sessions"]:
                return found
            for session in answer["sessions"]:
                found[session["id"]] = session
                before = session["id"]

    def wait_until_all_ended(self, seconds=60):
        deadline = time.monotonic() + seconds * SLOW
        while True:
            sessions = self.sessions()
            open_ones = [s for s in sessions.values() if s["state"] not in TERMINAL]
            if not open_ones:
                return sessions
            assert time.monotonic() < deadline, f"stuck: {open_ones[:3]}"
            time.sleep(0.05)


class Client:
    """Sends fires, or what else `send` sends, from several threads and remembers what it was promised."""

    def __init__(self, serve, send=None, promise=200):
        self.send_one = send or serve.fire
        self.promise = promise  # the status that is one
        self.promised = {}  # (trigger, key) -> session id of the first 200
        self.unanswered = set()

    def send(self, batch):
        """Fires each (trigger, key); to be called from one thread."""
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda fire: self.send_one(*fire), batch))
        for fire, (status, session) in zip(batch, answers):
            assert status in (None, self.promise), f"{fire}: {status}"
            if status is None:
                self.unanswered.add(fire)
                continue
            first = self.promised.setdefault(fire, session)
            assert first == session, f"{fire} got {first} and then {session}"
            self.unanswered.discard(fire)
        return answers

    def send_again(self, batch):
        answers = self.send(batch)
        assert all(status == self.promise for status, _ in answers)


def assert_kept(serve, client, seconds=60):
    """The promises, once everything has come to rest."""
    sessions = serve.wait_until_all_ended(seconds)
    promised = list(client.promised.values())
    assert len(set(promised)) == len(promised), "two keys share a session"
    assert set(promised) == set(sessions), "a promise without a session, or a session nobody asked for"

    started = collections.Counter(serve.started.read_text().split() if serve.started.exists() else [])
    assert [id for id, times in started.items() if times > 1] == [], "an agent was started twice"
    for id, session in sessions.items():
        assert session["reason"], session
        if session["state"] == "succeeded":
            assert started[id] == 1, session
        elif session["reason"] == "attempts_exhausted":
            # Killed while it was prepared at every one of its attempts; no agent ever ran.
            assert (session["state"], session["attempt"], started[id]) == ("failed", 12, 0), session
        else:
            assert (session["state"], session["reason"]) == ("lost", "engine_lost"), session
    return collections.Counter(session["state"] for session in sessions.values())


def agents_running(serve):
    """Command lines of processes that serve's agents are, or come from."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes()
            if str(serve.agent).encode() in command and serve.binary.encode() not in command:
                found.append(command)
    return found


def assert_no_agent_left(serve):
    deadline = time.monotonic() + 10 * SLOW
    while agents_running(serve):
        assert time.monotonic() < deadline, agents_running(serve)
        time.sleep(0.02)


@pytest.fixture
def serve(routines_bin, tmp_path):
    serve = Serve(routines_bin, tmp_path)
    yield serve
    if serve.process and serve.process.poll() is None:
        serve.kill()


def batch(name, size):
    triggers = list(ROUTINES_OF_THE_TEST)
    return [(triggers[n % len(triggers)], f"{name}-{n}") for n in range(size)]


def test_every_promise_survives_kill_9_at_random_moments(serve):
    seed = int(os.environ.get("ROUTINES_CRASH_SEED", random.randrange(1 << 32)))
    print(f"ROUTINES_CRASH_SEED={seed}")
    chance = random.Random(seed)
    rounds = ROUNDS if SLOW == 1 else ROUNDS // 10

    serve.start()
    client = Client(serve)
    previous = []
    for number in range(rounds):
        fires = batch(f"round-{number}", 12)
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            sending = thread.submit(client.send, previous[::4] + fires)
            time.sleep(chance.uniform(0, 0.12 * SLOW))
            serve.kill()
            sending.result()
        previous = fires
        if number % 8 == 7:  # also while it starts
            serve.spawn()
            time.sleep(chance.uniform(0, 0.1 * SLOW))
            serve.kill()
        assert_no_agent_left(serve)
        serve.start()
        client.send_again(sorted(client.unanswered) + chance.sample(fires, 2))

    ended = assert_kept(serve, client)
    print(f"{rounds} kills, {sum(ended.values())} sessions: {dict(ended)}")
    assert ended["succeeded"] > 0 and ended["lost"] > 0  # the kills did catch agents
    serve.stop()


def test_every_accepted_delivery_survives_kill_9_under_load(serve):
    """Also where the answer was lost: the redelivery, with the same id, gives the one session."""
    seed = int(os.environ.get("ROUTINES_CRASH_SEED", random.randrange(1 << 32)))
    print(f"ROUTINES_CRASH_SEED={seed}")
    chance = random.Random(seed)
    serve.start()
    serve.add_hook()
    answers = threading.Semaphore(0)

    def deliver(*delivery):
        answer = serve.deliver(*delivery)
        answers.release()
        return answer

    client = Client(serve, deliver, promise=202)
    answered = killed = 0
    for number in range(max(ROUNDS // 20, 2) if SLOW == 1 else 2):
        deliveries = [(1000 * number + n, f"delivery-{number}-{n}") for n in range(40)]
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            sending = thread.submit(client.send, deliveries)
            for _ in range(chance.randrange(1, 36)):  # while others are under way
                answers.acquire()
            serve.kill()
            sending.result()
        killed += len(client.unanswered)
        answered += len(deliveries) - len(client.unanswered)
        serve.start()
        # All of them again: what was promised must be told the same.
        client.send_again(deliveries)
        assert not client.unanswered
        answers = threading.Semaphore(0)
    print(f"{answered} were answered before a kill, {killed} were not")
    assert answered > 0 and killed > 0  # else nothing was tested
    assert_kept(serve, client, seconds=240)
    serve.stop()


def crash_points():
    """As they stand in the engine's code, so that a new one is tested from its first day."""
    points = set()
    for path in (ROOT / "src/engine").glob("*.cc"):
        points |= set(re.findall(r'rash_?[Pp]oint\("([a-z_:]+)"\)', path.read_text()))
    return sorted(points)


def test_the_crash_points_are_found():
    assert len(crash_points()) >= 9
    documented = (ROOT / "docs/operations.md").read_text()
    assert [point for point in crash_points() if f"`{point}`" not in documented] == []


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("point", crash_points())
def test_every_promise_survives_kill_9_at_a_named_point(serve, point, times):
    serve.start()  # makes the tokens
    serve.kill()
    serve.spawn(ROUTINES_CRASH_POINT=f"{point}:{times}")
    client = Client(serve)
    if serve.becomes_ready():  # the first lease comes before
        client.send(batch("before", 9))
    serve.wait_dead()
    assert serve.process.returncode == -signal.SIGKILL
    assert_no_agent_left(serve)
    serve.start()
    client.send_again(batch("before", 9) + batch("after", 3))
    assert_kept(serve, client)


def test_a_crash_point_that_cannot_be_is_refused(routines_bin, tmp_path):
    done = subprocess.run(
        [routines_bin, "serve", "--state", str(tmp_path / "state"), "--listen", "127.0.0.1:0"],
        env=clean_environment(ROUTINES_CRASH_POINT="admit:before_commit"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "ROUTINES_CRASH_POINT=admit:before_commit: write NAME:N" in done.stderr


# ---- disks that fail --------------------------------------------------------------------------------
@contextlib.contextmanager
def failing(serve, fault):
    """While inside, these system calls of serve on its database fail."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    files = [f"--trace-path={serve.state}/state.db{end}" for end in ("", "-wal")]
    log = serve.state.parent / "strace"
    strace = subprocess.Popen(
        ["strace", "-f", "-o", log, f"--inject={fault}", *files, "-p", str(serve.process.pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    line = strace.stderr.readline()
    if "attached" not in line:
        strace.wait()
        pytest.skip(f"strace may not attach: {line}")
    try:
        yield
    finally:
        strace.terminate()
        strace.stderr.close()
        strace.wait()
    assert "(INJECTED)" in log.read_text(), "no call failed: the test did not test"


def assert_recovers(serve, client, refused):
    """The disk is well again: the same server takes fires, and a new one keeps its promises."""
    deadline = time.monotonic() + 30 * SLOW
    while serve.fire(TRIGGER + "QUICK", "recovery")[0] != 200:
        assert time.monotonic() < deadline, "no recovery"
        time.sleep(0.1)
    client.send_again([(TRIGGER + "QUICK", "recovery")] + refused)
    serve.wait_until_all_ended()
    serve.kill()
    serve.start()
    client.send_again(list(client.promised))
    assert_kept(serve, client)


@pytest.mark.parametrize(
    "fault",
    [
        "fdatasync,fsync:error=EIO",
        "pwrite64,ftruncate:error=ENOSPC",
        "pwrite64:error=EIO:when=2+3",
    ],
)
def test_a_failing_disk_is_a_503_and_never_a_200(serve, fault):
    serve.start()
    client = Client(serve)
    client.send_again(batch("before", 3))
    serve.wait_until_all_ended()
    fires = [(TRIGGER + "QUICK", f"during-{n}") for n in range(6)]
    with failing(serve, fault):
        statuses = [serve.fire(*fire)[0] for fire in fires]
    if "when" in fault:  # some of them fail
        assert 503 in statuses and set(statuses) <= {200, 503}
    else:
        assert set(statuses) == {503}
    assert_recovers(serve, client, fires)


def test_a_full_disk_is_a_503_and_never_a_200(serve):
    serve.start()  # makes the state folder
    serve.kill()
    shutil.rmtree(serve.state)
    serve.state.mkdir()
    serve.tokens.clear()
    # A file system of its own, that nobody else sees and that goes with the process.
    command = f"mount -t tmpfs -o size=2m,mode=700 tmpfs {serve.state} && exec \"$@\""
    before = ["unshare", "--map-root-user", "--mount", "sh", "-c", command, "sh"]
    if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    serve.spawn(before=before)
    assert serve.becomes_ready()
    inside = pathlib.Path(f"/proc/{serve.process.pid}/root{serve.state}")
    admin = (inside / "admin-token").read_text().strip()
    path = f"/v1/triggers/{TRIGGER}QUICK/tokens"
    status, made = serve.request("POST", path, None, {"Authorization": f"Bearer {admin}"})
    assert status // 100 == 2
    serve.tokens[TRIGGER + "QUICK"] = made["secret"]
    assert serve.fire(TRIGGER + "QUICK", "before")[0] == 200

    fill = inside / "fill"
    statuses = collections.Counter()
    with contextlib.suppress(OSError), fill.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    for number in range(400):
        statuses[serve.fire(TRIGGER + "QUICK", f"full-{number}")[0]] += 1
        if statuses[503] >= 5:
            break
    assert statuses[503] >= 5 and set(statuses) <= {200, 503}, statuses

    fill.unlink()
    deadline = time.monotonic() + 30 * SLOW
    while serve.fire(TRIGGER + "QUICK", "after")[0] != 200:
        assert time.monotonic() < deadline, "no recovery"
        time.sleep(0.1)
