"""What is old, or too much, goes: `serve --keep-events --keep-sessions --keep-megabytes`, with its decisions and logs."""

import sqlite3

import pytest

from conftest import TRIGGER, wait_until

HOUR = 3600 * 10**9


@pytest.fixture
def kept(serve, tmp_path):
    """kept(option…) serves a routine that speaks; kept.fire(server) runs it; kept.age(…) makes that older."""
    (tmp_path / "speak").write_text("#!/bin/sh\nhead -c 300000 /dev/urandom | base64\n")
    (tmp_path / "speak").chmod(0o755)
    routine = tmp_path / "alert.yaml"
    routine.write_text(f"name: alert\nprompt: Look.\nexecutor: speak\ntriggers: [{{id: {TRIGGER}, api: {{}}}}]\n")

    def run(*options):
        server = serve(executors={"speak": tmp_path / "speak"}, options=options)
        server.ok("apply", routine)
        return server

    def fire(server, key=""):
        session = server.json("run", "alert") if not key else server.json(
            "fire", TRIGGER, "--idempotency-key", key, ROUTINES_TOKEN=token(server))
        return session["claude_code_session_id"]

    def token(server):
        if not hasattr(run, "secret"):
            run.secret = server.json("token", "create", TRIGGER)["secret"]
        return run.secret

    def age(sessions, hours):
        """As if these sessions had come and ended so long ago. The server must not run."""
        with sqlite3.connect(tmp_path / "state" / "state.db") as database:
            for session in sessions:
                (event,) = database.execute("SELECT event_seq FROM sessions WHERE id = ?", [session]).fetchone()
                back = hours * HOUR
                database.execute("UPDATE sessions SET create_time = create_time - ?, end_time = end_time - ?, "
                                 "slot = slot - ? WHERE id = ?", [back, back, back, session])
                database.execute("UPDATE events SET time = time - ? WHERE seq = ?", [back, event])
                database.execute("UPDATE decisions SET time = time - ? WHERE event_seq = ?", [back, event])
                database.execute("UPDATE dedupe_keys SET until = until - ? WHERE event_seq = ?", [back, event])
        database.close()

    run.fire, run.age = fire, age
    return run


def sessions(server):
    return [each["id"] for each in server.json("sessions", "--limit", 1000)["sessions"]]


def decided(server):
    """The sessions of the decisions that are left."""
    return [each["session_id"] for each in server.json("decisions", "-n", 1000)["decisions"]]


def test_what_is_older_goes_with_its_decisions_and_log(kept):
    server = kept()
    old, middle, new = [kept.fire(server) for _ in range(3)]
    for session in (old, middle, new):
        server.ok("session", "wait", session)
    events = {each["session_id"]: each["event_id"] for each in server.json("decisions")["decisions"]}
    server.stop()
    kept.age([old], 100)
    kept.age([middle], 60)

    server = kept()  # for ever, where nothing is said
    assert sessions(server) == [new, middle, old]
    server.stop()
    server = kept("--keep-sessions", "48h", "--keep-events", "72h")
    wait_until(lambda: sessions(server) == [new], "old sessions go")
    wait_until(lambda: decided(server) == [new, middle], "old decisions go")
    assert server.cli("session", "logs", old).returncode == 4
    assert server.cli("session", "show", middle).returncode == 4
    assert server.cli("explain", events[old], "alert").returncode == 4
    assert "decided then" in server.cli("explain", events[middle], "alert").stdout  # its event is kept longer
    assert server.cli("session", "logs", new).returncode == 0
    assert "fired" in server.ok("decisions", "--event", events[middle])
    assert "no decisions" in server.ok("decisions", "--event", events[old])


def test_what_has_something_to_do_or_holds_a_key_stays(kept):
    server = kept()
    keyed = kept.fire(server, key="once")
    server.ok("session", "wait", keyed)
    server.stop()
    kept.age([keyed], 2)  # less than the 24 hours for which the key and the limits need it
    server = kept("--keep-sessions", "1h", "--keep-events", "1h")
    fresh = kept.fire(server)
    server.ok("session", "wait", fresh)
    assert kept.fire(server, key="once") == keyed
    assert set(sessions(server)) == {keyed, fresh}
    server.stop()
    kept.age([keyed], 30)
    server = kept("--keep-sessions", "1h", "--keep-events", "1h")
    wait_until(lambda: sessions(server) == [fresh], "the key's day is over")
    assert kept.fire(server, key="once") not in (keyed, fresh)


def test_the_oldest_goes_where_the_store_is_large(kept):
    server = kept()
    spoken = [kept.fire(server) for _ in range(8)]  # some 400 KB each
    for session in spoken:
        server.ok("session", "wait", session)
    server.stop()
    kept.age(spoken[:6], 25)
    server = kept("--keep-megabytes", "1000")
    assert len(sessions(server)) == 8
    server.stop()
    server = kept("--keep-megabytes", "1")
    # The two newest are of the last 24 hours, though they are more than that.
    wait_until(lambda: sorted(sessions(server)) == sorted(spoken[6:]), "the oldest go")
    assert sorted(decided(server)) == sorted(spoken[6:])
    assert all(server.cli("session", "logs", each).returncode == 0 for each in spoken[6:])


@pytest.mark.parametrize("wrong", [("--keep-events", "-1h"), ("--keep-sessions", "soon"), ("--keep-megabytes", "0"),
                                   ("--keep-megabytes", "1.5")])
def test_what_is_none_is_refused_at_the_start(routines_bin, tmp_path, wrong):
    import subprocess
    done = subprocess.run([routines_bin, "serve", "--state", str(tmp_path / "state"), *wrong], timeout=60,
                          capture_output=True, text=True)
    assert done.returncode == 2 and wrong[0] in done.stderr
