"""`routines match` and `routines explain`: which routines an event would start, and why not others."""

import json
import subprocess

import pytest

from conftest import clean_environment

REVIEW = """\
name: review
prompt: Review it.
triggers:
  - id: pulls
    github:
      repositories: [acme/*]
      event: pull_request
      actions: [opened]
      filters:
        - {field: base_branch, operator: equals, value: main}
        - {field: labels, operator: is_not_one_of, values: [wip, skip-review]}
        - any_of:
            - {field: title, operator: matches_regex, value: "(fix|feat).*"}
            - {field: /number, operator: equals, value: 7}
  - id: nightly
    schedule: {every: daily}
"""

DEPLOYS = """\
name: deploys
account: ops
prompt: Look at it.
triggers:
  - id: failed
    custom:
      source: deployer
      type: deploy.failed
      filters:
        - {field: service, operator: starts_with, value: api}
        - {field: /steps/0/exit, operator: not_equals, value: 0}
"""


def pull_request(**changes):
    """A body as GitHub sends it, small."""
    pull = {"number": 7, "title": "Mend <it>", "user": {"login": "octocat"}, "draft": False,
            "head": {"ref": "patch-1", "sha": "0" * 40, "repo": {"full_name": "acme/api"}},
            "base": {"ref": "main", "repo": {"full_name": "acme/api"}}, "labels": [], "state": "open",
            "merged": False, "body": None}
    pull.update(changes)
    return {"action": "opened", "number": 7, "pull_request": pull,
            "repository": {"full_name": "Acme/API"}, "sender": {"login": "octocat"}}


@pytest.fixture
def folder(tmp_path):
    routines = tmp_path / "routines"
    routines.mkdir()
    (routines / "review.yaml").write_text(REVIEW)
    (routines / "deploys.yaml").write_text(DEPLOYS)
    return tmp_path


@pytest.fixture
def cli(routines_bin, folder):
    """A command on the folder's routines, given an event; `payload` is a document or text."""

    def run(command, *arguments, payload=None, stdin=None):
        if payload is not None:
            text = payload if isinstance(payload, str) else json.dumps(payload)
            (folder / "payload.json").write_text(text, encoding="utf-8")
            arguments = [*arguments, "--payload", str(folder / "payload.json")]
        return subprocess.run(
            [routines_bin, command, *arguments, "--routines", str(folder / "routines")],
            input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True,
            encoding="utf-8", timeout=60, env=clean_environment())

    return run


def test_match_lists_the_triggers_that_the_event_starts(cli):
    done = cli("match", "--event", "pull_request", payload=pull_request())
    assert (done.returncode, done.stdout, done.stderr) == (0, "default/review  pulls\n", "")
    done = cli("match", "--event", "pull_request", "--json", payload=pull_request())
    assert json.loads(done.stdout) == {"matches": [
        {"account": "default", "routine": "review", "trigger": "pulls", "index": 0}]}


def test_match_says_that_nothing_matches_and_succeeds(cli):
    wip = pull_request(labels=[{"name": "WIP"}])
    done = cli("match", "--event", "pull_request", payload=wip)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no trigger matches" in done.stderr
    assert json.loads(cli("match", "--event", "pull_request", "--json", payload=wip).stdout) == {
        "matches": []}


def test_the_payload_may_come_from_standard_input(cli):
    done = cli("match", "--event", "pull_request", "--payload", "-",
               stdin=json.dumps(pull_request()))
    assert done.stdout == "default/review  pulls\n"


def test_match_takes_custom_events(cli):
    event = ["--source", "deployer", "--type", "deploy.failed"]
    payload = {"steps": [{"exit": 3}]}
    done = cli("match", *event, "--attribute", "service=api=1", payload=payload)
    assert (done.returncode, done.stdout) == (0, "ops/deploys  failed\n")
    assert cli("match", *event, "--attribute", "service=web", payload=payload).stdout == ""
    # Without a payload there is no exit code, which is then not 0.
    assert cli("match", *event, "--attribute", "service=api").stdout == "ops/deploys  failed\n"


def test_explain_says_of_each_condition_whether_it_holds(cli):
    done = cli("explain", "--event", "pull_request", "--routine", "review",
               payload=pull_request(labels=[{"name": "bug"}, {"name": "wip"}]))
    assert done.returncode == 0
    assert done.stdout == """\
default/review
  pulls: does not match
    holds  source equals "github"
    holds  event equals "pull_request"
    holds  repository is_one_of ["acme/*"]; it is "Acme/API"
    holds  action is_one_of ["opened"]; it is "opened"
    holds  base_branch equals "main"
    fails  labels is_not_one_of ["wip","skip-review"]; it is ["bug","wip"]
    holds  any of:
      fails  title matches_regex "(fix|feat).*"; it is "Mend <it>"
      holds  /number equals 7
  nightly: does not match
    no event matches a trigger of this kind
"""


def test_explain_has_a_json_form(cli):
    done = cli("explain", "--event", "pull_request", "--json", payload=pull_request())
    routines = json.loads(done.stdout)["routines"]
    assert [routine["routine"] for routine in routines] == ["deploys", "review"]
    review = routines[1]
    assert (review["account"], review["matched"]) == ("default", True)
    pulls, nightly = review["triggers"]
    assert (pulls["trigger"], pulls["index"], pulls["matched"]) == ("pulls", 0, True)
    assert (nightly["matched"], nightly["conditions"]) == (False, [])
    assert pulls["conditions"][4] == {
        "path": "triggers[0].github.filters[0]", "held": True, "field": "base_branch",
        "operator": "equals", "expected": '"main"', "actual": '"main"'}
    assert [one["held"] for one in pulls["conditions"][6]["any_of"]] == [False, True]
    # A trigger of another kind is explained too.
    scope = routines[0]["triggers"][0]["conditions"][0]
    assert (scope["field"], scope["expected"], scope["actual"]) == ("source", '"deployer"', '"github"')


def test_explain_finds_a_routine_by_its_full_name(cli):
    arguments = ["explain", "--source", "deployer", "--routine"]
    assert cli(*arguments, "ops/deploys").stdout.startswith("ops/deploys\n")
    done = cli(*arguments, "default/deploys")
    assert done.returncode == 4
    assert "no routine default/deploys" in done.stderr


def test_values_of_strangers_cannot_write_to_the_terminal(cli):
    done = cli("explain", "--event", "pull_request", "--routine", "review",
               payload=pull_request(title="\u001b[2J\u202egnp.exe"))
    assert "\u001b" not in done.stdout and "\u202e" not in done.stdout
    assert "\\u001b[2J" in done.stdout


@pytest.mark.parametrize("arguments, payload, message", [
    (["--event", "pull_requests"], pull_request(), "did you mean pull_request?"),
    (["--event", "ping"], pull_request(), "unknown event"),
    (["--event", "push"], pull_request(), "push"),  # another event's body
    (["--event", "pull_request"], "{\"action\":", "payload.json: "),
    (["--event", "pull_request"], "[]", "payload.json: "),
    (["--event", "pull_request"], "\ufeff{}", "payload.json: "),
    (["--event", "pull_request"], None, "--payload FILE is required"),
    (["--source", "deployer"], "no json", "payload.json: "),
    ([], pull_request(), "--event NAME"),
    (["--event", "push", "--source", "deployer"], pull_request(), "excludes"),
    (["--event", "push", "--type", "t"], pull_request(), "--source"),
    (["--source", "deployer", "--attribute", "service"], None, "is not NAME=VALUE"),
    (["--source", "deployer", "--attribute", "=x"], None, "is not NAME=VALUE"),
])
@pytest.mark.parametrize("command", ["match", "explain"])
def test_wrong_events_are_usage_errors(cli, command, arguments, payload, message):
    done = cli(command, *arguments, payload=payload)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    done = cli(command, *arguments, "--json", payload=payload)
    assert done.returncode == 2
    assert message in json.loads(done.stdout)["error"]["message"]


def test_wrong_routines_are_reported_with_their_place(cli, folder):
    (folder / "routines" / "wrong.yaml").write_text(
        REVIEW.replace("name: review", "name: wrong").replace("base_branch", "base"))
    done = cli("match", "--event", "pull_request", payload=pull_request())
    assert done.returncode == 1
    assert "wrong.yaml:10:19: triggers[0].github.filters[0].field: unknown field \"base\"; did you " \
        "mean \"base_branch\"?" in done.stderr


def test_files_that_cannot_be_read_are_named(cli, folder):
    done = cli("match", "--event", "push", "--payload", str(folder / "nowhere.json"))
    assert done.returncode == 1
    assert "nowhere.json" in done.stderr
