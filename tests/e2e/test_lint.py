"""`routines lint`: what is valid and hardly meant, as the command line says it; and files that are none."""

import json
import os
import subprocess

import pytest

from conftest import clean_environment

PULL_REQUESTS = ("triggers: [{{id: t, github: {{repositories: [acme/api], event: pull_request, "
                 "filters: [{}]}}}}]\n")


@pytest.fixture
def lint(routines_bin, tmp_path):
    def run(files, *arguments):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nprompt: Look.\n{text}")
        return subprocess.run([routines_bin, "lint", *map(str, arguments or [tmp_path])], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=30, env=clean_environment())

    return run


def schedule(text):
    return f"triggers: [{{id: t, schedule: {{{text}}}}}]\n"


def after(other):
    return ("triggers: [{id: t, custom: {source: session, type: succeeded, "
            f"filters: [{{field: routine, operator: equals, value: {other}}}]}}}}]\n")


@pytest.mark.parametrize("files, words", [
    ({"a": PULL_REQUESTS.format("{field: base_branch, operator: equals, value: main}, "
                                "{field: base_branch, operator: starts_with, value: release/}")},
     ["a.yaml:3:", "base_branch", "can never hold together"]),
    ({"a": PULL_REQUESTS.format(r"{field: title, operator: matches_regex, value: '[A-Z]+-\d+'}")},
     ["a.yaml:3:", "matches_regex", "must match the whole title"]),
    ({"a": schedule("cron: '0 * * * *'"), "b": schedule("cron: '0 * * * *'")}, ["b.yaml:3:", "a"]),
    ({"a": schedule("at: '2020-01-01T00:00:00Z'")}, ["a.yaml:3:", "2020-01-01"]),
    ({"a": after("b"), "b": after("a")}, ["a", "b", "end"]),
])
def test_finds_what_is_hardly_meant(lint, files, words):
    done = lint(files)
    assert done.returncode == 1 and done.stderr == ""
    for word in words:
        assert word in done.stdout, done.stdout


def test_tells_programs(lint, tmp_path):
    files = {"a": schedule("at: '2020-01-01T00:00:00Z'"), "b": schedule("cron: '7 2 * * *'")}
    done = lint(files, tmp_path, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["files"] == 2 and len(told["problems"]) == 1
    problem = told["problems"][0]
    assert problem["file"].endswith("a.yaml") and problem["line"] == 3
    assert problem["path"].startswith("triggers[0].schedule")
    done = lint(files, tmp_path / "b.yaml", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["problems"] == []


def test_files_that_are_none_are_told_in_bounded_time(lint, tmp_path):
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "large.yaml").write_bytes(b"#" * (2 << 20))
    (tmp_path / "deep.yaml").write_text("name: a\nprompt: x\ntriggers: " + "[" * 20_000 + "]" * 20_000)
    (tmp_path / "escape.yaml").write_text('name: "a\\e[31m"\nprompt: x\n')
    done = lint({"right": schedule("cron: '7 2 * * *'")})
    assert done.returncode == 1
    for name in ("fifo", "binary", "empty", "large", "deep", "escape"):
        assert f"{name}.yaml" in done.stdout, name
    assert "right.yaml" not in done.stdout and "\x1b" not in done.stdout
    assert lint({}, tmp_path / "nowhere.yaml").returncode == 1
    assert lint({}, tmp_path / "fifo.yaml").returncode == 1
