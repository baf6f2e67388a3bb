"""The Conan recipe: conan create packaging/conan"""

import pathlib

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

# What each option of the recipe needs beside the core's; it switches ROUTINES_<OPTION>.
PARTS = {
    "yaml": ["yaml-cpp/[>=0.7]"],
    "engine": ["openssl/[>=3.0 <4]"],
    "executors": ["boost/[>=1.74]", "zlib/[>=1.2]"],
    "sqlite": ["sqlite3/[>=3.40]", "zstd/[>=1.5]"],
    "workspace": ["boost/[>=1.74]", "zlib/[>=1.2]"],
    "connector": ["boost/[>=1.74]", "zlib/[>=1.2]"],
    "server": ["boost/[>=1.74]", "prometheus-cpp/[>=1.0]", "zlib/[>=1.2]"],
    "cli": ["cli11/[>=2.1]"],
    "capi": [],
}
CORE = ["abseil/[>=20220623]", "protobuf/[>=3.21]", "re2/[>=20220601]", "simdjson/[>=3.0]"]


class RoutinesRecipe(ConanFile):
    name = "routines"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "Unattended agent sessions, started by schedules, HTTP calls, GitHub events or a host's own source"
    settings = "os", "arch", "compiler", "build_type"
    package_type = "static-library"
    options = {part: [True, False] for part in PARTS}
    default_options = {part: True for part in PARTS}

    def export_sources(self):
        root = pathlib.Path(self.recipe_folder).resolve().parents[1]
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*", "proto/*", "capi/*", "web/*"):
            copy(self, pattern, src=str(root), dst=self.export_sources_folder)

    def configure(self):
        if not self.options.engine:
            for part in set(PARTS) - {"yaml", "engine"}:
                setattr(self.options, part, False)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        wanted = set(CORE)
        for part, needs in PARTS.items():
            if self.options.get_safe(part):
                wanted |= set(needs)
        for reference in sorted(wanted):
            self.requires(reference, transitive_headers=reference.startswith(("abseil", "protobuf")))

    def build_requirements(self):
        self.tool_requires("protobuf/<host_version>")

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["ROUTINES_TESTS"] = False
        toolchain.cache_variables["ROUTINES_INSTALL"] = True
        for part in PARTS:
            toolchain.cache_variables[f"ROUTINES_{part.upper()}"] = bool(self.options.get_safe(part))
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # The package's own files for CMake say it better than a list here could.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/routines"]
