"""Threads, forks, signals, and the end of the interpreter."""

import faulthandler
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import routines
from conftest import REVIEW

AGENT = """
    import os, routines
    review = routines.loads(os.environ["REVIEW"])
"""


def test_a_thousand_rounds_with_callbacks_from_eight_threads(review):
    """Each round makes an engine, fires on it from eight threads, and closes it while sessions run."""
    rounds = int(os.environ.get("ROUTINES_ROUNDS", "1000"))
    ran = []

    faulthandler.dump_traceback_later(300, exit=True)
    for _ in range(rounds):
        engine = routines.Engine(max_concurrent_sessions=8)
        engine.register_executor("agent", lambda execution: ran.append(execution.session_id))
        engine.put(review)
        threads = [
            threading.Thread(target=engine.fire, args=("trig_alert0001",)) for _ in range(8)
        ]
        engine.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        engine.close()
    faulthandler.cancel_dump_traceback_later()
    assert len(ran) == len(set(ran)) > 0
    assert threading.active_count() < 20


def test_the_interpreter_exits_with_a_running_engine(python):
    done = python(
        AGENT
        + """
    import threading
    begun = threading.Event()
    def agent(execution):
        begun.set()
        execution.wait_cancelled()
        print("cancelled", flush=True)
    engine = routines.Engine("state")
    engine.register_executor("agent", agent)
    engine.put(review)
    engine.fire("trig_alert0001")
    matcher = routines.Matcher([review])
    begun.wait()
    """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "cancelled\n", "")


def test_an_executor_that_never_ends_does_not_keep_the_interpreter(python):
    done = python(
        AGENT
        + """
    import datetime, time, threading
    begun = threading.Event()
    def agent(execution):
        begun.set()
        while True:
            time.sleep(0.01)
            try:
                execution.output("x")
            except routines.Error:
                pass
    engine = routines.Engine(cancel_grace=datetime.timedelta(milliseconds=100))
    engine.register_executor("agent", agent)
    engine.put(review)
    engine.fire("trig_alert0001")
    begun.wait()
    """
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_engine_that_nobody_holds_is_closed(python):
    done = python(
        AGENT
        + """
    import gc
    for _ in range(20):
        engine = routines.Engine()
        engine.register_executor("agent", lambda execution: None)
        engine.put(review)
        engine.fire("trig_alert0001")
        del engine
        gc.collect()
    """
    )
    assert (done.returncode, done.stderr) == (0, "")


def started(program):
    """A Python of its own that runs the program, whose lines are read as they come."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "REVIEW": REVIEW},
    )


def test_ctrl_c_ends_follow(tmp_path):
    program = (
        AGENT
        + """
    engine = routines.Engine()
    engine.register_executor("agent", lambda execution: execution.wait_cancelled() and None)
    engine.put(review)
    session = engine.session(engine.fire("trig_alert0001").session_id)
    try:
        for entry in session.follow():
            if entry.data.get("state") == "running":
                print("running", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    )
    with started(program) as process:
        assert process.stdout.readline() == "running\n"
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "interrupted\n", "")
        assert time.monotonic() - begun < 5


def test_ctrl_c_ends_the_wait_of_close_and_not_the_stopping(tmp_path):
    program = (
        AGENT
        + """
    import threading
    begun, stopping, release = threading.Event(), threading.Event(), threading.Event()
    def agent(execution):
        begun.set()
        execution.wait_cancelled()
        stopping.set()
        release.wait()
        print("agent ends", flush=True)
    engine = routines.Engine()
    engine.register_executor("agent", agent)
    engine.put(review)
    engine.fire("trig_alert0001")
    begun.wait()
    threading.Thread(target=lambda: stopping.wait() and print("stopping", flush=True)).start()
    try:
        engine.close()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    release.set()
    engine.close()
    print("closed")
    """
    )
    with started(program) as process:
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGINT)
        # The agent would be waited for 15 seconds.
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "interrupted\nagent ends\nclosed\n", "")


def test_a_fork_knows_that_it_is_one(python):
    done = python(
        AGENT
        + """
    import sys
    from routines.testing import FakeExecutor, github_event
    engine = routines.Engine()
    engine.register_executor("agent", FakeExecutor())
    engine.put(review)
    engine.start()
    matcher = routines.Matcher([review])
    body = github_event("pull_request").payload
    child = os.fork()
    if child == 0:
        for call in (engine.routines, lambda: matcher.match("pull_request", body),
                     lambda: engine.fire("trig_alert0001")):
            try:
                call()
            except routines.ForkedError as error:
                print("forked", isinstance(error, RuntimeError))
        engine.close()
        with routines.Engine() as own:
            own.register_executor("agent", FakeExecutor())
            own.put(review)
            print(own.session(own.fire("trig_alert0001").session_id).wait(30)["state"])
        print(len(routines.Matcher([review]).match("pull_request", body)))
        sys.stdout.flush()
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(engine.session(engine.fire("trig_alert0001").session_id).wait(30)["state"])
    """
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == [
        "forked True", "forked True", "forked True", "succeeded", "1", "0", "succeeded", "",
    ]  # fmt: skip


def test_waiting_for_a_session_lets_other_threads_run(review):
    begun, gate = threading.Event(), threading.Event()

    def agent(execution):
        begun.set()
        gate.wait(30)

    with routines.Engine() as engine:
        engine.register_executor("agent", agent)
        engine.put(review)
        session = engine.session(engine.fire("trig_alert0001").session_id)
        # Neither thread could go on if the wait kept the interpreter's lock.
        threading.Thread(target=lambda: begun.wait(30) and gate.set()).start()
        assert session.wait(60)["state"] == "succeeded"
