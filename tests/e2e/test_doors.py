"""One behaviour through every door: the cases of tests/data/cases, and the JSON of their results,
byte for byte. (Those of Python are compared in bindings/python/tests/test_package.py.)

A door is a function that runs the cases of a folder and returns the JSON of each result, as text. To
add one, add it to DOORS.
"""

import ctypes
import json
import os
import pathlib
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


class CString(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


def through_the_c_library(routines_bin, folder):
    if os.environ.get("ROUTINES_PRESET", "dev") != "dev":
        pytest.skip("a sanitizer's library would have to be loaded before the interpreter")
    build = pathlib.Path(routines_bin).resolve().parents[1]
    library = ctypes.CDLL(build / "capi/libroutines_c.so")
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.test.yaml"))
    cases = []
    for file in files:
        path, json_text, said = str(file).encode(), ctypes.c_void_p(), CString()
        assert library.routines_test_run(CString(path, len(path)), ctypes.byref(json_text), None) == 0
        assert library.routines_text_get(json_text, ctypes.byref(said)) == 0
        text = ctypes.string_at(said.data, said.size).decode()
        assert library.routines_text_destroy(json_text) == 0
        results = text[text.index('"results":[') + len('"results":['):text.rindex('],"texts":[')]
        cases += [result + "}" for result in results.removesuffix("}").split('},{"file":')]
    return [case if case.startswith("{") else '{"file":' + case for case in cases]


DOORS = [through_cpp, through_http, through_the_command_line, through_the_c_library]


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
