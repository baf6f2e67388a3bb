"""What the documentation shows exists, and is what the tests run."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = (".", "docs", "examples/*", "bench", "bindings/*")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md"))


def without_spaces(text):
    return re.sub(r"\s+", "", text)


def without_code(page):
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """Those that GitHub gives to the headings of a page."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        before = sum(1 for each in found if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each))
        found.append(f"{anchor}-{before}" if before else anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", without_code(page))):
        if link.startswith(("http://", "https://")):
            assert re.fullmatch(r"https?://[\w.-]+\.\w+(:\d+)?(/[^\s<>\"]*)?", link), link
            continue
        target, _, anchor = link.partition("#")
        to = page.parent / target if target else page
        assert to.exists(), link
        assert not anchor or anchor in anchors(to), link


def shown_in_readme(heading):
    """The blocks of code of one section: language and text."""
    section = (ROOT / "README.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)


def test_the_engine_of_the_readme_is_the_example():
    [(language, shown)] = shown_in_readme("Embed the engine")
    assert language == "cpp"
    assert without_spaces(shown) in without_spaces((ROOT / "examples/01_embed/main.cc").read_text())


def test_the_matchers_of_the_readme_are_the_examples_in_ten_lines_each():
    blocks = shown_in_readme("Embed the matcher in ten lines")
    assert [language for language, _ in blocks] == ["cpp", "c", "python"]
    for (_, shown), suffix in zip(blocks, ("cc", "c", "py")):
        example = (ROOT / f"examples/02_matcher/main.{suffix}").read_text()
        assert without_spaces(shown) in without_spaces(example)
        assert len(shown.strip().splitlines()) <= 10


def test_the_case_of_the_readme_is_the_examples():
    [(_, shown)] = shown_in_readme("Test a configuration")
    example = (ROOT / "examples/tested-review/review.test.yaml").read_text()
    assert all(line.strip() in example for line in shown.splitlines())


def blocks(page):
    """The blocks of code of a page: the line where each begins, its language, its text."""
    text = page.read_text()
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield text[: found.start()].count("\n") + 1, found[1], found[2]


COMPILED = [
    pytest.param(text, id=f"{page.name}:{line}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for line, language, text in blocks(page)
    if language in ("c", "cpp")
]


@pytest.mark.parametrize("text", COMPILED)
def test_code_that_a_page_shows_is_compiled(text):
    """It stands in an example, or in a program of the tests."""
    if text == "#include <routines/c/routines.h>\n":
        return  # examples/02_matcher has it in its own form
    for where in ("examples/*/*", "tests/unit/docs/*", "tests/capi/*_test.cc"):
        for path in ROOT.glob(where):
            if path.suffix in (".c", ".cc", ".h") and without_spaces(text) in without_spaces(path.read_text()):
                return
    # Parts of one function may stand apart, each whole lines.
    sketches = without_spaces((ROOT / "tests/unit/docs/pages_in_c.c").read_text())
    assert [line for line in text.splitlines() if without_spaces(line) not in sketches] == []


# Blocks that are neither tried nor compiled by their language: how they begin, and what holds them to the truth.
OTHERS = {
    "architecture.md": {" doors": "a picture; layering_test.py has its edges"},
    "c_abi.md": {"cc program.c": "tests/package/test_package.py"},
    "embedding.md": {"find_package(": "tests/package/test_package.py"},
    "executors.md": {"git diff | jq": "the form of the line before it"},
    "github.md": {
        '{"event_id"': "tests/e2e/test_documented.py, as docs/http_api.md has it",
        "signature=": "tests/e2e/test_webhooks.py",
    },
    "operations.md": {"[Unit]": "tests/e2e/test_documented.py", "sqlite3 ": "as in docs/stores.md"},
    "packages.md": {
        "cmake --preset": "tests/package/conftest.py, test_package.py",
        "find_package(": "tests/package/test_package.py",
        "c++ -std=c++20": "tests/package/test_package.py",
    },
    "python.md": {"pip install": "tests/package/test_wheel.py"},
    "sessions.md": {"            ┌": "a picture"},
    "testing_configs.md": {
        "cases:": "tests/e2e/test_test_cli.py",
        "examples/": "tests/e2e/test_test_cli.py",
    },
    "workspaces.md": {"<root>/": "a picture", " ! [remote": "tests/unit/workspace"},
}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_block_of_a_page_is_tried_somewhere(page):
    """By its kind: C and C++ above, Python in the package's test_documented.py, YAML and commands in that of e2e."""
    if page.name in ("http_api.md", "wrong_files.md"):
        return  # whole, in tests/e2e/test_documented.py and tests/unit/config/documentation_test.cc
    others = OTHERS.get(page.name, {})
    told = set()
    for line, language, text in blocks(page):
        known = [beginning for beginning in others if text.startswith(beginning)]
        told |= set(known)
        by_kind = language in ("c", "cpp", "python", "yaml") or re.match(
            r"(\$ )?routines |eval |sqlite3 |#!/bin/sh", text
        )
        assert known or by_kind, f"{page.name}:{line}: try it in a test, and say here in which"
    assert told == set(others)


def test_the_test_kit_is_in_the_table_of_its_page():
    page = (ROOT / "docs/testing_configs.md").read_text()
    headers = {path.name for path in (ROOT / "include/routines/testing").glob("*.h")}
    assert len(headers) > 15
    parts = {name for name in headers if name.startswith("conformance_")}
    assert [name for name in sorted(headers - parts) if f"`{name}`" not in page] == []


def used(pattern, folder):
    """Words that match in the sources of a folder."""
    found = set()
    for path in (ROOT / "src" / folder).rglob("*.cc"):
        found |= set(re.findall(pattern, path.read_text()))
    return found


def test_every_reason_is_in_the_table():
    documented = (ROOT / "docs/sessions.md").read_text()
    reasons = set()
    for folder in ("base", "connector", "engine", "executor", "workspace"):
        reasons |= used(r'Outcome::(?:Failure|Retryable)\(\s*[\w:]+,\s*"([a-z_]+)"', folder)
        reasons |= used(r'SESSION_STEP_[A-Z]+,\s*"([a-z_]+)"', folder)
        reasons |= used(r'return Failure\("([a-z_]+)"', folder)
        reasons |= used(r'\bFail\("([a-z_]+)"', folder)
    assert len(reasons) > 15
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in documented] == []


def test_every_metric_is_in_the_table():
    documented = (ROOT / "docs/operations.md").read_text()
    metrics = used(r'"(routines_[a-z_]+)"', "server")
    assert len(metrics) > 8
    assert [metric for metric in sorted(metrics) if metric not in documented] == []
