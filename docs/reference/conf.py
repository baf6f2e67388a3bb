"""Sphinx's configuration: the hand-written pages and the Python package. script/docs runs it at the root.

The pages are written for whoever reads them in the repository. Where one links a header, the link leads to
Doxygen's page of it; a folder has no page, so that only its name stays.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings/python/src"))

project = "routines"
author = "the authors of routines"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "bench/RESULTS.md",
    "docs/*.md",
    "docs/reference/*.rst",
    "examples/*/README.md",
]
root_doc = "README"
html_theme = "alabaster"
html_theme_options = {"page_width": "70em", "sidebar_width": "15em", "fixed_sidebar": True}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
add_module_names = False
toc_object_entries = False

myst_heading_anchors = 6
# The module is compiled; everything public is written in Python over it.
autodoc_mock_imports = ["pytest", "routines._core"]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# What a type hint names need not be described here, and a word of a shell is no language.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]  # of files that are wrong on purpose

# README.md has no list of pages that Sphinx would know: the table at its end is one for people.
CONTENTS = """
```{toctree}
:hidden:
:glob:

docs/*
docs/reference/*
bench/RESULTS
examples/*/README
CONTRIBUTING
CHANGELOG
```
"""


def pages_of_headers():
    """Doxygen's page by the path of each header."""
    found = {}
    tags = xml.etree.ElementTree.parse(ROOT / "build/docs/cpp.tag")
    for compound in tags.getroot().findall("compound[@kind='file']"):
        name = compound.findtext("path") + compound.findtext("name")
        for folder in ("include", "capi/include"):
            if (ROOT / folder / name).exists():
                found[f"{folder}/{name}"] = compound.findtext("filename")
    return found


def on_source_read(app, docname, content):
    folder = (ROOT / docname).parent
    top = "../" * docname.count("/")
    headers = pages_of_headers()

    def replace(found):
        words, target = found.groups()
        path = (folder / target).resolve()
        if path.is_dir():
            return words
        header = headers.get(path.relative_to(ROOT).as_posix())
        return f'<a href="{top}cpp/{header}">{words}</a>' if header else found[0]

    content[0] = re.sub(r"\[([^\]]+)\]\(((?!https?:|#)[^)\s#]+)\)", replace, content[0])
    if docname == root_doc:
        content[0] += CONTENTS


def on_process_docstring(app, what, name, obj, options, lines):
    """An indented block behind an empty line is an example; a plural s may stand behind a word of code."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()
    for index in range(len(lines) - 1, -1, -1):
        lines[index] = re.sub(r"(``[^`]+``)(?=\w)", r"\1\\ ", lines[index])
        indented = index > 1 and lines[index].startswith("    ")
        if indented and not lines[index - 1] and not lines[index - 2].startswith("    "):
            lines[index:index] = ["::", ""]


def setup(app):
    app.connect("source-read", on_source_read)
    app.connect("autodoc-process-docstring", on_process_docstring)
