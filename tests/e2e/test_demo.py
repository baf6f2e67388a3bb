"""The main job, as script/demo shows it: a POST becomes a session that pushes a claude/ branch."""

import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import urllib.request

import pytest

from conftest import ROOT, clean_environment, git, make_upstream, python_command

EXAMPLE = ROOT / "examples" / "alert-triage"
TRIGGER = "trig_01ABCDEFGHJKLMNOPQRSTUVW"


@pytest.fixture
def shop(tmp_path):
    """The example's upstream repository."""
    files = {str(path.relative_to(EXAMPLE / "upstream")): path.read_text(encoding="utf-8")
             for path in (EXAMPLE / "upstream").rglob("*")
             if path.is_file() and "__pycache__" not in path.parts}
    return make_upstream(tmp_path, files, name="api.git")


@pytest.fixture
def server(serve):
    return serve(executors={"agent": python_command(EXAMPLE / "agent.py")})


def apply_routine(server, tmp_path, shop):
    text = (EXAMPLE / "routine.yaml").read_text(encoding="utf-8")
    assert "https://github.com/acme/api.git" in text
    server.apply(tmp_path, text.replace("https://github.com/acme/api.git", f"file://{shop}"))
    return server.ok("token", "create", "alert-triage").strip()


def fire_with_curl(server, token, text):
    """The command of the product's public documentation, but for host, id, token and text."""
    done = subprocess.run(
        ["curl", "--silent", "-X", "POST",
         f"{server.url}/v1/claude_code/routines/{TRIGGER}/fire",
         "-H", f"Authorization: Bearer {token}",
         "-H", "anthropic-beta: experimental-cc-routine-2026-04-01",
         "-H", "Content-Type: application/json", "-d", json.dumps({"text": text})],
        capture_output=True, encoding="utf-8", check=True, timeout=60, env=clean_environment())
    answer = json.loads(done.stdout)
    assert answer["type"] == "routine_fire", answer
    return answer


def run_tests(folder):
    return subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, capture_output=True,
                          encoding="utf-8", timeout=60,
                          env=clean_environment(PYTHONDONTWRITEBYTECODE="1"))


def test_the_upstream_has_one_failing_test(shop, tmp_path):
    git(tmp_path, "clone", "--quiet", str(shop), str(tmp_path / "main"))
    done = run_tests(tmp_path / "main")
    assert "Ran 3 tests" in done.stderr and "FAILED (errors=1)" in done.stderr


@pytest.mark.parametrize("text", [
    (EXAMPLE / "alert.txt").read_text(encoding="utf-8"),
    "Sentry alert SEN-4521 fired in prod. Stack trace attached.",
], ids=["with a stack trace", "as documented"])
def test_an_alert_becomes_a_branch_on_which_the_test_passes(server, tmp_path, shop, text):
    main = git(shop, "rev-parse", "main")
    token = apply_routine(server, tmp_path, shop)
    fired = fire_with_curl(server, token, text)
    session = server.json("session", "wait", fired["claude_code_session_id"])
    log = server.ok("session", "logs", session["id"])
    assert session["state"] == "succeeded", log

    assert git(shop, "for-each-ref", "--format=%(refname)") == (
        "refs/heads/claude/fix-SEN-4521\nrefs/heads/main")
    assert git(shop, "rev-parse", "main") == main
    branch = git(shop, "rev-parse", "claude/fix-SEN-4521")
    assert git(shop, "diff", "--name-only", "main...claude/fix-SEN-4521") == "checkout/totals.py"
    assert "SEN-4521" in git(shop, "log", "-1", "--format=%b", "claude/fix-SEN-4521")
    git(tmp_path, "clone", "--quiet", "-b", "claude/fix-SEN-4521", str(shop), str(tmp_path / "check"))
    assert run_tests(tmp_path / "check").returncode == 0

    assert [checkout["commit"] for checkout in session["checkouts"]] == [main]
    assert [(push["ref"], push["new_commit"]) for push in session["pushes"]] == [
        ("refs/heads/claude/fix-SEN-4521", branch)]
    assert "SEN-4521" in session["result"]
    for words in ("SEN-4521. First the tests", "unittest", "guard", "claude/fix-SEN-4521"):
        assert words in log


def test_an_alert_that_the_agent_cannot_mend_fails_the_session_and_pushes_nothing(server, tmp_path, shop):
    token = apply_routine(server, tmp_path, shop)
    fired = fire_with_curl(server, token, "SEN-1: KeyError: 'price'\n"
                           '  File "/srv/api/checkout/totals.py", line 6, in subtotal\nKeyError: 0')
    done = server.cli("session", "wait", fired["claude_code_session_id"], "--json")
    assert done.returncode == 1
    session = json.loads(done.stdout)
    assert (session["state"], session["step"]) == ("failed", "agent")
    assert "KeyError" in server.ok("session", "logs", session["id"])
    assert git(shop, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.fixture
def demo(routines_bin, tmp_path):
    """Starts script/demo, from another folder and with settings of the caller's that must not matter;
    checks afterwards that it left neither files nor processes behind."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    started = []

    def start(*options):
        started.append(subprocess.Popen(
            [ROOT / "script" / "demo", "--agent", "script", *options], cwd=tmp_path,
            env=clean_environment(ROUTINES_BIN=routines_bin, TMPDIR=str(temporary),
                                  ROUTINES_SERVER="http://127.0.0.1:1", ROUTINES_ADMIN_TOKEN="x"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", start_new_session=True,
            # As in a terminal, also where the tests run in the background: a shell cannot trap what
            # was ignored when it began.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)))
        return started[-1]

    yield start
    for process in started:
        with process:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert list(temporary.iterdir()) == []
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(temporary) not in process.read_bytes().decode(errors="replace"), process
        except OSError:
            pass  # it ended meanwhile


def test_the_script_shows_it_all(demo):
    process = demo("--once")
    shown, _ = process.communicate(timeout=300)
    assert process.returncode == 0, shown
    for words in ("curl -X POST http://127.0.0.1:", "claude_code_session_url", "state      succeeded",
                  "+    if not pieces(items):", "claude/fix-SEN-4521", "OK"):
        assert words in shown, words
    # One by the POST, one by the schedule; and nothing else was decided.
    decisions = shown.split("== Why each of them ran\n")[1].split("\n== ")[0]
    assert decisions.count("fired") == 2, decisions
    assert "default/reminder" in decisions and "alert-triage" in decisions


def test_the_script_leaves_the_server_running_until_ctrl_c(demo):
    process = demo()
    shown = ""
    for line in process.stdout:
        shown += line
        if line.startswith("watch: "):
            break
    url = line.split()[1]
    with urllib.request.urlopen(url, timeout=60) as page:
        assert page.status == 200
        assert b"SEN-4521" in page.read()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    process.communicate(timeout=60)
    assert process.returncode == 130, shown
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=60)


# ---- the agent that is the claude command line ----

SAMPLES = ROOT.parent / "shared" / "data" / "claude-stream"
LINES = [
    {"type": "system", "subtype": "init"},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": "I look."}]}},
    {"type": "assistant", "message": {"content": [
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]}},
    {"type": "user", "message": {"content": [
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a\nb"}]}]}},
    {"type": "of_a_newer_version"},
    {"type": "result", "is_error": False, "result": "done", "num_turns": 2, "total_cost_usd": 0.5,
     "usage": {"input_tokens": 10, "output_tokens": 3}},
]


def run_claude_agent(tmp_path, output, code=0):
    """Runs the wrapper around a `claude` that prints `output`; returns exit code and events."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lines").write_text(output, encoding="utf-8")
    fake = tmp_path / "bin" / "claude"
    fake.write_text(f"#!/bin/sh\ncat >{tmp_path}/prompt\ncat {tmp_path}/lines\nexit {code}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    events = os.open(tmp_path / "events", os.O_CREAT | os.O_WRONLY)
    try:
        done = subprocess.run(
            [sys.executable, EXAMPLE / "claude_agent.py"], input="the prompt", encoding="utf-8",
            env=clean_environment(ROUTINES_EVENTS_FD=str(events),
                                  PATH=f"{tmp_path}/bin:{os.environ['PATH']}"),
            pass_fds=[events], capture_output=True, timeout=60)
    finally:
        os.close(events)
    assert (tmp_path / "prompt").read_text() == "the prompt"
    return done, [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]


def test_claude_lines_become_events(tmp_path):
    done, events = run_claude_agent(tmp_path, "".join(json.dumps(line) + "\n" for line in LINES))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert events == [
        {"type": "assistant_text", "text": "I look."},
        {"type": "tool_call", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
        {"type": "tool_result", "id": "t1", "is_error": False, "text": "a\nb"},
        {"type": "usage", "input_tokens": 10, "output_tokens": 3, "cost_usd": 0.5, "turns": 2},
        {"type": "result", "is_error": False, "text": "done"},
    ]


def test_claude_that_ends_without_a_result_has_failed(tmp_path):
    done, events = run_claude_agent(tmp_path, json.dumps(LINES[1]) + "\nnot JSON\n")
    assert done.returncode == 1
    assert [event["type"] for event in events] == ["assistant_text"]
    assert done.stdout == "not JSON\n"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no recorded streams")
def test_recorded_claude_streams_are_understood(tmp_path):
    for number, sample in enumerate(sorted(SAMPLES.glob("*.jsonl"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        done, events = run_claude_agent(folder, sample.read_text(encoding="utf-8"))
        assert done.stdout == "", sample  # nothing that was not understood
        assert any(event["type"] == "result" for event in events), sample
