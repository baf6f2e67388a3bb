"""The build backend: scikit-build-core's, but an sdist carries the C++ sources with it, in cpp/.

They lie above this folder, where an sdist cannot reach; they are copied here while it is made.
"""

import contextlib
import pathlib
import shutil

from scikit_build_core.build import (
    build_editable,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from scikit_build_core.build import build_sdist as _build_sdist

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

HERE = pathlib.Path(__file__).resolve().parents[1]
CPP = HERE / "cpp"
# What the library is built of; nothing that tests or the command line need.
PARTS = ("CMakeLists.txt", "LICENSE", "capi", "cmake", "include", "proto", "src")


@contextlib.contextmanager
def _sources():
    above = HERE.parents[1]
    # Of an sdist another sdist can be made.
    if CPP.exists() or not (above / "capi").is_dir():
        yield
        return
    try:
        CPP.mkdir()
        for part in PARTS:
            if (above / part).is_dir():
                shutil.copytree(above / part, CPP / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(above / part, CPP / part)
        yield
    finally:
        shutil.rmtree(CPP, ignore_errors=True)


def build_sdist(sdist_directory, config_settings=None):
    with _sources():
        return _build_sdist(sdist_directory, config_settings)
