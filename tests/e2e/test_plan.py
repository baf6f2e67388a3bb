"""`routines plan`: what schedules will start, and where limits bite, as the command line says it."""

import json
import subprocess

import pytest

from conftest import clean_environment

MONDAY = "2026-03-30T00:00:00Z"


@pytest.fixture
def plan(routines_bin, tmp_path):
    def run(routines, *arguments):
        for name, text in routines.items():
            (tmp_path / f"{name}.yaml").write_text(f"name: {name}\naccount: acme\nprompt: Look.\n{text}\n")
        command = [routines_bin, "plan", tmp_path, "--from", MONDAY, *arguments]
        return subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", timeout=60, env=clean_environment())

    def result(routines, *arguments):
        done = run(routines, "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.json = result
    return run


def schedule(cron, more=""):
    return f"triggers: [{{id: t, schedule: {{cron: '{cron}'}}}}]\n{more}"


def starts(planned):
    return [each["start"][11:16] for each in planned["sessions"] if "start" in each]


def outcomes(planned):
    return [each["outcome"] for each in planned["sessions"]]


def test_counts_what_will_run_in_each_zone(plan):
    routines = {
        "daily": "triggers: [{id: t, schedule: {cron: '7 2 * * 1-5', time_zone: Europe/Berlin}}]",
        "event": "triggers: [{id: e, custom: {source: ci}}]",
        "off": "triggers: [{id: t, disabled: true, schedule: {cron: '0 * * * *'}}]",
        "once": "triggers: [{id: once, schedule: {at: '2026-03-31T09:00:00+02:00'}}]",
        "over": "triggers: [{id: past, schedule: {at: '2026-03-29T09:00:00+02:00'}}]",
    }
    planned = plan.json(routines)
    assert [(t["routine"], t["trigger"], t["instants"], t["paused"]) for t in planned["triggers"]] == [
        ("daily", "t", 5, False), ("off", "t", 168 - 1, True), ("once", "once", 1, False), ("over", "past", 0, False)]
    assert planned["triggers"][0]["description"] == "weekdays at 02:07 in Europe/Berlin"
    assert planned["triggers"][0]["first"] == "2026-03-30T00:07:00Z"
    assert planned["triggers"][0]["last"] == "2026-04-03T00:07:00Z"
    assert outcomes(planned) == ["runs"] * 6 and planned["limits"] == []
    assert planned["sessions"][0] == {
        "due": "2026-03-30T00:07:00Z", "account": "acme", "routine": "daily", "trigger": "t", "outcome": "runs",
        "start": "2026-03-30T00:07:00Z", "end": "2026-03-30T00:17:00Z"}

    text = plan(routines, "--days", 2, "--each").stdout
    assert text.startswith("From 2026-03-30T00:00:00Z to 2026-04-01T00:00:00Z, 3 sessions, each taken to last 10m\n")
    assert "2026-03-31T07:00:00Z  acme/once  once\n" in text
    assert text.endswith("\nNo limit bites.\n")


def test_windows_roll_and_days_are_counted(plan):
    five = {f"r{number}": schedule("0 12 * * *") for number in range(5)}
    hour = ("--days", 1, "--limit", "scheduled_per_hour_account=2")
    planned = plan.json(five, *hour)
    assert sorted(starts(planned)) == ["12:00", "12:00", "13:00", "13:00", "14:00"]
    assert planned["limits"] == [
        {"limit": "2 scheduled sessions an hour of the account", "of": "acme", "outcome": "waits", "sessions": 3,
         "first": "2026-03-30T12:00:00Z", "longest_wait_seconds": 7200}]

    day = ("--limit", "sessions_per_day_account=4")
    planned = plan.json(five, "--days", 1, *day)
    assert sorted(outcomes(planned)) == ["runs"] * 4 + ["waits"] and len(starts(planned)) == 4
    planned = plan.json(five, "--days", 2, *day)
    assert planned["limits"][0]["limit"] == "4 sessions a day of the account"
    assert sorted(outcomes(planned)) == ["runs"] * 7 + ["waits"] * 3  # the fifth of the first day takes a place of the second
    planned = plan.json(five, "--days", 1, *day, "--limit", "metered_overage=true")
    assert outcomes(planned) == ["runs"] * 5
    assert [each.get("metered", False) for each in planned["sessions"]].count(True) == 1
    assert [(b["outcome"], b["sessions"]) for b in planned["limits"]] == [("metered", 1)]

    text = plan(five, *hour, "--each").stdout
    assert "  t  waits until 2026-03-30T14:00:00Z: 2 scheduled sessions an hour of the account\n" in text
    assert ("  acme: 2 scheduled sessions an hour of the account: 3 sessions wait, the longest 2h, "
            "first at 2026-03-30T12:00:00Z\n") in text


@pytest.mark.parametrize("overlap, became, started", [
    ("allow", ["runs", "runs", "runs"], ["01:00", "02:00", "03:00"]),
    ("skip", ["runs", "overlap", "runs"], ["01:00", "03:00"]),
    ("queue", ["runs", "waits", "waits"], ["01:00", "02:30", "04:00"]),
    ("cancel_running", ["cancelled", "cancelled", "runs"], ["01:00", "02:00", "03:00"]),
])
def test_overlaps_come_of_the_assumed_duration(plan, overlap, became, started):
    routines = {"hourly": schedule("0 1-3 * * *", f"overlap: {overlap}")}
    planned = plan.json(routines, "--days", 1, "--duration", "90m")
    assert outcomes(planned) == became
    assert starts(planned) == started
    if overlap == "cancel_running":
        assert [each["end"][11:16] for each in planned["sessions"]] == ["02:00", "03:00", "04:30"]
    bites = {"allow": [], "skip": [("overlap: skip", 1)], "queue": [("overlap: queue", 2)],
             "cancel_running": [("overlap: cancel_running", 2)]}
    assert [(b["limit"], b["sessions"]) for b in planned["limits"]] == bites[overlap]
    assert outcomes(plan.json(routines, "--days", 1)) == ["runs"] * 3
    # A routine's own time limit is shorter than what is assumed.
    limited = {"hourly": schedule("0 1-3 * * *", f"overlap: {overlap}\nlimits: {{max_duration: 30m}}")}
    assert outcomes(plan.json(limited, "--days", 1, "--duration", "90m")) == ["runs"] * 3


def test_places_are_shared(plan):
    three = {f"r{number}": schedule("0 12 * * *") for number in range(3)}
    planned = plan.json(three, "--days", 1, "--max-concurrent-sessions", 2)
    assert sorted(starts(planned)) == ["12:00", "12:00", "12:10"]
    assert [(b["limit"], b["of"]) for b in planned["limits"]] == [("2 sessions at a time of the server", "server")]
    planned = plan.json(three, "--days", 1, "--limit", "max_concurrent_sessions_account=1")
    assert sorted(starts(planned)) == ["12:00", "12:10", "12:20"]
    assert [(b["limit"], b["of"]) for b in planned["limits"]] == [("1 session at a time of the account", "acme")]


def test_a_routine_has_places_of_its_own(plan):
    own = {"busy": schedule("0,10 12 * * *", "limits: {max_concurrent_sessions: 1}")}
    planned = plan.json(own, "--days", 1, "--duration", "15m")
    assert starts(planned) == ["12:00", "12:15"]
    assert [(b["limit"], b["of"]) for b in planned["limits"]] == [("1 session at a time of the routine", "acme/busy")]


def test_what_sessions_cost_pauses_their_routine(plan):
    routines = {"dear": schedule("0 * * * *", "limits: {max_cost_usd_per_day: 5}")}
    planned = plan.json(routines, "--days", 1, "--cost", 2)
    assert outcomes(planned) == ["runs"] * 3 + ["paused"] * 20
    assert planned["limits"][0]["of"] == "acme/dear" and "at most 5.00" in planned["limits"][0]["limit"]
    assert len(starts(plan.json(routines, "--days", 1))) == 23


def test_sessions_that_follow_the_end_of_others_are_planned(plan):
    routines = {"a-nightly": schedule("0 1 * * *"),
                "b-report": "triggers: [{id: after, custom: {source: session, type: succeeded, "
                            "filters: [{field: routine, operator: equals, value: a-nightly}]}}]"}
    planned = plan.json(routines, "--days", 1)
    assert [(each["routine"], each["start"][11:16]) for each in planned["sessions"]] == [
        ("a-nightly", "01:00"), ("b-report", "01:10")]
    assert planned["triggers"][1]["description"] == "session succeeded"


def test_a_spread_delays_each_instant_alike(plan):
    spread = {"wide": "triggers: [{id: t, schedule: {cron: '0 1-3 * * *', spread: 30m}}]"}
    planned = plan.json(spread, "--days", 1)
    minutes = {each["due"][14:19] for each in planned["sessions"]}
    assert len(minutes) == 1 and len(planned["sessions"]) == 3
    assert plan.json(spread, "--days", 1) == planned


def test_mistakes_are_told(plan, tmp_path):
    done = plan({"wrong": schedule("61 * * * *")})
    assert done.returncode == 1 and "wrong.yaml" in done.stderr
    (tmp_path / "wrong.yaml").unlink()
    assert plan({"right": schedule("0 1 * * *")}, "--days", 0).returncode == 2
    assert plan({}, "--days", 367).returncode == 2
    assert plan({}, "--limit", "nonsense=1").returncode == 2
    assert plan({}, "--from", "tomorrow").returncode == 2
    assert plan({}, "--from", "infinite-future").returncode == 2
    assert plan({}, "--from", "infinite-past").returncode == 2
    assert plan({}, "--duration", "0s").returncode == 2
    assert plan({}, "--duration", "inf").returncode == 2
    assert plan({}, "--cost", "nan").returncode == 2
    assert plan({}, "--duration", "-1h").returncode == 2
    assert plan({}, "--cost", "-1").returncode == 2
    assert plan({}, "--account", "acme").returncode == 2
    (tmp_path / "again.yaml").write_text((tmp_path / "right.yaml").read_text())
    done = plan({})
    assert done.returncode == 1 and "acme/right: there are two of that name" in done.stderr
    (tmp_path / "again.yaml").unlink()
    done = plan({"right": schedule("* * * * *")}, "--days", 366)
    assert done.returncode == 1 and "more than 200000 instants" in done.stderr and "fewer days" in done.stderr
    assert plan({}, tmp_path / "nowhere.yaml").returncode == 1
    (tmp_path / "right.yaml").unlink()
    many = "".join(f"  - {{id: t{n}, schedule: {{cron: '{n % 60} {n % 24} * * *'}}}}\n" for n in range(3000))
    done = plan({"many": "triggers:\n" + many})
    assert done.returncode == 1 and "acme/many: has 3000 triggers and 20975 instants" in done.stderr


def test_plans_the_routines_of_a_server(server, tmp_path):
    server.apply(tmp_path, "name: nightly\nprompt: Look.\n" + schedule("0 12 * * *"))
    planned = server.json("plan", "--days", 2, "--from", MONDAY)
    assert [each["due"] for each in planned["sessions"]] == ["2026-03-30T12:00:00Z", "2026-03-31T12:00:00Z"]
    server.ok("pause", "nightly")
    paused = server.json("plan", "--days", 2, "--from", MONDAY)
    assert paused["sessions"] == [] and paused["triggers"][0]["paused"]
    assert "0, paused" in server.ok("plan", "--days", 2, "--from", MONDAY)
