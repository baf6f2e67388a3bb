"""The pytest plug-in: fixtures, cases in ``*.test.yaml``, and what a failing comparison says.

Fixtures: ``routine_engine``, a ``routines.testing.TestEngine`` closed at the end, and ``github_event``, the function of
that name.

Cases of a test file are collected where the file is named on the command line (``pytest routines/review.test.yaml``), or
with ``routines_cases = true`` in pytest's configuration in every folder that pytest looks through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator

import pytest

if TYPE_CHECKING:
    import pathlib

    from routines import Event
    from routines.testing import CaseResult, TestEngine

# The library is loaded by the first test that needs it, not by every run of pytest.
_ENDS = (".test.yaml", ".test.yml", ".test.json")


@pytest.fixture
def routine_engine() -> Iterator[TestEngine]:
    """An engine in memory with simulated time; its executor "fake" remembers what it was asked."""
    from routines.testing import TestEngine

    with TestEngine() as engine:
        yield engine


@pytest.fixture
def github_event() -> Callable[..., Event]:
    """``routines.testing.github_event``: events as GitHub sends them, made to order."""
    from routines import testing

    return testing.github_event


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("routines_cases", "collect the cases of *.test.yaml", type="bool", default=False)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    from routines.testing import _Fires

    for ours, other in ((right, left), (left, right)):
        if isinstance(ours, _Fires) and op == "==" and ours.verdict is not None:
            return [f"{other!r} == {ours!r}", *ours.verdict.text.splitlines()]
    return None


def pytest_collect_file(file_path: pathlib.Path, parent: pytest.Collector) -> CaseFile | None:
    if not file_path.name.endswith(_ENDS) or file_path.name.startswith("."):
        return None
    if not parent.config.getini("routines_cases") and not parent.session.isinitpath(file_path):
        return None
    return CaseFile.from_parent(parent, path=file_path)


class CaseFile(pytest.File):
    """A test file; its cases run together, at the first of them."""

    _results: list[CaseResult] | None = None

    def collect(self) -> Iterator[CaseItem]:
        from routines.testing import case_names

        for index, (name, line) in enumerate(case_names(self.path)):
            yield CaseItem.from_parent(self, name=name, index=index, line=line)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        from routines import ConfigError

        if isinstance(excinfo.value, ConfigError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def result(self, index: int) -> CaseResult:
        if self._results is None:
            from routines.testing import run_cases

            self._results = run_cases(self.path)
        return self._results[index]


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, index: int, line: int, **options: Any) -> None:
        super().__init__(**options)
        self._index = index
        self._line = line

    def runtest(self) -> None:
        assert isinstance(self.parent, CaseFile)
        result = self.parent.result(self._index)
        if not result.passed:
            raise CaseFailed(result.text)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, CaseFailed):
            return f"{self.path}:{self._line}: {self.name}\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[pathlib.Path, int, str]:
        return self.path, self._line - 1, self.name


class CaseFailed(Exception):
    """A case that did not go as it says."""
