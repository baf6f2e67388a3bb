"""The package itself: types, what the wheel and the sdist hold, examples, and what the manual says."""

import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

import routines
from conftest import ROOT

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
EXAMPLES = ["examples/01_embed/main.py", "examples/02_matcher/main.py", "examples/03_inbox/inbox.py"]


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- types ----


def test_the_package_and_the_examples_are_typed():
    pytest.importorskip("mypy")
    out = run(sys.executable, "-m", "mypy", "--strict", "--config-file", PACKAGE / "pyproject.toml",
              "--cache-dir", os.devnull, PACKAGE / "src/routines", cwd=PACKAGE)  # fmt: skip
    assert out.startswith("Success")
    for example in EXAMPLES:
        run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, ROOT / example)


def test_the_stubs_are_those_of_the_module():
    pytest.importorskip("mypy")
    run(sys.executable, "-m", "mypy.stubtest", "routines", "--mypy-config-file",
        PACKAGE / "pyproject.toml", "--allowlist", HERE / "stubtest_allowlist.txt", cwd=PACKAGE)  # fmt: skip


def test_everything_public_is_documented():
    for name in routines.__all__:
        thing = getattr(routines, name)
        assert isinstance(thing, str) or thing.__doc__, name


# ---- what is shipped ----


@pytest.fixture
def wheel():
    if "ROUTINES_WHEEL" not in os.environ:
        pytest.skip("ROUTINES_WHEEL does not name the wheel that was installed")
    return pathlib.Path(os.environ["ROUTINES_WHEEL"])


def test_the_wheel_holds_all_that_it_needs_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if "dist-info" not in name}
        sources = {
            f"routines/{file.name}"
            for file in (PACKAGE / "src/routines").iterdir()
            if file.suffix in (".py", ".pyi") or file.name == "py.typed"
        }
        core = {name for name in names if re.fullmatch(r"routines/_core\..*\.so", name)}
        assert names == sources | core | {"routines/libroutines_c.so.0"} and len(core) == 1
        assert b"pytest11" in archive.read(f"routines-{routines.__version__}.dist-info/entry_points.txt")


def test_the_modules_library_is_the_one_beside_it():
    folder = pathlib.Path(routines.__file__).parent
    loaded = pathlib.Path("/proc/self/maps").read_text()
    assert str(folder / "libroutines_c.so.0") in loaded


def test_the_sdist_has_every_source(wheel):
    """The wheel that is tested was made of it, on a library that was built already."""
    with tarfile.open(os.environ["ROUTINES_SDIST"]) as archive:
        names = {each.name.split("/", 1)[1] for each in archive.getmembers() if each.isfile()}
    parts = ["CMakeLists.txt", "LICENSE", "capi", "cmake", "include", "proto", "src"]
    tracked = run("git", "ls-files", *parts, cwd=ROOT).split()
    assert {f"cpp/{name}" for name in tracked} <= names
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]
    assert not (PACKAGE / "cpp").exists()


# ---- examples ----


def test_the_matcher_example_says_what_those_in_c_and_cc_say():
    folder = ROOT / "examples/02_matcher"
    with open(folder / "issue.json") as event:
        assert run(sys.executable, folder / "main.py", stdin=event) == "trigger 0\n"


def test_the_matcher_is_embedded_in_ten_lines():
    lines = (ROOT / "examples/02_matcher/main.py").read_text().splitlines()
    # Without comments, empty lines, and the routine itself.
    code = "\n".join(line for line in lines if line.strip() and not line.startswith("#"))
    code = re.sub(r'REVIEW = """.*?"""', 'REVIEW = ""', code, flags=re.DOTALL)
    assert len(code.splitlines()) <= 10


def test_the_engine_example(tmp_path):
    folder = ROOT / "examples/01_embed"
    (tmp_path / "alert.yaml").write_bytes((folder / "alert.yaml").read_bytes())
    out = run(sys.executable, folder / "main.py", cwd=tmp_path)
    assert out.startswith("the agent was asked:\nFind out what the alert is about.")
    assert "SEN-4521 fired" in out and out.endswith("session succeeded\n")


def test_the_inbox_example(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    out = run(sys.executable, ROOT / "examples/03_inbox/inbox.py", tmp_path)
    assert out == "handled 3 files\n"
    assert sorted(each.name for each in (tmp_path / "taken").iterdir()) == ["a", "b", "c"]


# ---- the manual ----


def test_the_manual_shows_the_examples():
    manual = (ROOT / "docs/python.md").read_text()
    for example in ("01_embed/main.py", "02_matcher/main.py"):
        lines = (ROOT / "examples" / example).read_text().splitlines()
        assert "\n".join(lines[1:]).strip() in manual, example


def test_the_manual_names_all_that_is_public():
    manual = (ROOT / "docs/python.md").read_text()
    for name in routines.__all__:
        assert f"`{name}" in manual or f"routines.{name}" in manual, name


def test_the_kits_own_cases_say_the_same_through_python():
    """Through `routines test` and Python, the JSON of each result is the same, byte for byte."""
    program = os.environ.get("ROUTINES_BIN")
    if program is None:
        pytest.skip("ROUTINES_BIN does not name the command line")
    from routines import _core

    for file in sorted((ROOT / "tests/data/cases").glob("*.test.yaml")):
        done = subprocess.run([program, "test", "--json", file], capture_output=True, text=True)
        said = [line.removesuffix(",") for line in done.stdout.splitlines()[1:-1]]
        assert said and '"results":[' + ",".join(said) + "]" in _core.test_run(str(file))
