"""How the tests of packages run commands, and where they find the built tree."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ROUTINES_BUILD", ROOT / "build" / "dev"))


def run(*command, **options):
    """Runs a command that must succeed; its output."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **{"timeout": 600, **options},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout
