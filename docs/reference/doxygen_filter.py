#!/usr/bin/env python3
"""What Doxygen reads instead of a header: the same lines, with the comments as it wants them.

Our headers have plain comments. Here one before a declaration becomes ///, one behind it ///<; the first one of a
file is the file's, and that of its classes that have none; "---- title ----" begins a group of members; what is
indented by three spaces after an empty line, or one that ends with a colon, is an example. Tests, friends, what is
private and the guards against a second reading are left out. No line is added or removed, so that warnings name the
right one.

    doxygen_filter.py FILE
"""

import pathlib
import re
import sys

TITLE = re.compile(r"\s*(?://|/\*) ---- (.*?)(?: -{4,})?(?: \*/)?$")
RULE = re.compile(r"\s*// ?-{4,}$")
HIDDEN = re.compile(r"( *?)(?:( private:$)|friend |(?:TYPED_)?TEST(?:_F|_P|_SUITE_P)?\()")
NOUN = re.compile(r"(template .*\n)?class \w+ [^;]*\{", re.MULTILINE)


def text(words):
    """A line of prose: nothing in it is markup but what stands in backquotes."""
    parts = re.split(r"(`[^`]*`)", words)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"([\\@<>#*&]|--)", r"\\\1", parts[index])
    return "".join(parts)


class Prose:
    """The lines of one comment, without its marks; knows which of them are an example."""

    def __init__(self):
        self._after_empty = self._example = False

    def line(self, words):
        """`words` as they stand behind the mark, their leading spaces included."""
        if not words.strip():
            self._after_empty = True
            return ""
        indent = len(words) - len(words.lstrip())
        if indent < 3 or (not self._example and not self._after_empty):
            self._example = False
        else:
            self._example = True
        self._after_empty = words.endswith(":")
        return "    " + words if self._example else text(words)


def without_guard(lines, first):
    """Takes the guard out; its first line becomes the end of the comment that is the file's."""
    guard = next((i for i, line in enumerate(lines) if line.startswith("#ifndef ")), None)
    if guard is None:
        return
    lines[guard] = first
    lines[guard + 1] = ""
    for index in range(len(lines) - 1, guard, -1):
        if lines[index].startswith("#endif"):
            lines[index] = ""
            return


def without_hidden(lines):
    """Takes out tests, friends and what is private: Doxygen would link to pages that it does not make."""
    end = None
    for index, line in enumerate(lines):
        if end is None:
            begins = HIDDEN.match(line)
            if not begins:
                continue
            indent, private = begins.groups()
            end = indent + ("};" if private else "}")
            whole = not private and line.endswith((";", " }"))
        last = whole or line == end
        if not (last and private):
            lines[index] = ""
        if last:
            end = None


def cpp(lines, path):
    without_hidden(lines)
    guard = next((i for i, line in enumerate(lines) if line.startswith("#ifndef ")), 0)
    without_guard(lines, "/// @file")
    prose, behind, group = Prose(), None, False
    for index, line in enumerate(lines):
        comment = re.match(r"( *)//(.*)$", line)
        title = TITLE.match(line)
        if index == guard:
            yield line
        elif RULE.match(line) or (title and not line.startswith(" ")):
            yield ""
        elif not line and NOUN.match("\n".join(lines[index + 1 : index + 3])):
            yield f"/// @copydoc {path}"
        elif title:
            yield f"/**@}}*/ /** @name {text(title[1])} */ /**@{{*/" if group else (
                f"/** @name {text(title[1])} */ /**@{{*/"
            )
            group, prose = True, Prose()
        elif comment and behind is not None and len(comment[1]) == behind:
            yield f"{comment[1]}///<{text(comment[2])}"
        elif comment:
            behind = None
            yield f"{comment[1]}///{prose.line(comment[2])}"
        else:
            prose, behind = Prose(), None
            if group and re.match(r"( protected:|\};)", line):
                line, group = "/**@}*/ " + line, False
            trailing = re.match(r'((?:[^"/]|"(?:[^"\\]|\\.)*"|/(?!/))*\S )( *)//(.*)$', line)
            if trailing and not line.startswith(("#", "}")):
                behind = len(trailing[1] + trailing[2])
                line = f"{trailing[1]}{trailing[2]}///<{text(trailing[3])}"
            yield line


class Comments:
    """Those of C, line by line. With `title`, the first one says more about the group of that title."""

    def __init__(self, title=False):
        self._title, self._inside, self._prose = title, False, Prose()

    def line(self, line):
        begins = not self._inside and "/*" in line
        if not begins and not self._inside:
            return line
        before, words = line.split("/*", 1) if begins else ("", re.sub(r"^ \*(?!/)", "", line))
        self._inside = not words.rstrip().endswith("*/")
        words = re.sub(r" ?\*/\s*$", "", words)
        if begins:
            self._prose = Prose()
        mark = "" if not begins or self._title else "/**<" if before.strip() else "/**"
        end = "" if self._inside else " */ /**@{*/" if self._title else " */"
        self._title = self._title and self._inside
        return before + mark + (text(words) if before.strip() else self._prose.line(words)) + end


def c(lines):
    guard = next(i for i, line in enumerate(lines) if line.startswith("#ifndef "))
    without_guard(lines, " */")
    comments, group = Comments(), False
    for index, line in enumerate(lines):
        title = TITLE.match(line)
        if index < guard and line == " */":
            yield " * @file"
        elif index == guard:
            comments = Comments()
            yield line
        elif title:
            more = lines[index + 1].startswith("/*")
            end = "" if more else " */ /**@{*/"
            yield f"{'/**@}*/ ' if group else ''}/** @name {text(title[1])}{end}"
            comments, group = Comments(more), True
        elif group and lines[index + 1].startswith("#ifdef __cplusplus"):
            yield "/**@}*/"
            group = False
        else:
            yield comments.line(line)


def main():
    path = pathlib.Path(sys.argv[1])
    lines = path.read_text().splitlines()
    name = path.as_posix().rpartition("include/")[2]
    out = c(lines) if lines[0].startswith("/*") else cpp(lines, name)
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
