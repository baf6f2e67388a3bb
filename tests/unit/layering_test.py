"""Holds every #include to the picture of docs/architecture.md: an edge that is not drawn fails."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# ---- the picture ------------------------------------------------------------------------------------
# Rooms of the public headers. A header that is in no list here is a new room: draw it first.
PUBLIC = {
    "version.h": "base",
    "event.h": "core_api",
    "filter.h": "core_api",
    "matcher.h": "core_api",
    "schedule.h": "core_api",
    "signature.h": "core_api",
    "cancellation.h": "seams",
    "clock.h": "seams",
    "connector.h": "seams",
    "executor.h": "seams",
    "sandbox.h": "seams",
    "secrets.h": "seams",
    "session.h": "seams",
    "store.h": "seams",
    "trigger_source.h": "seams",
    "workspace.h": "seams",
    "json.h": "loader",
    "routine.h": "loader",
    "engine.h": "engine_api",
    "lint.h": "loader",
    "limits.h": "engine_api",
    "embedded.h": "doors_api",
    "server.h": "doors_api",
}

# Which room may include which. Every room may include itself and the data model (routines/v1).
GROUND = {"base", "seams"}
EDGES = {
    # public
    "seams": set(),
    "core_api": set(),
    "loader": set(),
    "engine_api": {"seams", "core_api"},
    "doors_api": {"seams", "engine_api"},
    "testing_api": {"seams", "loader", "core_api", "engine_api"},
    # ground
    "base": {"seams", "loader", "core_api"},  # it makes the small things that those headers declare
    # core: pure
    "config": {"base", "loader", "core_api"},
    "match": {"base", "loader", "core_api"},
    "schedule": {"base", "loader", "core_api"},
    # plug-ins: never the engine, never each other
    "store": GROUND,
    "executor": GROUND | {"loader"},  # JSON texts
    "connector": GROUND | {"loader"},
    "workspace": GROUND,
    "trigger": GROUND | {"loader", "core_api"},
    # the engine: never an implementation
    "engine": GROUND | {"loader", "core_api", "engine_api", "config", "match", "schedule"},
    # what is put together of engine and plug-ins, through the public headers
    "embedded": GROUND | {"engine_api", "doors_api"},
    "testing": GROUND | {"loader", "core_api", "engine_api", "testing_api", "config"},
    # doors: the engine through its header only
    "server": GROUND | {"loader", "core_api", "engine_api", "doors_api"},
    # It runs tests of configurations.
    "cli": GROUND | {"loader", "core_api", "engine_api", "doors_api", "testing_api"},
    # It ships the simulated clock to its users, too.
    "capi": GROUND | {"loader", "core_api", "engine_api", "doors_api", "testing_api"},
}

# Libraries that everybody may use, and those that are private to rooms (or to single files).
COMMON_LIBRARIES = ("absl/", "google/protobuf/")
PRIVATE_LIBRARIES = {
    "boost/": {"server", "executor", "connector", "workspace", "cli"},
    "openssl/": {"server", "executor", "workspace", "cli", "src/base/crypto.cc"},
    "simdjson": {"match", "executor", "connector", "server", "cli", "testing"},
    "yaml-cpp/": {"config"},
    "sqlite3": {"store"},
    "re2/": {"match", "config", "testing"},
    "CLI/": {"cli"},
    "prometheus/": {"server"},
    "zlib": {"workspace"},
    "gtest/": {"testing_api", "testing"},
    "gmock/": {"testing_api", "testing"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


# ---- the check --------------------------------------------------------------------------------------
def room_of(path):
    """The room of a file, or of what an #include names; None for neither ours nor drawn."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] == "capi":
        return "capi"
    if parts[:2] == ("include", "routines"):
        parts = parts[1:]
    if parts[0] != "routines":
        return None
    if parts[1] in ("v1", "testing", "c"):
        return {"v1": "data", "testing": "testing_api", "c": "capi"}[parts[1]]
    return PUBLIC.get(parts[1])


def problem_of(root, path, mark, included):
    """What is wrong with one #include in the file `path`, or None."""
    room = room_of(path)
    if room not in EDGES:
        return "is in no room of the picture; add it to tests/unit/layering_test.py and the docs"
    if included.startswith(("src/", "routines/", "capi/")):
        target = room_of(included)
        if included.startswith("src/") and path.startswith("include/"):
            return f"is public and includes {included}, which is not"
        if target is None:
            return f"includes {included}, which is in no room of the picture"
        if target not in {"data", room} | EDGES[room]:
            return f"({room}) includes {included} ({target}), which the picture does not allow"
        if included.startswith("src/") and not (root / included).is_file():
            return f"includes {included}, which does not exist"
        return None
    for library, rooms in PRIVATE_LIBRARIES.items():
        if included.startswith(library):
            if room in rooms or path in rooms:
                return None
            return f"({room}) includes {included}, which is private to {', '.join(sorted(rooms))}"
    if mark == '"' and not included.startswith(COMMON_LIBRARIES):
        return f'includes "{included}"; name it by its path from the root'
    return None


def check(root):
    """All problems of the tree at `root`, one line each."""
    problems = []
    for folder in ("include", "src", "capi"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            name = path.relative_to(root).as_posix()
            for mark, included in INCLUDE.findall(path.read_text()):
                problem = problem_of(root, name, mark, included)
                if problem:
                    problems.append(f"{name} {problem}")
    return problems


# ---- the tests --------------------------------------------------------------------------------------
def test_the_tree_is_as_drawn():
    assert check(ROOT) == []


def test_the_tree_is_seen():
    assert len(list((ROOT / "src").rglob("*.cc"))) > 30  # an empty walk would find nothing wrong


@pytest.mark.parametrize(
    "path, included",
    [
        ("src/store/a.cc", '"routines/engine.h"'),  # a plug-in sees the engine
        ("src/store/a.cc", '"src/workspace/git.h"'),  # a plug-in sees another
        ("src/engine/a.cc", '"src/store/sqlite_store.h"'),  # the engine sees an implementation
        ("src/engine/a.cc", '"routines/embedded.h"'),
        ("src/engine/a.cc", '"routines/server.h"'),
        ("src/server/a.cc", '"src/engine/dispatcher.h"'),  # a door goes around the public headers
        ("src/cli/a.cc", '"src/server/http.h"'),  # a door sees another
        ("src/cli/a.cc", '"src/config/words.h"'),
        ("src/config/a.cc", '"routines/store.h"'),  # the core is pure
        ("src/config/a.cc", '"routines/clock.h"'),
        ("src/base/a.cc", '"src/config/words.h"'),  # the ground stands on nothing
        ("src/embedded/a.cc", '"src/engine/dispatcher.h"'),
        ("include/routines/store.h", '"routines/engine.h"'),  # a seam sees the engine
        ("include/routines/engine.h", '"src/base/ids.h"'),  # public sees private
        ("include/routines/engine.h", '"routines/testing/test_engine.h"'),
        ("src/engine/a.cc", '"routines/nowhere.h"'),
        ("src/nowhere/a.cc", '"routines/store.h"'),
        ("src/store/a.cc", '"src/store/missing.h"'),
        ("src/store/a.cc", '"neighbour.h"'),
        ("src/engine/a.cc", "<boost/asio.hpp>"),
        ("src/engine/a.cc", '"simdjson.h"'),
        ("src/engine/a.cc", "<sqlite3.h>"),
        ("src/store/a.cc", "<openssl/sha.h>"),
        ("src/base/a.cc", "<openssl/sha.h>"),
        ("src/server/a.cc", '"yaml-cpp/yaml.h"'),
        ("src/server/a.cc", '"CLI/App.hpp"'),
        ("src/store/a.cc", '"re2/re2.h"'),
        ("src/cli/a.cc", "<prometheus/registry.h>"),
        ("include/routines/server.h", '"boost/asio.hpp"'),
    ],
)
def test_a_wrong_include_is_found(tmp_path, path, included):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"// A file.\n\n#include <string>\n  #  include {included}\n")
    assert {line.split()[0] for line in check(tmp_path)} == {path}


def test_right_includes_pass(tmp_path):
    files = {
        "src/base/ids.h": ["<string>"],
        "src/base/crypto.cc": ["<openssl/sha.h>", '"routines/session.h"'],
        "src/config/words.h": ['"absl/strings/str_cat.h"', '"routines/routine.h"'],
        "src/engine/a.cc": ['"src/base/ids.h"', '"src/config/words.h"', '"routines/engine.h"'],
        "src/store/a.cc": ["<sqlite3.h>", '"routines/store.h"', '"routines/v1/session.pb.h"'],
        "src/server/a.cc": ['"boost/beast.hpp"', '"routines/server.h"', '"routines/engine.h"'],
        "include/routines/engine.h": ['"routines/store.h"', '"absl/time/time.h"'],
    }
    for name, includes in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"#include {include}\n" for include in includes))
    assert check(tmp_path) == []
