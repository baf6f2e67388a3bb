"""`routines next`: when things fire, as the command line says it."""

import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess

import pytest

from conftest import ROOT, clean_environment

VECTORS = pathlib.Path(os.environ.get("ROUTINES_SHARED_DATA", ROOT.parent / "shared" / "data")) / "cron-vectors.json"


@pytest.fixture
def next_(routines_bin):
    def run(*arguments):
        return subprocess.run([routines_bin, "next", *map(str, arguments)], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=60, env=clean_environment())

    return run


@pytest.fixture
def vectors():
    if not VECTORS.exists():
        pytest.skip("no cron-vectors.json; set ROUTINES_SHARED_DATA")
    return json.loads(VECTORS.read_text(encoding="utf-8"))


def first_after(run, row, start):
    done = run("--cron", row["expr"], "--tz", row["tz"], "--from", start, "-n", 1)
    assert done.returncode == 0, (row, done.stderr)
    return done.stdout.strip()


def check_vector(run, row):
    start = datetime.datetime.fromisoformat(row["start"])
    second = datetime.timedelta(seconds=1)
    if row["kind"] == "match":
        found = first_after(run, row, (start - second).isoformat())
        assert (found == start.strftime("%Y-%m-%dT%H:%M:%SZ")) == row["expected"], row
    else:
        # With a fraction, the start itself cannot fire: that it is included means nothing.
        inclusive = row["inclusive"] and "." not in row["start"]
        found = first_after(run, row, (start - second).isoformat() if inclusive else row["start"])
        assert found == (row["expected"] or "").replace("+00:00", "Z"), row


def test_vectors_fire_when_they_should(next_, vectors):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda row: check_vector(next_, row), vectors["vectors"]))) == 538


def test_wrong_vectors_are_usage_errors(next_, vectors):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda row: next_("--cron=" + row["expr"]), vectors["invalid"]))
    assert len(done) == 211
    for row, result in zip(vectors["invalid"], done):
        assert (result.returncode, result.stdout) == (2, ""), row
        assert result.stderr.startswith("routines: "), row


def test_prints_instants_in_utc(next_):
    done = next_("--cron", "7 2 * * 1-5", "--tz", "Europe/Berlin", "--from", "2026-03-27T12:00:00Z", "-n", 3)
    assert done.stdout == "2026-03-30T00:07:00Z\n2026-03-31T00:07:00Z\n2026-04-01T00:07:00Z\n"


def test_says_so_where_nothing_fires_again(next_):
    done = next_("--cron", "0 0 30 2 *")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "routines: it fires never again\n"


def test_merges_the_schedules_of_a_routine_file(next_, tmp_path):
    file = tmp_path / "routine.yaml"
    file.write_text("""\
name: two
prompt: Look.
triggers:
  - {id: noon, schedule: {cron: "0 12 * * *"}}
  - {id: off, disabled: true, schedule: {cron: "30 12 * * *"}}
  - {id: evening, schedule: {every: daily, time: "18:00", time_zone: Europe/Berlin}}
  - {id: hook, api: {}}
""")
    done = next_(file, "--from", "2026-07-01T00:00:00Z", "-n", 3)
    assert done.stdout == ("2026-07-01T12:00:00Z  noon\n2026-07-01T16:00:00Z  evening\n"
                           "2026-07-02T12:00:00Z  noon\n")
    answer = json.loads(next_(file, "--from", "2026-07-01T00:00:00Z", "-n", 1, "--json").stdout)
    assert answer == {
        "schedules": [{"trigger": "noon", "description": "daily at 12:00 in UTC"},
                      {"trigger": "evening", "description": "daily at 18:00 in Europe/Berlin"}],
        "instants": [{"time": "2026-07-01T12:00:00Z", "trigger": "noon"}]}


def test_asks_the_server_for_a_saved_routine(server, tmp_path):
    server.apply(tmp_path, 'name: nightly\nprompt: Look.\ntriggers:\n'
                           '  - {id: a, schedule: {cron: "0 3 * * *"}}\n')
    assert server.ok("next", "nightly", "--from", "2026-07-01T00:00:00Z", "-n", "1") == "2026-07-01T03:00:00Z\n"


@pytest.mark.parametrize("arguments, message", [
    ([], "name a routine, or give --cron EXPR"),
    (["--cron", "* * * *"], "has 4 fields; write five"),
    (["--cron", "0 0 L * *"], "is Quartz's"),
    (["--cron", "* * * * *", "--tz", "Mars/Olympus"], "unknown time zone"),
    (["--cron", "* * * * *", "--from", "tomorrow"], "is no time, write e.g."),
    (["--cron", "* * * * *", "--from", "infinite-future"], "is no time, write e.g."),
    (["--cron", "* * * * *", "--from", "infinite-past"], "is no time, write e.g."),
    (["--cron", "* * * * *", "--from", "12026-01-01T00:00:00Z"], "is no time, write e.g."),
    (["--cron", "* * * * *", "--from", "0000-12-31T00:00:00Z"], "is no time, write e.g."),
    # Names, not what else the reader of zones would open.
    (["--cron", "* * * * *", "--tz", "/dev/zero"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", "file:/usr/share/zoneinfo/UTC"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", "../zoneinfo/UTC"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", "Fixed/UTC+01:00:00"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", "libc:localtime"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", "localtime"], "unknown time zone"),
    (["--cron", "* * * * *", "--tz", ""], "--tz: must not be empty"),
    (["--cron", "* * * * *", "--tz", "A" * 100_000], "unknown time zone"),
    (["--cron", "* * * * *", "-n", "0"], "-n"),
    (["--tz", "UTC", "x.yaml"], "--cron"),
])
def test_answers_wrong_command_lines(next_, arguments, message):
    done = next_(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_ends_with_the_years_of_rfc_3339(next_):
    done = next_("--cron", "0 0 29 2 *", "--from", "9990-01-01T00:00:00Z")
    assert (done.returncode, done.stdout) == (0, "9992-02-29T00:00:00Z\n9996-02-29T00:00:00Z\n")
    done = next_("--cron", "* * * * *", "--from", "9999-12-31T23:59:00Z")
    assert (done.returncode, done.stdout) == (0, "") and "never again" in done.stderr
    done = next_("--cron", "0 0 1 1 *", "--from", "0001-01-01T00:00:00Z", "-n", "1")
    assert done.stdout == "0002-01-01T00:00:00Z\n"


def test_tells_the_problems_of_a_file(next_, tmp_path):
    file = tmp_path / "routine.yaml"
    file.write_text("name: x\nprompt: y\n")
    done = next_(file)
    assert done.returncode == 1 and "has no schedule" in done.stderr
    file.write_text("name: x\n")
    done = next_(file)
    assert done.returncode == 1 and "prompt" in done.stderr
