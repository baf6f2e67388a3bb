"""What the tests of packages share: the built tree, installed once."""

import os

import pytest

from package_tools import BUILD, run


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """What `cmake --install` makes, then moved: nothing in it may name the place it was made at."""
    made = tmp_path_factory.mktemp("made") / "prefix"
    run("cmake", "--install", BUILD, "--prefix", made)
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    made.rename(moved)
    return moved


@pytest.fixture(scope="session")
def sanitized():
    """Flags that objects of this build need from whoever links them."""
    preset = os.environ.get("ROUTINES_PRESET", "dev")
    return {"asan": "-fsanitize=address,undefined", "tsan": "-fsanitize=thread"}.get(preset, "")
