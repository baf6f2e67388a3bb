"""Loading, and what is wrong with a file."""

import pytest

import routines
from conftest import REVIEW


def test_a_file_is_read(tmp_path):
    (tmp_path / "review.yaml").write_text(REVIEW)
    routine = routines.load(tmp_path / "review.yaml")
    assert (routine.account, routine.name) == ("default", "review")
    assert routine.triggers == ["opened", "trig_alert0001"]
    assert routine.to_dict()["prompt"] == "Review it."
    assert routine == routines.loads(routine.json) and len({routine, routines.loads(REVIEW)}) == 1


def test_every_problem_has_its_place():
    with pytest.raises(routines.ConfigError) as caught:
        routines.loads("name: review\nprompt: x\ntrigers: []\nmodel: 3\n", file="a.yaml")
    problems = caught.value.problems
    assert [(each.path, each.line, each.column) for each in problems] == [
        ("trigers", 3, 1),
        ("model", 4, 8),
    ]
    assert 'did you mean "triggers"?' in problems[0].message
    assert str(caught.value).startswith("a.yaml:3:1: trigers: ")
    assert isinstance(caught.value, ValueError) and caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("text", [b"\xff", "", "[", "\x00", "name: [\n" * 200])
def test_no_text_is_more_than_a_config_error(text):
    with pytest.raises(routines.ConfigError):
        routines.loads(text)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        routines.load(tmp_path / "absent.yaml")
