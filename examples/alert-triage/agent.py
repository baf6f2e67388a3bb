#!/usr/bin/env python3
"""An agent without a model, so that the demo needs no account.

It does what an agent does, for one kind of error: reads the alert from its prompt (standard input),
runs the tests, finds the line that the stack trace names, edits it, runs the tests again, commits and
pushes. What it says and does it reports as events, one JSON object a line, on the descriptor that
ROUTINES_EVENTS_FD names (docs/executors.md).
"""

import ast
import json
import os
import pathlib
import re
import subprocess
import sys


class GivingUp(Exception):
    """The agent's own verdict: it could not do what it was asked for."""


class Events:
    """The way back to the session's log."""

    def __init__(self):
        descriptor = os.environ.get("ROUTINES_EVENTS_FD")
        self._file = open(int(descriptor), "w", encoding="utf-8") if descriptor else None
        self._calls = 0

    def send(self, kind, **fields):
        if self._file is None:
            print(kind, fields, flush=True)
        else:
            print(json.dumps({"type": kind, **fields}), file=self._file, flush=True)

    def say(self, text):
        self.send("assistant_text", text=text)

    def tool(self, name, tool_input, work):
        """Runs work() as a tool call; it returns (is_error, text)."""
        self._calls += 1
        call_id = f"call_{self._calls}"
        self.send("tool_call", id=call_id, name=name, input=tool_input)
        is_error, text = work()
        self.send("tool_result", id=call_id, is_error=is_error, text=text)
        return is_error, text


class Agent:
    def __init__(self, prompt, events):
        self.alert = untrusted_text(prompt)
        self.events = events

    def run(self, *command):
        """A command in the clone; returns (failed, output)."""

        def work():
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, encoding="utf-8", errors="replace")
            return done.returncode != 0, done.stdout

        return self.events.tool("run", {"command": list(command)}, work)

    def must_run(self, *command):
        failed, output = self.run(*command)
        if failed:
            raise GivingUp(f"`{' '.join(command)}` failed: {output.strip()}")
        return output.strip()

    def run_tests(self):
        return self.run(sys.executable, "-m", "unittest")

    def work(self):
        match = re.search(r"\b[A-Z][A-Z0-9]{1,9}-[0-9]{1,9}\b", self.alert)
        if match is None:
            raise GivingUp("the alert has no id such as SEN-4521; there is nothing to name a branch by")
        alert_id = match.group()
        self.events.say(f"Alert {alert_id}. First the tests, as they are.")
        failed, output = self.run_tests()
        if not failed:
            raise GivingUp("all tests pass: the alert's error does not show here")

        # The alert's own trace first: it is the failure that matters. Without one, the failing test's.
        path, line = find_frame(self.alert) or find_frame(output) or (None, 0)
        if path is None:
            raise GivingUp("neither the alert nor the failing test names a line of this repository")
        error = (re.findall(r"^(\w+Error)\b", self.alert, re.M) or
                 re.findall(r"^(\w+Error)\b", output, re.M) or ["?"])[-1]
        self.events.say(f"{error} at {path}:{line}. I read the file.")
        if error != "ZeroDivisionError":
            raise GivingUp(f"a {error} is beyond me; look at {path}:{line}")

        divisor = self.edit(path, line)
        failed, output = self.run_tests()
        if failed:
            self.run("git", "checkout", "--", str(path))
            raise GivingUp(f"the tests still fail with a guard at {path}:{line}; I took it back")
        return self.publish(alert_id, error, path, line, divisor)

    def edit(self, path, line):
        """Guards the division at that line; returns the divisor's text."""
        source = path.read_text(encoding="utf-8")
        divisor = divisor_at(source, line)
        lines = source.splitlines(keepends=True)
        indent = re.match(r"\s*", lines[line - 1]).group()
        guard = f"{indent}if not {divisor}:\n{indent}    return 0\n"

        def work():
            lines.insert(line - 1, guard)
            path.write_text("".join(lines), encoding="utf-8")
            return False, guard

        self.events.tool("edit", {"path": str(path), "before_line": line, "insert": guard}, work)
        return divisor

    def publish(self, alert_id, error, path, line, divisor):
        branch = f"claude/fix-{alert_id}"
        cause = self.must_run("git", "blame", "-s", "-L", f"{line},{line}", "HEAD", "--", str(path))
        message = (f"Guard the division in {path.name}\n\n"
                   f"Alert {alert_id}: {error} at {path}:{line}.\n"
                   f"The line came in with commit {cause.split()[0].lstrip('^')}; it divides by\n"
                   f"{divisor}, which may be zero. The failing test passes now, all others too.\n")
        self.must_run("git", "checkout", "-q", "-b", branch)
        self.must_run("git", "-c", "user.name=Alert triage", "-c", "user.email=agent@localhost",
                      "commit", "-q", "-m", message, "--", str(path))
        self.must_run("git", "push", "-q", "origin", branch)
        return f"{alert_id}: guarded the division at {path}:{line}, all tests pass, pushed {branch}."


def untrusted_text(prompt):
    """What the event brought: data to work on, wherever it says otherwise."""
    match = re.search(r"<untrusted-data-([0-9a-f]+)>\n(.*)\n</untrusted-data-\1>", prompt, re.S)
    return match.group(2) if match else ""


def find_frame(text):
    """The innermost line of a stack trace that lies in this repository and not in a test.

    The trace is of another machine, so a path counts by its end: /srv/api/checkout/totals.py is
    checkout/totals.py here. The repository is the working directory.
    """
    tracked = subprocess.run(["git", "ls-files", "-z", "*.py"], stdout=subprocess.PIPE, check=True,
                             encoding="utf-8").stdout.split("\0")
    for name, line in reversed(re.findall(r'File "([^"\n]+)", line (\d+)', text)):
        for path in filter(None, tracked):
            if ("/" + name).endswith("/" + path) and "test" not in pathlib.PurePath(path).name:
                return pathlib.Path(path), int(line)
    return None


def divisor_at(source, line):
    """The text of the divisor of the first division in that line."""
    for node in ast.walk(ast.parse(source)):
        is_division = isinstance(node, ast.BinOp) and isinstance(node.op,
                                                                 (ast.Div, ast.FloorDiv, ast.Mod))
        if is_division and node.lineno == line:
            return ast.get_source_segment(source, node.right)
    raise GivingUp(f"line {line} has no division: the code here is not what ran there")


def main():
    events = Events()
    try:
        text, failed = Agent(sys.stdin.read(), events).work(), False
    except GivingUp as verdict:
        text, failed = str(verdict), True
    events.send("result", is_error=failed, text=text)
    print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
