"""`routines backtest`: what a change of configuration would have changed."""

import json
import re
import subprocess

import pytest

from conftest import ROOT, Server, clean_environment

ROUTINE = """\
name: review
account: acme
prompt: {prompt}
overlap: skip
triggers:
  - id: pull-request
    github:
      repositories: [acme/api]
      event: pull_request
      filters:
        - {{field: base_branch, operator: equals, value: {base}}}
  - {{id: nightly, schedule: {{cron: "7 2 * * {days}", time_zone: Europe/Berlin}}}}
  - {{id: {api}, api: {{}}}}
"""


def payload(base, **changes):
    body = json.loads((ROOT / "tests/data/cases/payloads/pull_request.opened.json").read_text())
    body["pull_request"]["base"]["ref"] = base
    body["pull_request"].update(changes)
    return json.dumps(body)


@pytest.fixture
def folder(tmp_path):
    for name in ("routines", "changed", "deliveries"):
        (tmp_path / name).mkdir()
    write(tmp_path, "routines")
    write(tmp_path, "changed")
    for number, base in enumerate(("main", "main", "next"), 1):
        record(tmp_path, f"pull_request-{number}", payload(base))
    return tmp_path


def write(folder, name, prompt="Review it.", base="main", days="1-5", api="by-hand"):
    (folder / name / "review.yaml").write_text(
        ROUTINE.format(prompt=prompt, base=base, days=days, api=api))


def record(folder, name, body, event="pull_request"):
    (folder / "deliveries" / f"{name}.json").write_text(body)
    (folder / "deliveries" / f"{name}.headers").write_text(
        f"X-GitHub-Event: {event}\nX-GitHub-Delivery: {name}\n")


@pytest.fixture
def backtest(routines_bin, folder):
    def run(*arguments, old="routines", new="changed"):
        return subprocess.run([routines_bin, "backtest", "--old", old, "--new", new, *arguments],
                              cwd=folder, capture_output=True, stdin=subprocess.DEVNULL,
                              encoding="utf-8", timeout=60, env=clean_environment())

    return run


WEEK = ("--from", "2026-07-01T00:00:00Z", "--to", "2026-07-08T00:00:00Z")


def test_the_same_configuration_makes_no_difference(backtest):
    done = backtest("--events", "deliveries", *WEEK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "3 events, 5 instants: 0 differences\n"
    assert json.loads(backtest("--events", "deliveries", "--json").stdout) == {
        "events": 3, "instants": 0, "skipped": 0}


def test_newly_no_longer_and_why(backtest, folder):
    write(folder, "changed", base="next")
    done = backtest("--events", "deliveries", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [(each["kind"], each["event"], each["because"]) for each in report["differences"]] == [
        ("no_longer_fires", "deliveries/pull_request-1.json", "base_branch"),
        ("no_longer_fires", "deliveries/pull_request-2.json", "base_branch"),
        ("newly_fires", "deliveries/pull_request-3.json", "base_branch"),
    ]
    first = report["differences"][0]
    assert first["old_triggers"] == ["pull-request"] and "new_triggers" not in first
    assert (first["routine"], first["source"], first["type"]) == (
        "acme/review", "github", "pull_request opened")


def test_other_triggers_and_other_sessions(backtest, folder):
    text = (folder / "routines/review.yaml").read_text()
    (folder / "changed/review.yaml").write_text(
        text.replace("id: pull-request", "id: all").replace("Review it.", "Review it well."))
    done = backtest("--events", "deliveries/pull_request-1.json")
    assert done.returncode == 1
    assert done.stdout == (
        "~ acme/review  pull-request → all  pull_request opened  deliveries/pull_request-1.json\n"
        "~ acme/review  fires as before, but its sessions differ in prompt\n"
        "1 event, 0 instants: 1 difference\n")


def test_trust_counts_and_limits_do_not(backtest, folder):
    for number in range(100):  # more than a routine may start in an hour
        record(folder, f"many-{number}", payload("main", title=f"t{number}"))
    record(folder, "stranger", payload("main", author_association="NONE"))
    (folder / "changed/review.yaml").write_text(
        (folder / "routines/review.yaml").read_text().replace(
            "event: pull_request\n", "event: pull_request\n      trust: anyone\n"))
    report = json.loads(backtest("--events", "deliveries", "--json").stdout)
    assert report["events"] == 104
    difference, = report["differences"]
    assert difference["event"] == "deliveries/stranger.json"
    assert difference["because"].startswith("untrusted_author: ")


def test_routines_that_come_and_go(backtest, folder):
    (folder / "empty").mkdir()
    (folder / "empty/other.yaml").write_text("name: other\nprompt: x\n")
    done = backtest("--events", "deliveries/pull_request-1.json", new="empty")
    assert done.stdout.startswith("- acme/review  pull-request  pull_request opened  "
                                  "deliveries/pull_request-1.json  (there is no such routine)\n")


def test_schedules(backtest, folder):
    write(folder, "changed", days="1-4,6")
    report = json.loads(backtest(*WEEK, "--json").stdout)
    assert report["instants"] == 6
    assert [(each["kind"], each["event"]) for each in report["differences"]] == [
        ("no_longer_fires", "2026-07-03T00:07:00Z"), ("newly_fires", "2026-07-04T00:07:00Z")]


def test_the_events_of_a_state_folder(routines_bin, folder, backtest):
    (folder / "state").mkdir()
    (folder / "secret").write_text("a-secret-of-this-test-0123456789")
    server = Server(routines_bin, folder / "state",
                    ["--executor", "echo=sh -c 'cat; echo done'"], {})
    try:
        def cli(*arguments):
            done = server.cli(*arguments)
            assert done.returncode == 0, done.stderr
            return done.stdout

        cli("apply", str(folder / "routines"))
        cli("github", "hook", "add", "--secret-file", str(folder / "secret"))
        (folder / "token").write_text(cli("token", "create", "acme/review"))
        cli("fire", "acme/review", "--token-file", str(folder / "token"))
        cli("run", "acme/review")
        cli("deliver", "--secret-file", str(folder / "secret"),
            "--payload", str(folder / "deliveries/pull_request-1.json"),
            "--payload", str(folder / "deliveries/pull_request-3.json"))
        busy = backtest("--state", "state")
        assert busy.returncode == 1 and "routines record" in busy.stderr
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert backtest("--state", "state").stdout == (
        "3 events, 0 instants: 0 differences; 1 event left out\n")
    write(folder, "changed", base="next", api="by-phone")
    report = json.loads(backtest("--state", "state", "--json").stdout)
    assert [(each["kind"], each["source"], each["because"]) for each in report["differences"]] == [
        ("no_longer_fires", "api", "there is no such trigger"),
        ("no_longer_fires", "github", "base_branch"),
        ("newly_fires", "github", "base_branch")]
    assert all(each["event"].startswith("event_") for each in report["differences"])


@pytest.mark.parametrize("arguments, code, told", [
    ([], 2, "nothing to run"),
    (["--from", "2026-07-01T00:00:00Z"], 2, "--to"),
    (["--from", "2026-07-02T00:00:00Z", "--to", "2026-07-01T00:00:00Z"], 2, "must not come before"),
    (["--from", "today", "--to", "tomorrow"], 2, "--from"),
    (["--events", "absent.json"], 1, "absent.headers"),
    (["--events", "routines"], 1, "has no payload"),
    (["--state", "nowhere"], 1, "nowhere/state.db"),
    (["--events", "deliveries", "--state", "state"], 2, "excludes"),
])
def test_wrong_command_lines(backtest, arguments, code, told):
    done = backtest(*arguments)
    assert done.returncode == code and told in done.stderr, done


def test_a_payload_must_fit_its_event(backtest, folder):
    record(folder, "wrong", payload("main"), event="push")
    done = backtest("--events", "deliveries/wrong.json")
    assert done.returncode == 1 and "not one of a push event" in done.stderr


def test_a_wrong_routine_is_told_with_its_place(backtest, folder):
    (folder / "changed/review.yaml").write_text("name: review\npromt: x\n")
    done = backtest("--events", "deliveries")
    assert done.returncode == 1 and 'changed/review.yaml:2:1: promt: unknown key "promt"' in done.stderr


def test_the_page_shows_what_is_printed(backtest, folder):
    write(folder, "changed", base="next", days="1-4", prompt="Review it well.")
    (folder / "deliveries/pull_request-1.json").unlink()
    (folder / "deliveries/pull_request-1.headers").unlink()
    record(folder, "pull_request-4", payload("other"))
    page = (ROOT / "docs/testing_configs.md").read_text()
    command, shown = re.search(r"\$ routines backtest (.*?)\n(.*?)```", page, re.DOTALL).groups()
    assert command == "--old routines/ --new changed/ --events deliveries/ " + " ".join(WEEK)
    assert backtest(*command.split()[4:], old="routines/", new="changed/").stdout == shown
