"""The recipes of vcpkg and Conan name the options that there are, and what each of them looks for.

They are not run here: their servers are out of reach of the tests.
"""

import importlib.util
import json
import re
import sys
import types

import pytest

from package_tools import ROOT

# CMake's name of what is looked for, where the recipes have another.
NAMES = {"absl": "abseil", "sqlite3": "sqlite3", "cli11": "cli11", "boost": "boost-beast"}
# Which folder of src is whose, and what is said at the top and in base for all.
FOLDERS = {"config": "yaml", "store": "sqlite", "executor": "executors", "connector": "connector",
           "workspace": "workspace", "server": "server", "cli": "cli"}  # fmt: skip


def parts():
    """The options of CMakeLists.txt that switch a part."""
    text = (ROOT / "CMakeLists.txt").read_text()
    switches = re.findall(r'^option\(ROUTINES_(\w+) "', text, re.MULTILINE)
    return {name.lower() for name in switches} - {"install", "tests", "benchmarks", "fuzzers"}


def looked_for(folder):
    text = (ROOT / "src" / folder / "CMakeLists.txt").read_text()
    found = re.findall(r"(?:find_package|pkg_check_modules)\((\S+)", text)
    return {name.lower() for name in found}


@pytest.fixture(scope="module")
def conan():
    """The recipe, loaded with a stand-in for Conan itself."""
    made = {"conan": {"ConanFile": object}, "conan.tools": {}, "conan.tools.build": {"check_min_cppstd": None},
            "conan.tools.cmake": dict.fromkeys(["CMake", "CMakeDeps", "CMakeToolchain", "cmake_layout"]),
            "conan.tools.files": {"copy": None}}  # fmt: skip
    for name, members in made.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)
    spec = importlib.util.spec_from_file_location("recipe", ROOT / "packaging" / "conan" / "conanfile.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    for name in made:
        del sys.modules[name]
    return recipe


@pytest.fixture(scope="module")
def vcpkg():
    return json.loads((ROOT / "packaging" / "vcpkg" / "routines" / "vcpkg.json").read_text())


def names(dependencies):
    return {each if isinstance(each, str) else each["name"] for each in dependencies}


def test_conan_knows_the_options(conan):
    assert set(conan.PARTS) == parts()
    assert set(conan.RoutinesRecipe.options) == parts()


def test_vcpkg_knows_the_options(vcpkg):
    assert set(vcpkg["features"]) == parts()
    portfile = (ROOT / "packaging" / "vcpkg" / "routines" / "portfile.cmake").read_text()
    pairs = dict(re.findall(r"^  (\w+) ROUTINES_(\w+)\)?$", portfile, re.MULTILINE))
    assert pairs == {part: part.upper() for part in parts()}


def test_the_core_needs_four_libraries(conan, vcpkg):
    four = {"abseil", "protobuf", "re2", "simdjson"}
    assert {reference.split("/")[0] for reference in conan.CORE} == four
    assert {name for name in names(vcpkg["dependencies"]) if not name.startswith("vcpkg-")} == four


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_part_names_what_it_looks_for(conan, vcpkg, folder):
    part = FOLDERS[folder]
    core = {"abseil", "protobuf", "re2", "simdjson", "openssl"}  # openssl: of the engine
    if part == "cli":
        core |= {"boost", "boost-beast"}
    for name in looked_for(folder):
        name = NAMES.get(name, name)
        if name in core:
            continue
        assert name in names(vcpkg["features"][part]["dependencies"]), part
        assert name.removesuffix("-beast") in {ref.split("/")[0] for ref in conan.PARTS[part]}, part


def test_versions_agree(conan, vcpkg):
    version = re.search(r"project\(routines VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert conan.RoutinesRecipe.version == vcpkg["version"] == version
    assert f'"{version}"' in (ROOT / "include" / "routines" / "version.h").read_text()
