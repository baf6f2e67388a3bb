"""Programs of others, built against what is installed."""

import os
import pathlib
import re
import subprocess

import pytest

from package_tools import BUILD, ROOT, run

HERE = pathlib.Path(__file__).resolve().parent
MATCHER = ROOT / "examples" / "02_matcher"
SAID = re.compile(r"^0\.1\.0 1 weekdays at 02:07")
# What a program on the core may load: its four libraries, theirs, and the system's.
CORE_ONLY = re.compile(
    r"lib(absl_\w+|protobuf|re2|simdjson|stdc\+\+|gcc_s|c|m|pthread|asan|ubsan|tsan)\.so|ld-linux"
)


def needed(program):
    """The shared libraries that an ELF file itself asks for."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


def test_find_package(prefix, sanitized, tmp_path):
    source = ROOT / "examples" / "01_embed"
    run("cmake", "-S", HERE / "find_package", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DEMBEDDER_SOURCE={source / 'main.cc'}", f"-DCMAKE_CXX_FLAGS={sanitized}")  # fmt: skip
    run("cmake", "--build", tmp_path, "-j2")
    assert SAID.match(run(tmp_path / "consumer"))
    if (tmp_path / "embedder").exists():
        (tmp_path / "alert.yaml").write_bytes((source / "alert.yaml").read_bytes())
        assert "session succeeded" in run(tmp_path / "embedder", cwd=tmp_path)


def test_find_package_in_c(prefix, sanitized, tmp_path):
    """No C++ compiler, and none of the C++ library's packages, are asked for."""
    if sanitized:
        pytest.skip("a sanitizer's runtime must be in the program")
    example = ROOT / "examples" / "02_matcher"
    run("cmake", "-S", HERE / "find_package_c", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DEXAMPLE={example}")  # fmt: skip
    run("cmake", "--build", tmp_path)
    with open(example / "issue.json") as event:
        assert run(tmp_path / "consumer", stdin=event) == "trigger 0\n"


@pytest.mark.parametrize(
    "wanted, said",
    [
        ("9.0 CONFIG REQUIRED COMPONENTS core", "version"),
        ("CONFIG REQUIRED COMPONENTS nonsense", "nonsense"),
    ],
)
def test_find_package_refuses_what_is_not_there(prefix, tmp_path, wanted, said):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n"
        f"find_package(routines {wanted})\n"
    )
    done = subprocess.run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert said in done.stderr


def documented(page, beginning):
    """The lines of the block of a page of docs/ that begins so."""
    text = (ROOT / "docs" / page).read_text()
    [block] = re.findall(rf"^```\w*\n({re.escape(beginning)}.*?)^```", text, re.M | re.S)
    return block.splitlines()


@pytest.mark.parametrize(
    "page, beginning, target, source",
    [
        ("packages.md", "find_package(", "program", HERE / "matcher.cc"),
        ("embedding.md", "find_package(", "my_program", ROOT / "examples/01_embed/main.cc"),
    ],
)
def test_find_package_as_documented(prefix, tmp_path, page, beginning, target, source):
    """The targets are there; what they link is tried above."""
    find, link = documented(page, beginning)
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n{find}\n"
        f"add_executable({target} {source})\n{link}\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}")


@pytest.mark.parametrize(
    "page, beginning, files",
    [
        ("packages.md", "c++ ", {"program.cc": HERE / "matcher.cc"}),
        ("c_abi.md", "cc ", {"program.c": MATCHER / "main.c", "review.h": MATCHER / "review.h"}),
    ],
)
def test_compilers_as_documented(prefix, sanitized, tmp_path, page, beginning, files):
    if sanitized:
        pytest.skip("the flags of a sanitizer are not pkg-config's to give")
    for name, source in files.items():
        (tmp_path / name).write_bytes(source.read_bytes())
    folder = next(prefix.rglob("routines_core.pc")).parent
    [command] = documented(page, beginning)
    run("sh", "-ec", command, cwd=tmp_path, env=dict(os.environ, PKG_CONFIG_PATH=str(folder)))
    assert (tmp_path / "a.out").exists()


def test_pkg_config(prefix, sanitized, tmp_path):
    folder = next(prefix.rglob("routines_core.pc")).parent
    environment = dict(os.environ, PKG_CONFIG_PATH=str(folder), CXXFLAGS=sanitized)
    if sanitized:
        pytest.skip("the flags of a sanitizer are not pkg-config's to give")
    run(HERE / "pkg_config" / "build.sh", HERE / "matcher.cc", tmp_path / "consumer",
        "routines_core", env=environment)  # fmt: skip
    assert SAID.match(run(tmp_path / "consumer"))
    for module in sorted(path.stem for path in folder.glob("*.pc")):
        run("pkg-config", "--print-errors", "--exists", module, env=environment)


def test_the_core_in_a_project_links_four_libraries_only(tmp_path_factory):
    """The whole core is compiled here: in a folder that is kept, so that it is done once."""
    build = BUILD.parent / f"{BUILD.name}-core"
    launcher = []
    if "CCACHE_DISABLE" not in os.environ and subprocess.run(["which", "ccache"]).returncode == 0:
        launcher = [
            "-DCMAKE_CXX_COMPILER_LAUNCHER=" + ";".join(
                ["env", f"CCACHE_BASEDIR={ROOT}", "CCACHE_NOHASHDIR=1", "ccache"]
            )
        ]  # fmt: skip
    run("cmake", "-G", "Ninja", "-S", HERE / "add_subdirectory", "-B", build,
        f"-DROUTINES_SOURCE={ROOT}", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0",
        *launcher)  # fmt: skip
    run("cmake", "--build", build, "-j2", timeout=3600)
    program = next(build.rglob("consumer"))
    assert SAID.match(run(program))
    assert [name for name in needed(program) if not CORE_ONLY.match(name)] == []


@pytest.mark.parametrize(
    "part", ["EXECUTORS", "SQLITE", "WORKSPACE", "CONNECTOR", "SERVER", "CLI", "CAPI"]
)
def test_what_is_left_out_is_missed_by_nothing(part, tmp_path):
    """CMake refuses to link a target that is not there, and to install one that needs it."""
    run("cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path, "-DROUTINES_TESTS=OFF",
        f"-DROUTINES_{part}=OFF")  # fmt: skip


@pytest.mark.parametrize("program", ["main.cc", "main.c"])
def test_ten_lines_embed_the_matcher(program):
    """Statements of main, declarations and the comment apart."""
    text = (ROOT / "examples" / "02_matcher" / program).read_text()
    body = re.search(r"int main\(\w*\) \{\n(.*)\n\}", text, re.DOTALL).group(1)
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    declaration = re.compile(r"^(static |const )?[\w:]+[*]? \w+(\[.*\])?( = ROUTINES_\w+_INIT)?;$")
    assert 5 <= len([line for line in lines if not declaration.match(line)]) <= 10


def test_headers_of_the_generated_messages_are_installed(prefix):
    headers = {path.name for path in (prefix / "include" / "routines" / "v1").glob("*.pb.h")}
    assert {"routine.pb.h", "event.pb.h", "session.pb.h"} <= headers


def test_nothing_installed_names_the_place_it_was_built_at(prefix):
    for path in prefix.rglob("*"):
        if path.suffix in (".cmake", ".pc", ".h", ".proto"):
            assert str(ROOT) not in path.read_text(), path


@pytest.mark.skipif(os.environ.get("ROUTINES_PRESET", "dev") != "dev", reason="made of the plain build")
def test_debian_packages_hold_library_headers_and_command_line(tmp_path):
    """Made, taken apart into one folder, and a program in C built against that."""
    run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", tmp_path / "made",
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=none", cwd=tmp_path)  # fmt: skip
    made = {path.name.split("_")[0]: path for path in (tmp_path / "made").glob("*.deb")}
    assert {"libroutines-dev", "libroutines-c0", "routines"} <= set(made)
    depends = {name: run("dpkg-deb", "--field", path, "Depends") for name, path in made.items()}
    assert "libprotobuf" in depends["libroutines-c0"] and "libre2" in depends["routines"]
    assert "libabsl-dev" in depends["libroutines-dev"]
    assert "libroutines-c0 (= 0.1.0)" in depends["libroutines-dev"]
    for path in made.values():
        run("dpkg-deb", "-x", path, tmp_path / "root")
    usr = tmp_path / "root" / "usr"
    assert "0.1.0" in run(usr / "bin" / "routines", "--version")
    folder = next(usr.rglob("routines_c.pc")).parent
    example = ROOT / "examples" / "02_matcher"
    flags = run("pkg-config", "--cflags", "--libs", "routines_c",
                env=dict(os.environ, PKG_CONFIG_PATH=str(folder))).split()  # fmt: skip
    run("cc", "-std=c99", example / "main.c", "-o", tmp_path / "program", *flags)
    with open(example / "issue.json") as event:
        said = run(tmp_path / "program", stdin=event,
                   env=dict(os.environ, LD_LIBRARY_PATH=str(folder.parent)))  # fmt: skip
    assert said == "trigger 0\n"
