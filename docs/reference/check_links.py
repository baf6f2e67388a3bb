#!/usr/bin/env python3
"""Whether every link of a folder of HTML leads somewhere: to a file of it, and to an anchor that the file has.

    check_links.py FOLDER

Goes nowhere near a network: of a link to elsewhere only the form is looked at. Prints what is wrong, one a line, and
ends with 1 then.
"""

import html.parser
import os
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The links and the anchors of one file."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and tag != "base":
                self.links.add(value or "")
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)


def form(link):
    """What is wrong with a link to elsewhere; None: nothing."""
    try:
        parts = urllib.parse.urlsplit(link)
        parts.port  # raises for what is no number
    except ValueError as error:
        return str(error)
    if parts.scheme in ("data", "mailto", "javascript"):
        return None
    if parts.scheme not in ("http", "https"):
        return "neither a file nor http"
    if not parts.hostname or any(letter in link for letter in ' <>"\\'):
        return "not the form of a URL"
    return None


def problems(folder):
    # All of them at once: each is asked for its anchors by many others.
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted(page.links):
            if urllib.parse.urlsplit(link.split("://")[0]).scheme or "://" in link or link.startswith("//"):
                wrong = form(link)
            else:
                wrong = inside(folder, pages, path, link)
            if wrong:
                yield f"{path.relative_to(folder)}: {link}: {wrong}"


def inside(folder, pages, path, link):
    """What is wrong with a link to another file of the folder, or within its own."""
    target, _, anchor = link.partition("#")
    target = urllib.parse.unquote(target.partition("?")[0])
    found = pathlib.Path(os.path.normpath(path.parent / target)) if target else path
    if not found.is_relative_to(folder):
        return "leads out of the folder"
    if not found.is_file():
        return "no such file"
    if anchor and found in pages and urllib.parse.unquote(anchor) not in pages[found].anchors:
        return "no such anchor"
    return None


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    found = list(problems(folder))
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
