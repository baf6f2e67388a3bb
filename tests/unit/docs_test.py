"""What the documentation shows exists, and is what the tests run."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    page for where in ("*.md", "docs/*.md", "examples/*/*.md", "bench/*.md", "bindings/*/*.md") for page in ROOT.glob(where)
)


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


@pytest.mark.parametrize("page", ["c_abi", "custom_triggers", "embedding"])
def test_functions_that_a_page_shows_are_those_of_an_example(page):
    """Whole functions, that is; what stands in a few lines alone is a sketch."""
    sources = "".join(
        without_spaces(path.read_text())
        for pattern in ("*/*.c", "*/*.cc", "*/*.h")
        for path in sorted((ROOT / "examples").glob(pattern))
    )
    blocks = re.findall(r"```c(?:pp)?\n(.*?)```", (ROOT / f"docs/{page}.md").read_text(), re.DOTALL)
    shown = [block for block in blocks if re.search(r"^\S.*\) \{$.*^\}$", block, re.DOTALL | re.MULTILINE)]
    assert shown
    assert [block for block in shown if without_spaces(block) not in sources] == []


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
