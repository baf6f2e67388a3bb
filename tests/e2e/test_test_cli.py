"""`routines test`: the cases of configurations, and what is printed about them."""

import json
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest

from conftest import ROOT, clean_environment

REVIEW = """\
name: review
prompt: Review it.
triggers:
  - id: opened
    github:
      repositories: [acme/api]
      event: pull_request
      filters:
        - {field: base_branch, operator: equals, value: main}
  - {id: alert, api: {}}
"""

CASES = """\
cases:
  - name: into main
    event: {github: pull_request}
    expect: fires
  - name: "into <next> # \\\\ & \\u0007"
    event: {github: pull_request, fields: {base_branch: "next"}}
    expect: fires
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "review.yaml").write_text(REVIEW)
    (tmp_path / "review.test.yaml").write_text(CASES)
    return tmp_path


@pytest.fixture
def cli(routines_bin, folder):
    def run(*arguments, cwd=folder):
        return subprocess.run([routines_bin, *map(str, arguments)], cwd=cwd, capture_output=True,
                              stdin=subprocess.DEVNULL, encoding="utf-8", timeout=60,
                              env=clean_environment())

    return run


def test_a_failing_case_shows_each_condition_with_what_was_seen(cli):
    done = cli("test", ".")
    assert done.returncode == 1
    assert done.stdout.startswith("FAILED  ./review.test.yaml  2 cases, 1 failed\n")
    assert './review.test.yaml:5: into <next> # \\ & \\x07' in done.stdout
    assert '    fails  base_branch equals "main"; it is "next"\n' in done.stdout
    assert done.stdout.endswith("2 cases: 1 passed, 1 failed\n")
    assert done.stderr == ""


def test_the_exit_code_is_0_where_all_pass(cli, folder):
    (folder / "review.test.yaml").write_text(CASES.replace('base_branch: "next"', "title: x"))
    assert cli("test", ".").returncode == 0
    assert cli("test", "review.test.yaml").stdout.endswith("2 cases: 2 passed, 0 failed\n")


def test_tap(cli):
    lines = cli("test", ".", "--format", "tap").stdout.splitlines()
    assert lines[:2] == ["TAP version 14", "1..2"]
    assert lines[2] == "ok 1 - ./review.test.yaml: into main"
    assert lines[3].startswith("not ok 2 - ./review.test.yaml: into <next> \\# \\\\")
    assert lines[4] == "  ---" and lines[-1] == "  ..."
    block = "\n".join(lines[5:-1])
    assert "  message: \"expected that it fires; it does not: no_match" in block
    assert "    line: 5" in block
    assert '      fails  base_branch equals "main"; it is "next"' in block
    assert all(line.startswith("  ") for line in lines[4:])


def test_junit(cli):
    root = xml.etree.ElementTree.fromstring(cli("test", ".", "--format", "junit").stdout)
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "2", "1")
    suite = root.find("testsuite")
    assert suite.attrib["name"] == "./review.test.yaml"
    passed, failed = suite.findall("testcase")
    assert passed.find("failure") is None
    assert failed.attrib["name"] == "into <next> # \\ & \ufffd"
    assert failed.attrib["line"] == "5"
    failure = failed.find("failure")
    assert failure.attrib["message"].startswith("expected that it fires")
    assert 'fails  base_branch equals "main"; it is "next"' in failure.text.splitlines()[-1]


def test_junit_of_names_that_xml_cannot_hold(cli, folder):
    (folder / "review.test.yaml").write_text(
        'cases:\n  - {name: "a\\uFFFEb\\uFFFF", event: {github: push}, expect: fires}\n')
    root = xml.etree.ElementTree.fromstring(cli("test", ".", "--format", "junit").stdout)
    assert root.find("testsuite/testcase").attrib["name"] == "a\ufffdb\ufffd"


def test_json_has_a_line_for_each_case(cli):
    done = cli("test", ".", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["passed"], report["failed"]) == (1, 1)
    lines = [json.loads(line.rstrip(",")) for line in done.stdout.splitlines()[1:-1]]
    assert lines == report["cases"]
    passed, failed = report["cases"]
    assert passed["passed"] is True and passed["fired"] == ["default/review/opened"]
    assert passed["sessions"] == 1 and "failures" not in passed
    assert failed["passed"] is False and failed["sessions"] == 0
    assert failed["decisions"][0]["reason"] == "no_match"
    condition = failed["triggers"][0]["conditions"][-1]
    assert condition == {"path": "triggers[0].github.filters[0]", "held": False,
                         "field": "base_branch", "operator": "equals", "expected": '"main"',
                         "actual": '"next"'}


def test_nothing_in_the_json_changes_from_run_to_run(cli):
    cases = ROOT / "tests/data/cases"
    first = cli("test", cases, "--json")
    assert first.returncode == 0
    assert first.stdout == cli("test", cases, "--json").stdout


def test_a_wrong_file_is_told_with_its_place_and_nothing_is_run(cli, folder):
    (folder / "other.test.yaml").write_text("routines: [review.yaml]\ncases:\n  - nam: a\n")
    done = cli("test", ".")
    assert done.returncode == 1 and done.stdout == ""
    assert './other.test.yaml:3:5: cases[0].nam: unknown key "nam"; did you mean "name"?' in done.stderr
    problems = json.loads(cli("test", ".", "--json").stdout)["error"]["problems"]
    assert problems[0]["path"] == "cases[0].nam" and problems[0]["column"] == 5
    assert cli("test", ".", "--format", "tap").stdout == (
        "TAP version 14\nBail out! the tests cannot be read\n")


@pytest.mark.parametrize("arguments, code, told", [
    ([], 2, "path"),
    ([".", "--format", "xml"], 2, "human|tap|junit"),
    ([".", "--limit", "fires"], 2, "NAME=VALUE"),
    ([".", "--limits", "absent"], 1, "absent"),
    (["absent"], 1, "cannot read absent"),
    (["review.yaml/"], 1, "cannot read"),
])
def test_wrong_command_lines(cli, arguments, code, told):
    done = cli("test", *arguments)
    assert done.returncode == code and told in done.stderr, done


def test_a_folder_without_tests_is_no_success(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    done = cli("test", "empty")
    assert done.returncode == 1 and "no test file" in done.stderr


def test_limits_are_those_of_the_host(cli, folder):
    (folder / "review.test.yaml").write_text(
        "cases:\n  - {name: a, event: {api: alert}, given: {earlier: 2}, expect: does_not_fire, "
        "because: limit}\n")
    assert cli("test", ".").returncode == 1
    assert cli("test", ".", "--limit", "fires_per_hour_routine=2").returncode == 0
    (folder / "limits").write_text("fires_per_hour_account: 2\n")
    assert cli("test", ".", "--limits", "limits").returncode == 0


def test_test_files_are_no_routine_files(cli):
    assert json.loads(cli("validate", ".", "--json").stdout) == {
        "valid": True, "files": 1, "problems": []}


def test_a_thousand_cases(cli, folder):
    (folder / "review.test.yaml").write_text("cases:\n" + "".join(
        f"  - {{name: case {i}, event: {{github: pull_request, fields: {{title: t{i}}}}}, "
        "expect: fires, sessions: 1}\n" for i in range(1000)))
    assert cli("test", ".").stdout.endswith("1000 cases: 1000 passed, 0 failed\n")


# ---- the documentation ----

PAGE = (ROOT / "docs/testing_configs.md").read_text()


def test_the_page_shows_what_is_printed(cli):
    shown = re.search(r"\$ (routines test \S+)\n(.*?)```", PAGE, re.DOTALL)
    done = cli(*shown.group(1).split()[1:], cwd=ROOT)
    assert done.stdout == shown.group(2)


def test_the_page_shows_how_a_case_fails(cli, folder):
    example = ROOT / "examples/tested-review"
    below = folder / "examples/tested-review"
    below.mkdir(parents=True)
    (below / "review.yaml").write_text((example / "review.yaml").read_text())
    text = (example / "review.test.yaml").read_text()
    wrong = text.replace("    expect: does_not_fire\n    because: labels\n", "    expect: fires\n")
    assert wrong != text
    (below / "review.test.yaml").write_text(wrong)
    shown = re.search(r"```\n(examples/tested-review/review.test.yaml:\d+: .*?)```", PAGE, re.DOTALL)
    done = cli("test", "examples/tested-review")
    assert shown.group(1) in done.stdout


def test_the_case_of_the_page_is_in_the_example(cli):
    shown = re.search(r"```yaml\ncases:\n(.*?)```", PAGE, re.DOTALL).group(1)
    example = (ROOT / "examples/tested-review/review.test.yaml").read_text()
    for line in shown.splitlines():
        assert line in example.splitlines()
