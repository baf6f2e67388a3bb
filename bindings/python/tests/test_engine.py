"""Engines: routines, events, sessions, executors, sources, secrets."""

import threading
from datetime import datetime, timedelta, timezone

import pytest

import routines
from routines.testing import FakeExecutor, ManualSource, SimulatedClock, TestEngine, github_event


@pytest.fixture
def engine():
    with routines.Engine(cancel_grace=timedelta(seconds=2)) as engine:
        yield engine


def fire(engine, routine, executor, **options):
    engine.register_executor("agent", executor, **options)
    engine.put(routine)
    return engine.session(engine.fire("trig_alert0001", text="SEN-4521").session_id)


def test_a_session_from_fire_to_end(engine, review):
    def agent(execution):
        execution.output("hello\n")
        execution.output("oh\n", error=True)
        execution.assistant("looking")
        execution.tool_call("1", "grep", {"pattern": "x"})
        execution.tool_result("1", "nothing", is_error=True)
        execution.usage(input_tokens=3, cost_usd=0.5, turns=1)
        assert "SEN-4521" in execution.prompt and execution.routine["name"] == "review"
        return "looked at it"

    session = fire(engine, review, agent)
    entries = list(session.follow(timeout=30))
    assert [each.sequence for each in entries] == list(range(1, len(entries) + 1))
    assert [each.kind for each in entries if each.kind != "state_change"] == [
        "output", "output", "assistant_text", "tool_call", "tool_result", "usage", "result",
    ]  # fmt: skip
    assert [each.text for each in entries if each.kind == "output"] == ["hello\n", "oh\n"]
    assert entries[0].time.utcoffset() == timedelta(0)
    assert session.wait(5)["result"] == "looked at it"
    assert (session.state, session.ended, session.message) == ("succeeded", True, "looked at it")
    assert session.log() == entries and session.log(after=2) == entries[2:]
    assert list(session.follow(after=2)) == entries[2:]


@pytest.mark.parametrize(
    "error", [ValueError("no such branch"), SystemExit(3), routines.NotFoundError("gone")]
)
def test_an_exception_is_the_sessions_failure(engine, review, error):
    def agent(execution):
        raise error

    session = fire(engine, review, agent)
    ended = session.wait(30)
    assert (ended["state"], ended["reason"]) == ("failed", "exception")
    assert type(error).__name__ in ended["message"] and str(error) in ended["message"]
    (told,) = [each.text for each in session.log() if each.kind == "output"]
    assert told.startswith("Traceback") and "raise error" in told


def test_an_executor_returns_text_or_none(engine, review):
    assert "returns a str or None, not int" in fire(engine, review, lambda _: 3).wait(30)["message"]


def test_cancelling_reaches_the_executor(engine, review):
    begun = threading.Event()

    def agent(execution):
        begun.set()
        assert execution.wait_cancelled(30)
        assert execution.cancelled

    session = fire(engine, review, agent)
    assert begun.wait(30)
    session.cancel()
    assert session.wait(30)["state"] == "cancelled"


def test_waiting_ends_in_time_and_when_the_engine_stops(engine, review):
    session = fire(engine, review, lambda execution: execution.wait_cancelled(30) and None)
    with pytest.raises(routines.TimedOutError):
        session.wait(0.05)
    with pytest.raises(TimeoutError):
        list(session.follow(timeout=0.05))
    caught = []

    def follow():
        try:
            for _ in session.follow():
                pass
        except routines.Error as error:
            caught.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    engine.close()
    thread.join(30)
    assert not thread.is_alive()
    assert not caught or isinstance(caught[0], (routines.CancelledError, routines.ClosedError))


def test_routines_are_kept_and_found(engine, review):
    saved = engine.put(review)
    assert saved.revision == 1 and saved.trigger_ids["trig_alert0001"] == "trig_alert0001"
    assert engine.put(review.json).revision == 1  # the same
    assert engine.put({**review.to_dict(), "prompt": "Again."}).revision == 2
    assert engine.get("review").routine.to_dict()["prompt"] == "Again."
    assert engine.get("review", revision=1).routine == review
    assert [each.routine.name for each in engine.routines()] == ["review"]
    engine.pause("review")
    assert engine.get("review").paused
    engine.register_executor("agent", FakeExecutor())
    with pytest.raises(routines.StateError):
        engine.fire("trig_alert0001")
    engine.resume("review")
    token = engine.create_token("trig_alert0001")
    assert engine.check_token("trig_alert0001", token)
    assert not engine.check_token("trig_alert0001", token + "x")
    engine.delete("review")
    for missing in (lambda: engine.get("review"), lambda: engine.fire("trig_alert0001")):
        with pytest.raises(LookupError):
            missing()
    with pytest.raises(routines.ConfigError):
        engine.put("name: x")


def test_schedules_say_when_they_are_due_next_and_that_they_have_ended():
    clock = SimulatedClock(datetime(2026, 1, 5, 9, tzinfo=timezone.utc))
    text = """
name: launch
prompt: Look.
triggers:
  - {id: nightly, schedule: {cron: "7 2 * * *"}}
  - {id: once, schedule: {at: "2026-01-05T12:00:00+01:00"}}
  - {id: call, api: {}}
"""
    with routines.Engine(":memory:", clock=clock) as engine:
        engine.register_executor("agent", FakeExecutor())
        nightly = datetime(2026, 1, 6, 2, 7, tzinfo=timezone.utc)
        once = datetime(2026, 1, 5, 11, tzinfo=timezone.utc)
        assert engine.put(text).next_times == {"nightly": nightly, "once": once}
        engine.advance(timedelta(hours=3))
        assert engine.get("launch").next_times == {"nightly": nightly, "once": None}
        assert len(engine.sessions()) == 1
        armed = engine.put(text.replace("01-05T12", "01-05T20"))
        assert armed.next_times["once"] == once + timedelta(hours=8)


def test_deliveries_are_known_again(review):
    with TestEngine() as engine:
        engine.put(review)
        event = github_event("pull_request", delivery_id="d1")
        first, second = engine.deliver(event), engine.deliver(event)
        assert [each.reason for each in first.decisions] == ["fired"]
        assert second.duplicate and second.event_id == first.event_id
        assert engine.session(first.session_ids[0]).state == "succeeded"
        assert len(engine.sessions(states=["succeeded"])) == len(engine.fake.executions) == 1
        assert engine.decisions("review")[0].reason == "fired"
        why = engine.explain(first.event_id, "review")
        assert why["matched"] and why["triggers"][0]["conditions"]
        assert engine.stats()["events_duplicate"] == 1
        draft = engine.deliver(github_event("pull_request", is_draft=True))
        assert draft.session_ids == [] and draft.decisions[0].reason == "no_match"


def test_time_moves_when_told():
    with TestEngine() as engine:
        engine.put("{name: n, prompt: p, triggers: [{id: t, schedule: {cron: '30 9 * * *'}}]}")
        engine.advance(timedelta(minutes=29))
        assert engine.fake.executions == []
        engine.advance(timedelta(days=2))
        assert len(engine.fake.executions) == 2
        with pytest.raises(routines.StateError):
            engine.start()
    with routines.Engine() as engine, pytest.raises(routines.StateError):
        engine.advance(timedelta(1))


def test_what_was_acknowledged_is_there_again(tmp_path, review):
    with routines.Engine(tmp_path / "state") as engine:
        engine.register_executor("agent", FakeExecutor())
        engine.put(review)
        session = engine.fire("trig_alert0001").session_id
        engine.session(session).wait(30)
        with pytest.raises(routines.StateError):
            routines.Engine(tmp_path / "state")
    with routines.Engine(str(tmp_path / "state")) as engine:
        assert engine.session(session).state == "succeeded"
        assert engine.get("review").routine == review
    (tmp_path / "file").write_text("")
    for state in (tmp_path / "file", "", b"x"):
        with pytest.raises(routines.InvalidError, match="state"):
            routines.Engine(state)


def test_an_executor_cannot_end_its_own_engine(engine, review):
    session = fire(engine, review, lambda execution: engine.close())
    assert "cannot close its own engine" in session.wait(30)["message"]


def test_names_are_checked(engine):
    engine.register_executor("agent", FakeExecutor())
    with pytest.raises(routines.AlreadyExistsError):
        engine.register_executor("agent", FakeExecutor())
    with pytest.raises(routines.InvalidError):
        engine.register_executor("-", FakeExecutor())
    with pytest.raises(routines.InvalidError):
        engine.add_source(ManualSource("github"))
    engine.start()
    engine.start()
    with pytest.raises(routines.StateError):
        engine.register_executor("late", FakeExecutor())
    engine.close()
    engine.close()
    with pytest.raises(routines.ClosedError):
        engine.routines()


# ---- secrets ----


SECRET = {
    "name": "s", "prompt": "p", "environment": {"secrets": ["KEY"]},
    "triggers": [{"id": "trig_alert0001", "api": {}}],
}  # fmt: skip


@pytest.mark.parametrize("secrets", [{"KEY": "hush-hush"}, lambda account, name: "hush-hush"])
def test_secrets_reach_the_executor_and_not_the_log(secrets, review):
    with routines.Engine(secrets=secrets) as engine:
        session = fire(
            engine, SECRET, lambda execution: execution.output(execution.environment["KEY"])
        )
        assert session.wait(30)["state"] == "succeeded"
        assert "hush-hush" not in str(session.log())


def test_a_secret_that_is_not_there_fails_the_session():
    with routines.Engine(secrets=lambda account, name: None) as engine:
        session = fire(engine, SECRET, FakeExecutor())
        assert "KEY" in session.wait(30)["message"]
        assert session.state == "failed"


# ---- sources ----

QUEUED = "{name: q, prompt: p, triggers: [{id: t, custom: {source: queue}}]}"


def test_a_source_emits_durable_events():
    source = ManualSource("queue")
    with TestEngine() as engine:
        engine.add_source(source)
        engine.put(QUEUED)
        assert not source.running
        engine.step()
        assert source.running
        first = source.emit("message", {"count": 3}, id="m1", attributes={"a": "b"})
        assert [each.reason for each in first.decisions] == ["fired"]
        assert source.emit("message", id="m1").duplicate
        with pytest.raises(routines.InvalidError):
            source.emit("message", b"[")
    assert not source.running
    with pytest.raises(routines.CancelledError):
        source.emit("message")


def test_a_source_on_a_thread_of_its_own():
    ended = threading.Event()

    class Ticks(routines.ThreadedSource):
        name = "queue"

        def run(self, sink):
            try:
                number = 0
                while not self.wait(0.001):
                    number += 1
                    sink.emit("tick", id=str(number))
            finally:  # emit raises when the engine stops
                ended.set()

    with routines.Engine() as engine:
        engine.register_executor("agent", FakeExecutor())
        engine.add_source(Ticks())
        engine.put(QUEUED)
        engine.start()
        while len(engine.sessions()) < 3:
            pass
    assert ended.is_set()


def test_a_source_that_does_not_start_fails_the_start():
    class Broken(ManualSource):
        def start(self, sink):
            raise OSError("no such queue")

    with routines.Engine() as engine:
        engine.add_source(Broken("queue"))
        with pytest.raises(OSError, match="no such queue"):
            engine.start()
