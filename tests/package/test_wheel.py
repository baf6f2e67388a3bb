"""The Python package of its sdist alone: compiled from source where there is no clone, installed, and used.

That compiles the library a second time, for minutes where ccache knows nothing of it yet: only where CI is set, as
.ci/run does, or ROUTINES_TEST_WHEEL. bindings/python/run_tests makes a wheel on the library that is there.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest

from package_tools import ROOT, run

TOOLS = ROOT / "build/python"
# What the wheel is for: more would be lost, and debugging information makes it many times as large.
MOST_BYTES = 16 << 20


@pytest.fixture(scope="module")
def without_clone():
    """Words before a command that hide the clone from it, but for the tools that build; none where they cannot."""
    words = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", str(ROOT), "--ro-bind", str(TOOLS), str(TOOLS)]
    works = shutil.which("bwrap") and subprocess.run([*words, "true"], capture_output=True).returncode == 0
    return words if works else []


@pytest.fixture(scope="module")
def sdist(sanitized, tmp_path_factory):
    if not os.environ.get("CI") and not os.environ.get("ROUTINES_TEST_WHEEL"):
        pytest.skip("it compiles the library again; set ROUTINES_TEST_WHEEL=1")
    if sanitized:
        pytest.skip("a sanitizer's library would have to be loaded before the interpreter itself")
    if not TOOLS.exists():
        pytest.fail("there is no build/python; run script/setup test")
    folder = tmp_path_factory.mktemp("sdist")
    run(TOOLS / "bin/python", "-m", "build", "--sdist", "--no-isolation", "-o", folder, ROOT / "bindings/python")
    [made] = folder.glob("routines-*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(sdist, without_clone, tmp_path_factory):
    """As pip makes it, only without looking for tools elsewhere, and without optimizing: that takes minutes more."""
    folder = tmp_path_factory.mktemp("wheel")
    run(*without_clone, TOOLS / "bin/python", "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps",
        "--config-settings=cmake.build-type=Debug",
        "--config-settings=cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O0", "-w", folder, sdist,
        cwd=folder, timeout=1800)  # fmt: skip
    [made] = folder.glob("routines-*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter that has the wheel, and pytest of the distribution."""
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--system-site-packages", venv)
    run(venv / "bin/pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", wheel)
    return venv / "bin/python"


@pytest.fixture
def examples(tmp_path):
    """What a user has: the examples, and no clone."""
    for name in ("01_embed", "02_matcher", "tested-review"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    return tmp_path


def test_the_wheel_is_of_the_size_of_its_code(wheel):
    assert wheel.stat().st_size < MOST_BYTES


def test_the_package_is_imported_from_where_it_was_installed(python, without_clone, examples):
    code = "import routines; print(routines.__version__, routines.__file__)"
    version, place = run(*without_clone, python, "-c", code, cwd=examples).split()
    assert version in pathlib.Path(place).parents[1].joinpath(f"routines-{version}.dist-info/METADATA").read_text()
    assert pathlib.Path(place).is_relative_to(python.parents[1])


def test_the_matcher_in_ten_lines(python, without_clone, examples):
    here = examples / "02_matcher"
    with open(here / "issue.json") as event:
        assert run(*without_clone, python, "main.py", cwd=here, stdin=event) == "trigger 0\n"


def test_the_engine(python, without_clone, examples):
    said = run(*without_clone, python, "main.py", cwd=examples / "01_embed")
    assert "SEN-4521 fired" in said and said.endswith("session succeeded\n")


def test_tests_of_a_configuration(python, without_clone, examples):
    here = examples / "tested-review"
    (here / "test_review.py").write_text(
        textwrap.dedent("""\
        import routines
        from routines.testing import does_not_fire_on, fires_on, github_event

        review = routines.load("review.yaml")

        def test_drafts_are_left_alone():
            assert review == fires_on(github_event("pull_request", base_branch="main"))
            assert review == does_not_fire_on(github_event("pull_request", is_draft=True), because="is_draft")

        def test_a_session(routine_engine, github_event):
            routine_engine.put({"name": "r", "prompt": "Look.", "triggers": [{"id": "trig_wheel0001", "api": {}}]})
            session = routine_engine.session(routine_engine.fire("trig_wheel0001", text="now").session_id)
            assert session.get()["state"] == "succeeded"
            assert "now" in routine_engine.fake.prompts[0]
        """)
    )
    said = run(*without_clone, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_review.py",
               "review.test.yaml", cwd=here)  # fmt: skip
    assert "9 passed" in said
