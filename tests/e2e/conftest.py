"""What the end-to-end tests share: the program, a server of it, an upstream repository."""

import contextlib
import json
import os
import pathlib
import selectors
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import canaries

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIGGER = "trig_e2e000001"

# Executors by name, as `--executor NAME=COMMAND` takes them.
EXECUTORS = {
    "echo": "sh -c 'cat; echo done'",        # succeeds; its output is its prompt
    "fail": "sh -c 'echo broken; exit 3'",   # fails
    "hold": "sh -c 'echo started; exec sleep 600'",  # runs until it is cancelled
}


# For tests that fire more than a routine may in an hour. What comes after it on the command line wins.
NO_LIMITS = [word for name in ("fires", "github", "custom") for scope in ("routine", "account")
             for word in ("--limit", f"{name}_per_hour_{scope}=0")]


def clean_environment(**more):
    """The caller's environment without what would lead a test to the caller's server or git settings."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ROUTINES_", "GIT_"))}
    return {**kept, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1",
            "TZ": "UTC", **more}


def wait_until(condition, what, timeout=60):
    """Polls until condition() is true, and returns what it returned."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"not within {timeout} s: {what}")


@pytest.fixture(scope="session")
def routines_bin():
    named = os.environ.get("ROUTINES_BIN")
    candidates = [named] if named else [ROOT / "build" / preset / "bin" / "routines"
                                        for preset in ("release", "dev")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return str(candidate)
    pytest.fail("no program to test: build the target routines, or set ROUTINES_BIN")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running `routines serve`. `cli` runs another command against it.

    Agents may write the folder that the state lies in, where tests leave marks for each other, and
    see the state itself no more than they would otherwise. `sandbox` is what serve says it has.
    """

    def __init__(self, binary, state, options, environment, before=()):
        self.binary, self.state = binary, state
        self._log = open(state.parent / f"{state.name}.log", "ab")
        self.process = subprocess.Popen(
            [*before, binary, "serve", "--state", str(state), "--listen", "127.0.0.1:0", "--json",
             "--sandbox-write", str(state.parent), *NO_LIMITS,
             *options],
            stdout=subprocess.PIPE, stderr=self._log, stdin=subprocess.DEVNULL,
            env=clean_environment(**{canaries.OF_THE_HOST: canaries.add()}, **environment))
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            ready = selector.select(timeout=60)
        line = self.process.stdout.readline() if ready else b""
        if not line.startswith(b'{"url"'):
            self.kill()
            pytest.fail(f"serve did not start: {line!r}")
        self.url = json.loads(line)["url"]
        self.sandbox = json.loads(line)["sandbox"]
        self.admin_token = (state / "admin-token").read_text().strip()

    def cli(self, *arguments, stdin=None, **more):
        """A command of the command line; returns the finished process, its output as text."""
        return subprocess.run([self.binary, *map(str, arguments)], input=stdin,
                              stdin=None if stdin is not None else subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=120,
                              env=clean_environment(ROUTINES_STATE=str(self.state), **more))

    def ok(self, *arguments, **more):
        """The same; it must succeed. Returns what it printed."""
        done = self.cli(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments, **more):
        return json.loads(self.ok(*arguments, "--json", **more))

    def request(self, method, path, body=None, headers=None, token=None):
        """A plain HTTP request; error statuses are answers."""
        request = urllib.request.Request(self.url + path, data=body, method=method,
                                         headers=headers or {})
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def apply(self, folder, text, name="routine.yaml"):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return self.json("apply", path)["routines"][0]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=60)
        finally:
            self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._log.close()


@pytest.fixture
def serve(routines_bin, tmp_path):
    """serve(state=…, executors={…}, options=[…], environment={…}) starts a server, by the command
    `before` where that is given; all end with the test."""
    servers = []

    def start(state=None, executors=None, options=(), environment=None, before=()):
        arguments = [part for name, command in (executors or EXECUTORS).items()
                     for part in ("--executor", f"{name}={command}")]
        servers.append(Server(routines_bin, state or tmp_path / "state", [*arguments, *options],
                              environment or {}, before))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    for server in servers:
        assert canaries.found_in(server.state, server.state.parent / f"{server.state.name}.log") == []


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def upstream(tmp_path):
    """A bare repository with one commit on main; its path."""
    return make_upstream(tmp_path, {"README.md": "# upstream\n"})


def git(folder, *arguments):
    done = subprocess.run(["git", "-c", "init.defaultBranch=main", "-c", "user.name=Author",
                           "-c", "user.email=author@example.com", *arguments], cwd=folder,
                          env=clean_environment(), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_upstream(folder, files, name="upstream.git"):
    work = folder / f"{name}-work"
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text, encoding="utf-8")
    git(work, "init", "--quiet")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "Begin")
    git(folder, "clone", "--quiet", "--bare", str(work), str(folder / name))
    return folder / name


def running_below(folder):
    """The processes that work in `folder` or below it, seen from outside of any sandbox."""
    found = {}
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                place = os.readlink(process / "cwd")
                if place == str(folder) or place.startswith(f"{folder}/"):
                    found[int(process.name)] = (process / "cmdline").read_bytes().decode(
                        errors="replace").replace("\0", " ")
    return found


def routine_text(name="greet", executor="echo", trigger=TRIGGER, prompt="Say hello.", more=""):
    return (f"name: {name}\nprompt: {prompt}\nexecutor: {executor}\n"
            f"triggers:\n  - {{id: {trigger}, api: {{}}}}\n{more}")


def python_command(path):
    """A command line for `--executor` that runs a Python file."""
    return f"{sys.executable} '{path}'"
