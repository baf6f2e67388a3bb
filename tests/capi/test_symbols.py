"""What libroutines_c shows, and what its header promises."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "capi" / "include" / "routines" / "c" / "routines.h"
FIRST = ROOT / "tests" / "abi" / "v1" / "routines" / "c" / "routines.h"
BUILD = pathlib.Path(os.environ.get("ROUTINES_BUILD", ROOT / "build" / "dev"))
LIBRARY = BUILD / "capi" / "libroutines_c.so"

needs_abidiff = pytest.mark.skipif(shutil.which("abidiff") is None, reason="no abidiff: script/setup test")
# For ThreadSanitizer the library shows more than it does to its users; capi/CMakeLists.txt.
needs_library = pytest.mark.skipif(
    not LIBRARY.exists() or os.environ.get("ROUTINES_PRESET") == "tsan", reason="built without the C ABI, or for tsan"
)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def functions(text):
    """Name to prototype, blanks apart."""
    found = re.findall(r"ROUTINES_API ([^;]*?(routines_\w+)\([^;]*\));", text)
    return {name: " ".join(prototype.split()) for prototype, name in found}


def structs(text):
    """Name to the members of each struct, one declaration a line, comments apart."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = re.findall(r"typedef (?:struct|enum) \w+ \{(.*?)\} (\w+);", plain, re.DOTALL)
    return {name: [" ".join(m.split()) for m in re.split("[;,]", body) if m.strip()]
            for body, name in found}  # fmt: skip


def load_make_misuse():
    spec = importlib.util.spec_from_file_location("make_misuse", ROOT / "tests/capi/make_misuse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def library_of(header, folder):
    """A library that a header alone makes: each function as declared, with all that a debugger is told."""
    text = header.read_text()
    bodies = [f"{prototype} {{ __builtin_trap(); }}" for prototype in functions(text).values()]
    folder.mkdir()
    (folder / "library.c").write_text(f'#include "{header}"\n' + "\n".join(bodies) + "\n")
    names = f"-Wl,-soname,libroutines_c.so.0,--version-script={ROOT / 'capi' / 'routines.map'}"
    run("cc", "-g", "-O0", "-shared", "-fPIC", names, "-o", str(folder / "library.so"),
        str(folder / "library.c"))  # fmt: skip
    return folder / "library.so"


@pytest.fixture(scope="session")
def library_abi(tmp_path_factory):
    """What abidiff must know of the library, read once."""
    out = tmp_path_factory.mktemp("abi") / "library.abi"
    run("abidw", "--out-file", str(out), str(LIBRARY))
    return out


def abidiff(old, new):
    """What of `old` a program would miss in `new`; additions are fine."""
    done = subprocess.run(
        ["abidiff", "--no-added-syms", str(old), str(new)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout if done.returncode else ""


def golden():
    return (ROOT / "capi" / "symbols.txt").read_text().split()


@needs_library
def test_the_library_exports_the_golden_names_and_nothing_else():
    lines = run("nm", "-D", "--defined-only", str(LIBRARY)).splitlines()
    names = {line.split()[-1].split("@")[0] for line in lines if " A " not in line}
    assert sorted(names) == golden()


@needs_library
def test_the_name_of_the_file_is_that_of_the_abi():
    major = re.search(r"#define ROUTINES_ABI_MAJOR (\d+)", HEADER.read_text()).group(1)
    dynamic = run("readelf", "-d", str(LIBRARY))
    assert f"[libroutines_c.so.{major}]" in dynamic
    assert "TEXTREL" not in dynamic


def test_the_header_declares_the_golden_names():
    assert sorted(functions(HEADER.read_text())) == golden()


def test_every_function_and_struct_is_explained():
    text = HEADER.read_text()
    for name in functions(text):
        before = text[: re.search(rf"ROUTINES_API [^;]*?\b{name}\(", text).start()].rstrip()
        assert before.endswith("*/"), f"{name} has no comment"


def test_every_function_is_misused():
    """But for those that take nothing that could be wrong."""
    misuse = load_make_misuse()
    misused = [name for name, _, _ in misuse.functions_of(HEADER.read_text())]
    harmless = ["routines_abi_version", "routines_code_name", "routines_version"]
    assert sorted(misused + harmless) == golden()


@needs_library
@needs_abidiff
def test_the_library_has_all_of_the_first_header(library_abi, tmp_path):
    assert abidiff(library_of(FIRST, tmp_path / "first"), library_abi) == ""


@needs_library
@needs_abidiff
@pytest.mark.parametrize(
    "change",
    [
        ("size_t attribute_count; ", "int attribute_count; "),
        ("int64_t replay_window_ns;", "int64_t before, replay_window_ns;"),
        ("ROUTINES_NOT_FOUND = 5", "ROUTINES_NOT_FOUND = 55"),
        ("routines_matcher_size(const routines_matcher* matcher, size_t* count)",
         "routines_matcher_size(const routines_matcher* matcher, int count)"),
        ("routines_matcher_size(", "routines_matcher_count("),
    ],
)  # fmt: skip
def test_a_change_of_the_library_is_found(change, library_abi, tmp_path):
    text = FIRST.read_text()
    assert change[0] in text
    (tmp_path / "changed.h").write_text(text.replace(*change))
    assert abidiff(library_of(tmp_path / "changed.h", tmp_path / "changed"), library_abi) != ""


def test_nothing_of_the_first_header_was_changed():
    """Functions keep their prototypes; structs and codes keep their members, and grow at the end only."""
    first, now = FIRST.read_text(), HEADER.read_text()
    old, new = functions(first), functions(now)
    assert {name: new.get(name) for name in old} == old
    old, new = structs(first), structs(now)
    for name, members in old.items():
        assert new.get(name, [])[: len(members)] == members or name == "routines_code", name
        assert set(members) <= set(new.get(name, [])), name


@pytest.mark.parametrize(
    "change",
    [
        ("routines_string source;  /*", "routines_string sauce;  /*"),
        ("size_t attribute_count; ", "int attribute_count; "),
        ("routines_code routines_matcher_size(", "routines_code routines_matcher_count("),
        ("ROUTINES_NOT_FOUND = 5", "ROUTINES_NOT_FOUND = 55"),
    ],
)
def test_a_change_of_the_header_is_found(change, monkeypatch, tmp_path):
    text = FIRST.read_text()
    assert change[0] in text
    changed = tmp_path / "routines.h"
    changed.write_text(text.replace(*change))
    monkeypatch.setitem(globals(), "HEADER", changed)
    with pytest.raises(AssertionError):
        test_nothing_of_the_first_header_was_changed()
