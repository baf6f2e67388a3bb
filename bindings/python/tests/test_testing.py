"""The test kit, and its pytest plug-in as its users run it."""

import json
import pathlib

import pytest

import routines
from conftest import REVIEW, ROOT
from routines.testing import (
    case_names,
    does_not_fire_on,
    fires_on,
    github_event,
    run_cases,
    try_event,
)

EVENTS = [
    "pull_request", "pull_request_review", "pull_request_review_comment", "push", "release", "issues",
    "issue_comment", "sub_issues", "commit_comment", "discussion", "discussion_comment", "check_run",
    "check_suite", "merge_group", "workflow_run", "workflow_job", "workflow_dispatch", "repository_dispatch",
]  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_all_eighteen_events_are_made(name):
    event = github_event(name, repository="octo/web")
    assert json.loads(event.payload)["repository"]["full_name"] == "octo/web"
    routines.Matcher().match(name, event.payload)


def test_events_are_made_to_order():
    event = github_event(
        "pull_request", action="synchronize", delivery_id="d1", author="lisa", labels=["a", "b"],
        fields={"/number": 7}, payload={"pull_request": {"title": "t"}},
    )  # fmt: skip
    body = json.loads(event.payload)
    assert (body["action"], body["number"], event.id) == ("synchronize", 7, "d1")
    assert body["pull_request"]["user"]["login"] == "lisa" and body["pull_request"]["title"] == "t"
    assert [each["name"] for each in body["pull_request"]["labels"]] == ["a", "b"]
    for wrong in (lambda: github_event("pusch"), lambda: github_event("push", labels=["a"])):
        with pytest.raises(routines.InvalidError):
            wrong()


def test_a_routine_equals_what_it_fires_on(review):
    draft = github_event("pull_request", is_draft=True)
    assert review == fires_on(github_event("pull_request"))
    assert review == does_not_fire_on(draft)
    assert review == does_not_fire_on(draft, because="is_draft")
    assert not review == does_not_fire_on(draft, because="base_branch")
    assert not REVIEW == fires_on(draft)
    verdict = try_event(review, github_event("pull_request", author_association="NONE"))
    assert (verdict.fired, verdict.reasons) == ([], ["untrusted_author"])


def test_cases_are_named_and_run():
    path = ROOT / "examples/tested-review/review.test.yaml"
    results = run_cases(path)
    assert [(each.name, each.line) for each in results] == case_names(path)
    assert all(each.passed for each in results) and len(results) == 7
    failing = run_cases(ROOT / "tests/unit/testing/failing/review.test.yaml")[1]
    assert 'fails  base_branch equals "main"; it is "next"' in failing.text
    with pytest.raises(routines.ConfigError):
        run_cases("absent.test.yaml")


def test_the_plug_in_says_what_was_expected_and_seen(pytester):
    pytester.makepyfile(
        f"""
        import routines
        from routines.testing import fires_on

        def test_it(github_event):
            review = routines.loads({REVIEW!r})
            assert review == fires_on(github_event("pull_request", base_branch="next"))
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E * expected that it fires; it does not: no_match*", '*fails  base_branch equals "main"; it is "next"']
    )


def test_the_plug_in_has_an_engine(pytester):
    pytester.makepyfile(
        f"""
        def test_it(routine_engine, github_event):
            routine_engine.put({REVIEW!r})
            event = routine_engine.deliver(github_event("pull_request"))
            assert routine_engine.session(event.session_ids[0]).state == "succeeded"
            assert "acme/api" in routine_engine.fake.prompts[0]
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.fixture
def cases(pytester):
    for name in ("review.yaml", "review.test.yaml"):
        source = ROOT / "tests/unit/testing/failing" / name
        pathlib.Path(name).write_text(source.read_text())
    return "review.test.yaml"


def test_cases_run_as_tests(pytester, cases):
    result = pytester.runpytest_subprocess(cases)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*review.test.yaml:*: *", '*fails  base_branch equals "main"; it is "next"']
    )
    pytester.runpytest_subprocess(cases, "-k", "nothing").assert_outcomes(deselected=2)


def test_cases_of_a_folder_are_collected_where_wanted(pytester, cases):
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.NO_TESTS_COLLECTED
    pytester.makeini("[pytest]\nroutines_cases = true\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1, failed=1)


def test_a_wrong_file_is_an_error_with_its_places(pytester, cases):
    pathlib.Path("review.test.yaml").write_text("cases:\n  - nam: a\n")
    result = pytester.runpytest_subprocess(cases)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*review.test.yaml:2:5: cases?0?.nam: unknown key "nam"*'])
