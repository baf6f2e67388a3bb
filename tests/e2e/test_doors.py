"""One behaviour through every door: the cases of tests/data/cases, and the JSON of their results,
byte for byte.

A door is a function that runs the cases of a folder and returns the JSON of each result, as text. To
add one, add it to DOORS.
"""

import json
import os
import subprocess

import pytest

from conftest import ROOT, clean_environment

CASES = ROOT / "tests/data/cases"


def lines_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, timeout=300, env=clean_environment())
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


def beside(routines_bin, name):
    program = os.path.join(os.path.dirname(routines_bin), name)
    assert os.access(program, os.X_OK), f"build the target {name}"
    return program


def through_cpp(routines_bin, folder):
    return lines_of(beside(routines_bin, "case_doors"), "engine", folder)


def through_http(routines_bin, folder):
    return lines_of(beside(routines_bin, "case_doors"), "http", folder)


def through_the_command_line(routines_bin, folder):
    head, *cases, tail = lines_of(routines_bin, "test", "--json", folder)
    assert head.endswith('"cases":[') and tail == "]}"
    return [case.removesuffix(",") for case in cases]


DOORS = [through_cpp, through_http, through_the_command_line]


@pytest.fixture(scope="module")
def expected(routines_bin):
    """What the engine itself makes of the cases."""
    cases = through_cpp(routines_bin, CASES)
    assert len(cases) > 80
    assert all(json.loads(case)["passed"] for case in cases)
    return cases


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_door_says_the_same(routines_bin, expected, door):
    said = door(routines_bin, CASES)
    assert [case for case in said if case not in expected] == []
    assert said == expected


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_failing_case_fails_through_every_door(routines_bin, door):
    folder = ROOT / "tests/unit/testing/failing"
    (folder / "review.test.yaml").stat()
    said = [json.loads(case) for case in door(routines_bin, folder / "review.test.yaml")]
    assert [case["passed"] for case in said] == [True, False]
    assert said[1]["failures"] == [
        "expected that it fires; it does not: no_match: no trigger matches pull_request opened in "
        "acme/api"]
