"""Agents that behave badly: each ends in the right state, in bounded memory, and disturbs nobody else."""

import json
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT, python_command, wait_until

AGENT = ROOT / "tests" / "e2e" / "bad_agent.py"
MiB = 1 << 20

# How it behaves: state, step and reason; limits of its routine.
SCENARIOS = {
    "hang": ("timed_out", "agent", "max_duration", "max_duration: 4s"),
    "ignore_term": ("timed_out", "agent", "max_duration", "max_duration: 4s"),
    "daemon": ("succeeded", None, "completed", ""),
    "flood": ("succeeded", None, "completed", ""),
    "long_line": ("succeeded", None, "completed", ""),
    "long_event": ("succeeded", None, "completed", ""),
    "binary": ("succeeded", None, "completed", ""),
    "silent": ("failed", "agent", "no_output", ""),
    "killed": ("failed", "agent", "signal", ""),
    "crash": ("failed", "agent", "signal", ""),
    "close_and_go_on": ("succeeded", None, "completed", ""),
    "bystander": ("succeeded", None, "completed", ""),
}


def command_of(how, mark):
    return f"{python_command(AGENT)} {how} {mark}"


def routine_of(how, more="", limits=""):
    return (f"name: {how.replace('_', '-')}\nprompt: Go.\nexecutor: {how}\n{more}"
            + (f"limits: {{{limits}}}\n" if limits else ""))


def marked(mark):
    """The processes of this machine that have the mark in their arguments; zombies have none."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if mark in arguments and "serve --state" not in arguments:
            found[process.parent.name] = arguments
    return found


def status(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))


def peak_bytes(pid):
    return status(pid, "VmHWM") * 1024


def begin(server, folder, how, **more):
    server.apply(folder, routine_of(how, **more), name=f"{how}.yaml")
    return server.json("run", how.replace("_", "-"))["claude_code_session_id"]


def ended(server, session_id, timeout="240s"):
    server.cli("session", "wait", "--timeout", timeout, session_id)
    return server.json("session", "show", session_id)


def output(server, session_id):
    events = map(json.loads, server.ok("session", "logs", session_id, "--json").splitlines())
    return "".join(event["output"]["text"] for event in events if "output" in event)


@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_each_ends_as_it_should_and_leaves_the_others_alone(serve, tmp_path, sandbox):
    mark = f"mark-{tmp_path.name}"
    server = serve(executors={how: command_of(how, mark) for how in SCENARIOS},
                   options=["--sandbox", sandbox])
    if sandbox == "auto" and server.sandbox == "none":
        pytest.skip("no sandbox here")
    more = f"environment: {{variables: {{MARKS: {tmp_path}}}}}\n"
    before = peak_bytes(server.process.pid)
    sessions = {how: begin(server, tmp_path, how, more=more, limits=limits)
                for how, (*_, limits) in SCENARIOS.items()}
    for how, (state, step, reason, _) in SCENARIOS.items():
        session = ended(server, sessions[how])
        assert (session["state"], session.get("step"), session["reason"]) == (state, step, reason), (how, session)
    wait_until(lambda: not marked(mark), "nothing of them is left", timeout=20)
    # A log's backlog, a line of each, and what SQLite caches: not what they printed.
    assert peak_bytes(server.process.pid) - before < 200 * MiB
    assert (tmp_path / "went-on").exists()
    assert output(server, sessions["bystander"]).count("beat") == 50
    assert output(server, sessions["binary"]).endswith(" the end\n")
    long = output(server, sessions["long_line"])
    assert long.endswith("y\nafter the line\n") and long.count("y") == 5 * MiB
    flood = server.ok("session", "logs", sessions["flood"], "--json")
    assert "the log has reached its limit" in flood and len(flood) < 100 * MiB
    sanity = server.json("run", "bystander")["claude_code_session_id"]
    assert ended(server, sanity)["state"] == "succeeded"


def test_one_that_fills_its_disk_fails_and_the_next_works(serve, tmp_path):
    workspaces = tmp_path / "state" / "workspaces"
    workspaces.mkdir(parents=True, mode=0o700)
    (tmp_path / "state").chmod(0o700)
    # A file system of its own, that nobody else sees and that goes with the process.
    mount = f"mount -t tmpfs -o size=32m,mode=700 tmpfs {workspaces} && exec \"$@\""
    before = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*before, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    server = serve(executors={how: command_of(how, "disk") for how in ("fill_disk", "bystander")},
                   before=before)
    other = begin(server, tmp_path, "bystander")
    filler = begin(server, tmp_path, "fill_disk")
    session = ended(server, filler)
    assert (session["state"], session["step"], session["reason"]) == ("failed", "agent", "exit_code")
    assert "cannot write: No space left on device" in output(server, filler)
    assert ended(server, other)["state"] == "succeeded"
    sanity = server.json("run", "bystander")["claude_code_session_id"]
    assert ended(server, sanity)["state"] == "succeeded"
