"""The blocks of Python that the pages of docs/ show are run as they stand there."""

import asyncio
import re
import textwrap
import threading
import time
import types
from datetime import datetime, timedelta, timezone

import pytest

import routines
from conftest import REVIEW, ROOT

BLOCKS = {
    f"{page.name}:{text[: found.start()].count(chr(10)) + 1}": found[1]
    for page in sorted((ROOT / "docs").glob("*.md"))
    for text in [page.read_text(encoding="utf-8")]
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S)
}


def block(beginning):
    [text] = [text for text in BLOCKS.values() if text.startswith(beginning)]
    return text


# Where each is tried, by how it begins.
TRIED = {
    "import sys\n\nimport routines\n": "test_package.py, as examples/02_matcher",
    "import routines\n\n\ndef agent": "test_package.py, as examples/01_embed",
    "try:\n    review = routines.load": "here",
    "schedule = routines.Schedule": "here",
    "class Ticks(routines.ThreadedSource)": "here",
    "async with routines.aio.Engine": "here",
    "import routines\nfrom routines.testing": "here",
}


@pytest.mark.parametrize("where", BLOCKS)
def test_every_block_is_tried(where):
    found = [beginning for beginning in TRIED if BLOCKS[where].startswith(beginning)]
    assert len(found) == 1, "write a test of it, and say so in TRIED"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_problems_of_a_file(folder, capsys):
    (folder / "review.yaml").write_text("name: review\npromt: Look.\n")
    exec(block("try:\n    review"), {"routines": routines})
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == 'promt 2 1 unknown key "promt"; did you mean "prompt"?'


def test_schedules_and_signatures():
    after = datetime(2026, 7, 3, tzinfo=timezone.utc)
    secret, body = b"a secret", b"{}"
    known = {
        "routines": routines,
        "after": after,
        "start": after,
        "end": after + timedelta(days=7),
        "secret": secret,
        "body": body,
        "request": types.SimpleNamespace(
            headers={"X-Hub-Signature-256": routines.github.sign(secret, body)}
        ),
    }
    told = []
    for line in block("schedule =").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("schedule ="):
            exec(line, known)
        else:
            told.append(eval(line, known))
    first, instants, verified = told
    assert str(first) == "2026-07-03 02:07:00+02:00"
    assert instants[0] == first and len(instants) == 5
    assert verified is True


def test_a_source(review):
    known = {"routines": routines, "time": time}
    exec(block("class Ticks"), known)
    emitted = threading.Event()

    class Ticks(known["Ticks"]):
        """Its minutes are over at once."""

        def wait(self, seconds):
            assert seconds == 60
            if emitted.is_set():
                return super().wait(30)
            emitted.set()
            return False

    engine = routines.Engine(default_executor="agent")
    with engine:
        engine.register_executor("agent", lambda execution: None)
        engine.put(
            "name: r\nprompt: p\ntriggers: [{id: t, custom: {source: ticks, type: tick}}]\n"
        )
        engine.add_source(Ticks())
        engine.start()
        deadline = time.monotonic() + 30
        while not engine.sessions() and time.monotonic() < deadline:
            emitted.wait(0.01)
        [session] = engine.sessions()
        session.wait(30)


def test_asyncio(folder, review, capsys):
    async def agent(execution):
        return "looked at it"

    import routines.aio

    known = {"routines": routines, "agent": agent, "review": review}
    exec("async def main():\n" + textwrap.indent(block("async with"), "    "), known)
    asyncio.run(known["main"]())
    assert "succeeded" in capsys.readouterr().out


def test_tests_of_a_configuration(pytester):
    pytester.makefile(".yaml", review=REVIEW)
    pytester.makepyfile(test_review=block("import routines\nfrom routines.testing"))
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
