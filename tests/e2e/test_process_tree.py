"""Whatever ends a session ends everything that it started, with bubblewrap and without."""

import os
import pathlib
import signal

import pytest

from conftest import wait_until
from test_scenarios import begin, command_of, ended, marked, output, status

HOW = ("tree_and_stay", "tree_and_spend", "tree_and_end")
SHAPES = 8  # processes of tree() that have the mark, the agent itself among them


@pytest.fixture(params=["auto", "off"])
def tree_server(request, serve, tmp_path):
    mark = f"mark-{tmp_path.name.replace('[', '-').replace(']', '-')}"
    server = serve(executors={how: command_of(how, mark) for how in HOW}, options=["--sandbox", request.param])
    server.mark = mark
    if request.param == "auto" and server.sandbox == "none":
        pytest.skip("no sandbox here")
    yield server
    for process in marked(mark):  # where a test failed
        os.kill(int(process), signal.SIGKILL)


def all_there(server, session_id):
    wait_until(lambda: "all there" in output(server, session_id), "the tree stands")
    wait_until(lambda: len(marked(server.mark)) >= SHAPES, "all processes of the tree")


def nothing_left(server):
    return wait_until(lambda: not marked(server.mark), "nothing is left", timeout=20)


def children(pid):
    """Of all threads of a process, zombies too."""
    return [int(child) for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
            for child in tasks.read_text().split()]


def test_cancel_ends_the_tree(tree_server, tmp_path):
    session_id = begin(tree_server, tmp_path, "tree_and_stay")
    all_there(tree_server, session_id)
    tree_server.ok("session", "cancel", session_id)
    session = ended(tree_server, session_id)
    assert (session["state"], session["reason"]) == ("cancelled", "cancelled")
    nothing_left(tree_server)
    assert children(tree_server.process.pid) == []


def test_limits_and_its_own_end_end_the_tree(tree_server, tmp_path):
    late = begin(tree_server, tmp_path, "tree_and_stay", limits="max_duration: 4s")
    dear = begin(tree_server, tmp_path, "tree_and_spend", limits="max_cost_usd: 5")
    done = begin(tree_server, tmp_path, "tree_and_end")
    found = {what: ended(tree_server, session) for what, session in
             {"late": late, "dear": dear, "done": done}.items()}
    assert {what: (session["state"], session["reason"]) for what, session in found.items()} == {
        "late": ("timed_out", "max_duration"), "dear": ("failed", "cost_limit"), "done": ("succeeded", "completed")}
    nothing_left(tree_server)
    assert children(tree_server.process.pid) == []


def test_a_stop_of_the_engine_ends_the_tree(tree_server, tmp_path):
    session_id = begin(tree_server, tmp_path, "tree_and_stay")
    all_there(tree_server, session_id)
    tree_server.stop()
    assert marked(tree_server.mark) == {}


def test_a_crash_of_the_engine_ends_the_tree(tree_server, serve, tmp_path):
    session_id = begin(tree_server, tmp_path, "tree_and_stay")
    all_there(tree_server, session_id)
    tree_server.kill()
    nothing_left(tree_server)
    session = ended(serve(), session_id)
    assert (session["state"], session["reason"]) == ("lost", "engine_lost")


def test_a_thousand_sessions_leave_nothing_behind(serve, tmp_path):
    """Neither processes nor descriptors nor threads, nor memory beyond what caches take at first."""
    server = serve(executors={"quick": "echo done"}, options=["--sandbox", "off"])
    server.apply(tmp_path, "name: quick\nprompt: Go.\nexecutor: quick\n")
    pid = server.process.pid

    def run(count):
        for _ in range(count):
            answer = server.request("POST", "/v1/routines/default/quick/run", b"{}", token=server.admin_token)
            assert answer.status == 200, answer.body
        idle = lambda: "\nroutines_sessions_active 0\n" in server.request("GET", "/metrics").body.decode()
        wait_until(idle, "all have ended", timeout=300)

    def held():
        return len(os.listdir(f"/proc/{pid}/fd")), status(pid, "Threads"), len(children(pid))

    run(200)
    before, memory = held(), status(pid, "VmRSS")
    run(800)
    wait_until(lambda: all(now <= then + slack for now, then, slack in zip(held(), before, (3, 3, 0))),
               f"as much as before, {before}; now {held()}", timeout=30)
    assert status(pid, "VmRSS") - memory < 24 * 1024, "KiB more after 800 sessions"
    assert list((tmp_path / "state" / "workspaces" / "sessions").iterdir()) == []
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'routines_sessions_ended_total{state="succeeded"} 1000\n' in metrics
