"""What the tests of the package share. They run on an installed wheel."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import routines

pytest_plugins = ["pytester"]

ROOT = pathlib.Path(__file__).resolve().parents[3]

REVIEW = """\
name: review
prompt: Review it.
triggers:
  - id: opened
    github:
      repositories: [acme/api]
      event: pull_request
      actions: [opened]
      filters:
        - {field: base_branch, operator: equals, value: main}
        - {field: is_draft, operator: equals, value: false}
  - {id: trig_alert0001, api: {}}
"""


@pytest.fixture
def review() -> routines.Routine:
    return routines.loads(REVIEW)


@pytest.fixture
def python(tmp_path):
    """Runs a program in an interpreter of its own, in an empty folder."""

    def run(program: str, *arguments: str, timeout: float = 60, **options):
        return subprocess.run(
            [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning", "-c",
             textwrap.dedent(program), *arguments],  # fmt: skip
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "REVIEW": REVIEW},
            **options,
        )

    return run
