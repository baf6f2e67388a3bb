"""What the pages of docs/ and README.md show is run as it stands there, and does what they say.

Here are the lines for a shell, the files in YAML and the curl lines of docs/http_api.md. tests/unit/docs_test.py knows
of every other block where it is tried.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

from conftest import ROOT, clean_environment

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language=None):
    """The blocks of code of a page: where each begins, its language, its text."""
    text = page.read_text(encoding="utf-8")
    return [(f"{page.name}:{text[:found.start()].count(chr(10)) + 1}", found[1], found[2])
            for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)
            if language is None or found[1] == language]  # fmt: skip


def block(page, beginning):
    """The one block of a page that begins so."""
    [text] = [text for _, _, text in blocks(ROOT / page) if text.startswith(beginning)]
    return text


@pytest.fixture
def cli(routines_bin, tmp_path):
    def run(*arguments):
        return subprocess.run([routines_bin, *map(str, arguments)], stdin=subprocess.DEVNULL, cwd=tmp_path,
                              capture_output=True, encoding="utf-8", timeout=60, env=clean_environment())  # fmt: skip

    return run


@pytest.fixture
def shell(routines_bin, tmp_path):
    """Runs lines of a page in a folder of its own, where `routines` is the program under test."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "routines").symlink_to(routines_bin)

    def run(lines, **more):
        path = f"{programs}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-euc", lines], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", timeout=120, env=clean_environment(PATH=path, **more))  # fmt: skip

    return run


# ---- the command line ----


def commands():
    """Every line of every page that runs `routines`: where it stands, and the line."""
    for page in PAGES:
        for where, _, text in blocks(page):
            for line in re.sub(r"\\?\n {2,}", " ", text).splitlines():
                found = re.search(r"(?:^|[/ (])routines ((?:[a-z]+ )*?[a-z]+)(?= |$)", line.removeprefix("$ "))
                if found and not line.startswith((" ", "#", "name:", "description", "Description")):
                    yield where, line


def test_the_commands_and_options_that_are_shown_exist(cli):
    helps, seen = {}, 0

    def help_of(words):
        """Of the command that these words begin with, and its name."""
        for length in range(min(3, len(words)), 0, -1):
            name = " ".join(words[:length])
            if name not in helps:
                done = cli(*words[:length], "--help")
                helps[name] = done.stdout if done.returncode == 0 and f"routines {name} " in done.stdout else ""
            if helps[name]:
                return name, helps[name]
        return "", ""

    for where, line in commands():
        for piece in re.findall(r"(?<![\w.])routines ([a-z][^|&;#)]*)", line.split("#")[0]):
            words = re.match(r"[a-z]+(?: [a-z]+)*", piece)[0].split()
            name, text = help_of(words)
            assert name, f"{where}: there is no command {' '.join(words)}"
            for option in re.findall(r"(?<= |\[)--[a-z][a-z-]*", piece):
                assert option in text, f"{where}: {name} has no {option}"
            seen += 1
    assert seen > 40


def test_the_first_steps(serve, shell, tmp_path):
    """The commands at the top of docs/cli.md; `serve` is started by the fixture, with the same options."""
    first, *lines = block("docs/cli.md", "routines serve --state state --executor").splitlines()
    assert first == 'routines serve --state state --executor agent="python3 agent.py" &'
    (tmp_path / "agent.py").write_text("print(input())")
    file = block("docs/embedding.md", "name: alert\n").replace("name: alert\n", "name: alert-triage\n")
    (tmp_path / "alert-triage.yaml").write_text(file)
    serve(state=tmp_path / "state", executors={"agent": f"python3 {tmp_path}/agent.py"})
    assert lines[-1] == "routines session logs -f session_…"
    lines[-1] = "routines session logs -f $(routines sessions --json | grep -o 'session_[0-9A-Z]*' | head -n 1)"
    done = shell("\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout


def test_the_fire_of_the_readme(serve, shell, tmp_path):
    lines = block("README.md", "routines serve")
    shutil.copytree(ROOT / "examples/alert-triage", tmp_path / "examples/alert-triage")
    file = tmp_path / "examples/alert-triage/routine.yaml"
    # Without the repository, which is elsewhere, and what needs it.
    kept = re.sub(r"^(repositories|environment|connectors):\n(?:[ #].*\n)+", "", file.read_text(), flags=re.M)
    file.write_text(kept)
    (tmp_path / "my_agent.py").write_text("print(input())")
    server = serve(state=tmp_path / "state", executors={"agent": f"python3 {tmp_path}/my_agent.py"},
                   options=["--routines", str(tmp_path / "examples/alert-triage")])  # fmt: skip
    _, create, curl = re.sub(r" \\\n +", " ", lines).replace("\n\n", "\n").splitlines()
    curl = curl.replace("http://127.0.0.1:7433", server.url).replace("Bearer …", 'Bearer $token')
    done = shell(f"token=$({create})\n{curl} --silent --show-error")
    [(_, _, shown)] = [each for each in blocks(ROOT / "README.md", "json")]
    assert list(json.loads(done.stdout)) == list(json.loads(shown))
    assert json.loads(done.stdout)["claude_code_session_url"].startswith(server.url)


def test_the_instants_of_a_schedule(shell):
    command, *expected = block("docs/schedules.md", "$ ").splitlines()
    assert shell(command.removeprefix("$ ")).stdout.splitlines() == expected


REVIEW = """\
name: review
prompt: Review it.
triggers:
  - id: pulls
    github:
      repositories: [acme/api]
      event: pull_request
      filters: [{field: labels, operator: is_not_one_of, values: [wip]}]
"""


@pytest.mark.parametrize("command, labels", [("match", ["bug"]), ("explain", ["bug", "wip"])])
def test_what_match_and_explain_print(shell, tmp_path, command, labels):
    (tmp_path / "routines").mkdir()
    (tmp_path / "routines/review.yaml").write_text(REVIEW)
    pull = {"number": 7, "title": "Mend it", "user": {"login": "mona"}, "labels": [{"name": name} for name in labels]}
    (tmp_path / "opened.json").write_text(json.dumps(
        {"action": "opened", "number": 7, "pull_request": pull, "repository": {"full_name": "acme/api"},
         "sender": {"login": "mona"}}))  # fmt: skip
    first, *expected = block("docs/cli.md", f"$ routines {command} ").splitlines()
    done = shell(first.removeprefix("$ "))
    assert done.stdout.splitlines() == expected, done.stderr


@pytest.mark.parametrize("page, beginning", [("README.md", "$ routines decisions"),
                                             ("docs/cli.md", "$ routines decisions")])  # fmt: skip
def test_the_columns_of_decisions(server, shell, tmp_path, page, beginning):
    """Its rows are of another day."""
    server.apply(tmp_path, "name: review\nprompt: Look.\nexecutor: echo\ntriggers: [{id: trig_review001, api: {}}]\n")
    server.ok("run", "review")
    command, head, *rows = block(page, beginning).splitlines()
    done = shell(command.removeprefix("$ "), ROUTINES_STATE=str(server.state))
    assert done.stdout.splitlines()[0].split() == head.split()
    reasons = {row.split()[3] for row in rows}
    documented = (ROOT / "docs/concepts.md").read_text() + (ROOT / "docs/github.md").read_text()
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in documented] == []


def test_completion_as_a_shell_reads_it(shell):
    bash, _ = block("docs/cli.md", "eval ").splitlines()
    assert shell(f"{bash.split('#')[0]}\ncomplete -p routines").returncode == 0


# ---- files ----


def documented_yaml():
    # Those of these pages have tests of their own: wrong files, and files of tests.
    pages = [page for page in PAGES if page.name not in ("wrong_files.md", "testing_configs.md", "README.md")]
    return [pytest.param(text, id=where) for page in pages for where, _, text in blocks(page, "yaml")]


@pytest.mark.parametrize("text", documented_yaml())
def test_routines_in_yaml_are_valid(cli, tmp_path, text):
    """Parts of one get a name and a prompt."""
    if not text.startswith("name:"):
        text = f"name: documented\nprompt: Look.\n{text}"
    (tmp_path / "routine.yaml").write_text(text)
    done = cli("validate", tmp_path / "routine.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_agent_in_a_shell(serve, tmp_path):
    (tmp_path / "agent.sh").write_text(block("docs/executors.md", "#!/bin/sh"))
    server = serve(executors={"agent": f"sh {tmp_path}/agent.sh"})
    makefile = "printf \"test:\\n\\t@true\\n\" > Makefile"
    server.apply(tmp_path, f"name: r\nprompt: Look.\nenvironment: {{setup_script: '{makefile}'}}\n")
    session = server.json("run", "r")["claude_code_session_id"]
    assert server.json("session", "wait", session)["state"] == "succeeded", server.ok("session", "logs", session)
    entries = [json.loads(line) for line in server.ok("session", "logs", session, "--json").splitlines()]
    found = {key: entry[key] for entry in entries for key in entry}
    assert found["assistant_text"]["text"] == "I will run the tests."
    assert found["tool_call"]["name"] == "sh"
    assert found["usage"]["input_tokens"] == 1200
    assert found["result"]["text"] == "the tests were run"


def test_questions_to_the_database(server, tmp_path):
    """In the module of Python: the program sqlite3 need not be here."""
    server.apply(tmp_path, "name: r\nprompt: Look.\nexecutor: echo\n")
    session = server.json("run", "r")["claude_code_session_id"]
    server.json("session", "wait", session)
    server.stop()
    questions = re.findall(r'state\.db "([^"]*)"', block("docs/stores.md", "sqlite3 -readonly"))
    with sqlite3.connect(f"file:{server.state}/state.db?mode=ro", uri=True) as database:
        rows, counts = [database.execute(question).fetchall() for question in questions]
        assert [row[0] for row in rows] == [session]
        assert len(counts) == 1 and counts[0][1] == 1
    vacuum = re.search(r'"(VACUUM INTO .*?)"', block("docs/stores.md", "sqlite3 state.db"))[1]
    copy = tmp_path / "copy.db"
    with sqlite3.connect(server.state / "state.db", isolation_level=None) as database:
        database.execute(re.sub(r"'.*'", f"'{copy}'", vacuum))
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM sessions").fetchone() == (1,)


# ---- HTTP ----

class Page:
    """Runs the curl lines of docs/http_api.md one after the other; ids of the page become those of the server."""

    CURL = r"""curl() { command curl --silent --show-error --max-time 60 -w '\n%{http_code}' "$@"; }"""

    def __init__(self, server, shell, values, environment):
        self.server, self.shell, self.values, self.environment = server, shell, values, environment

    def run(self, text):
        """Each command with what the page says comes of it."""
        answers = []
        parts = re.split(r"^(?=curl )", re.sub(r" \\\n +", " ", text), flags=re.M)[1:]
        for part in parts:
            command, _, expected = part.partition("\n")
            command, _, said = re.match(r"(.*?)(?:(\s{2,}# )(.*))?$", command).groups()
            for shown, real in self.values.items():
                command = command.replace(shown, real)
            done = self.shell(f"{self.CURL}\n{command}", **self.environment)
            assert done.returncode == 0, done.stderr
            body, _, status = done.stdout.rpartition("\n")
            wanted = re.match(r"\d{3}\b", said or "")
            assert status == wanted[0] if wanted else status in ("200", "201"), f"{command}: {done.stdout}"
            self.compare(command, body, "\n".join(filter(None, [said, expected])))
            answers.append(body)
        return answers

    def compare(self, command, body, expected):
        # The last page has no next one.
        keys = set(re.findall(r'"(\w+)":', expected)) - {"next_before"}
        missing = [key for key in sorted(keys) if f'"{key}":' not in body]
        assert not missing, f"{command}: no {missing} in {body}"
        for line in expected.splitlines():
            if re.match(r"(id|event|data): ", line):
                assert line.partition("…")[0] in body, f"{command}: no {line} in {body}"


def section(heading):
    """The blocks under one heading of the page."""
    text = (ROOT / "docs/http_api.md").read_text(encoding="utf-8")
    [part] = [each for each in re.split(r"^#+ ", text, flags=re.M) if each.startswith(f"{heading}\n")]
    return re.findall(r"^```\n(.*?)^```", part, re.M | re.S)


TRIGGER = "trig_01ABCDEFGHJKLMNOPQRSTUVW"
ALERT = f"name: alert-triage\nprompt: Look.\nexecutor: echo\ntriggers: [{{id: {TRIGGER}, api: {{}}}}]\n"


@pytest.fixture
def page(server, shell, tmp_path):
    """With what the page takes for granted: its routines, the third revision of one, and a token."""
    server.apply(tmp_path, ALERT, "alert.yaml")
    (tmp_path / "routine.yaml").write_text(ALERT.replace(TRIGGER, "alert"))
    for revision in range(1, 4):
        server.apply(tmp_path, f"name: review\nprompt: Review {revision}.\ntriggers:\n  - id: opened\n    github:\n"
                               "      repositories: [acme/api]\n      event: pull_request\n"
                               "      filters: [{field: base_branch, operator: equals, value: main}]\n")  # fmt: skip
    environment = {"R": server.url, "TOKEN": server.json("token", "create", TRIGGER)["secret"],
                   "ADMIN": server.admin_token}  # fmt: skip
    return Page(server, shell, {}, environment)


def test_the_http_api_as_curl_sees_it(page, tmp_path):
    server = page.server
    fire, answer = section("Fire")
    [fired] = page.run(fire)
    assert list(json.loads(fired)) == list(json.loads(answer))
    session = json.loads(fired)["claude_code_session_id"]
    page.values = {"session_01M8…": session, "Last-Event-ID: 41": "Last-Event-ID: 1"}
    page.environment["KEY"] = json.loads(fired)["claude_code_session_url"].partition("?key=")[2]
    server.json("session", "wait", session)
    for heading in ("A session", "Events", "Cancel", "Sessions and decisions"):
        for text in section(heading):
            # The page resumes a longer stream.
            page.run(text.replace("id: 42", "id: 2").replace('"sequence":42', '"sequence":2'))

    [hooks] = section("Hooks")
    page.run(hooks)
    (tmp_path / "secret").write_text("correct-horse-battery-staple")
    server.ok("github", "hook", "add", "other", "--secret-file", tmp_path / "secret")
    pull = {"number": 7, "title": "Mend it", "base": {"ref": "next"}, "user": {"login": "mona"}}
    (tmp_path / "opened.json").write_text(json.dumps(
        {"action": "opened", "number": 7, "pull_request": pull, "repository": {"full_name": "acme/api"},
         "sender": {"login": "mona"}}))  # fmt: skip
    server.ok("deliver", "--payload", tmp_path / "opened.json", "--event", "pull_request", "--hook", "other",
              "--secret-file", tmp_path / "secret")  # fmt: skip
    page.values = {"event_…": server.json("event", "list")["events"][0]["id"]}
    [events] = section("Stored events")
    why = json.loads(page.run(events)[-1])
    assert (why["revision"], why["matched"]) == (3, False)
    held = [each for each in why["triggers"][0]["conditions"] if each["field"] == "base_branch"]
    assert [(each["expected"], each["actual"], each["held"]) for each in held] == [('"main"', '"next"', False)]

    routines, wrong = section("Routines")
    page.run(routines)
    (tmp_path / "routine.yaml").write_text("name: alert-triage\npromt: Look.\nmodle: x\n")
    done = page.shell(re.search("^curl -X PUT .*?(?=  )", routines)[0] + " --silent", **page.environment)
    shown, said = json.loads(re.sub(r",…\]", "]", wrong))["error"], json.loads(done.stdout)["error"]
    [first] = shown.pop("problems")
    problems = said.pop("problems")
    assert said == shown and len(problems) == 2
    assert problems[0] == {**first, "message": problems[0]["message"]}

    server.apply(tmp_path, ALERT, "alert.yaml")
    [tokens] = section("Tokens")
    page.values = {"trig_…": TRIGGER}
    create, others = re.match(r"(curl.*?)(?=^curl)(.*)", tokens, re.M | re.S).groups()
    [issued] = page.run(create)
    page.values["token_…"] = json.loads(issued)["token"]["id"]
    page.run(others)

    [error] = section("Errors")
    refused = server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", b'{"text": 7}',
                             {"Content-Type": "application/json"},
                             server.json("token", "rotate", TRIGGER)["secret"])  # fmt: skip
    assert refused.json["error"] == json.loads(error)["error"]
