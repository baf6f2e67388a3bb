#!/usr/bin/env python3
"""Matching through C++, C and Python, beside what is matched with in Python otherwise; and what the package costs.

    bench/bindings.py BINDING_BENCHMARK [ROUTINES]

Run it with an interpreter that has the package, built for release, and jmespath and cel-python. The workload is that of
binding_benchmark, which writes it. All of them have the payload as bytes, and answer with the triggers. Times are CPU time.
"""

import importlib.metadata
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import routines

ROUNDS = 21


def micros(function, events, rounds=ROUNDS):
    """The median over rounds, per event."""
    figures = []
    for _ in range(rounds):
        start = time.thread_time()
        for event in events:
            function(event)
        figures.append(1e6 * (time.thread_time() - start) / len(events))
    return statistics.median(figures)


# ---- what the conditions mean, for the peers ----

FIELDS = {
    "author": "pull_request.user.login",
    "sender": "sender.login",
    "author_association": "pull_request.author_association",
    "title": "pull_request.title",
    "body": "pull_request.body",
    "base_branch": "pull_request.base.ref",
    "head_branch": "pull_request.head.ref",
    "labels": "pull_request.labels[].name",
    "is_draft": "pull_request.draft",
    "is_merged": "pull_request.merged",
    "state": "pull_request.state",
    "from_fork": "[pull_request.head.repo.full_name, pull_request.base.repo.full_name]",
    "action": "action",
    "repository": "repository.full_name",
}
FOLDED = {"author", "sender", "labels", "repository"}


def folded(field, text):
    return text.lower() if field in FOLDED and isinstance(text, str) else text


def test_of(condition):
    """A function of the fields."""
    field, operator = condition["field"], condition["operator"]
    wanted = condition.get("values", [condition.get("value")])
    wanted = {folded(field, each) for each in wanted}
    one = next(iter(wanted))
    single = {
        "equals": lambda seen: seen == one,
        "not_equals": lambda seen: seen != one,
        "is_one_of": lambda seen: seen in wanted,
        "is_not_one_of": lambda seen: seen not in wanted,
        "starts_with": lambda seen: seen.startswith(one),
        "contains": lambda seen: one in seen,
        "matches_regex": lambda seen: re.fullmatch(one, seen, re.DOTALL) is not None,  # re keeps them compiled
    }[operator]
    if field != "labels":
        return lambda fields: single(fields[field])
    whether = all if operator in ("not_equals", "is_not_one_of") else any
    return lambda fields: whether(single(each) for each in fields["labels"])


def scope_of(github):
    return github["repositories"], github.get("actions", [])


def in_scope(github, repository, owner, action):
    names, actions = scope_of(github)
    return (
        any(name.lower() in (repository, f"{owner}/*", "*/*", "*") for name in names)
        if names
        else True
    ) and (not actions or action in actions)


def githubs(lines):
    return [json.loads(line)["triggers"][0]["github"] for line in lines]


class Jmespath:
    name = "jmespath + Python filters, every routine"

    def __init__(self, lines):
        import jmespath

        self.version = importlib.metadata.version("jmespath")
        self.paths = {field: jmespath.compile(path) for field, path in FIELDS.items()}
        self.rules = [
            (number, each, [test_of(one) for one in each.get("filters", [])])
            for number, each in enumerate(githubs(lines))
        ]

    def fields(self, payload):
        event = json.loads(payload)
        fields = {field: path.search(event) for field, path in self.paths.items()}
        fields["from_fork"] = fields["from_fork"][0] != fields["from_fork"][1]
        for field in ("author", "sender", "repository"):
            fields[field] = fields[field].lower()
        fields["labels"] = [each.lower() for each in fields["labels"]]
        for field in ("title", "body"):
            fields[field] = fields[field] or ""
        return fields

    def match(self, payload):
        fields = self.fields(payload)
        owner = fields["repository"].split("/")[0]
        return [
            number
            for number, github, tests in self.rules
            if in_scope(github, fields["repository"], owner, fields["action"])
            and all(test(fields) for test in tests)
        ]


class Cel(Jmespath):
    name = "cel-python, only routines in scope"

    def __init__(self, lines):
        import celpy

        super().__init__(lines)
        self.version = importlib.metadata.version("cel-python")
        self.celpy = celpy
        self.environment = celpy.Environment()
        self.programs = {}

    def program(self, number, github):
        if number not in self.programs:
            text = " && ".join(self.said(each) for each in github.get("filters", [])) or "true"
            self.programs[number] = self.environment.program(self.environment.compile(text))
        return self.programs[number]

    @staticmethod
    def said(condition):
        field, operator = condition["field"], condition["operator"]
        values = [folded(field, each) for each in condition.get("values", [condition.get("value")])]
        seen = "label" if field == "labels" else field
        one, all_of = json.dumps(values[0]), json.dumps(values)
        text = {
            "equals": f"{seen} == {one}",
            "not_equals": f"{seen} != {one}",
            "is_one_of": f"{seen} in {all_of}",
            "is_not_one_of": f"!({seen} in {all_of})",
            "starts_with": f"{seen}.startsWith({one})",
            "contains": f"{seen}.contains({one})",
            "matches_regex": f'{seen}.matches({json.dumps("(?s)^(" + str(values[0]) + ")$")})',
        }[operator]
        if field != "labels":
            return f"({text})"
        whether = "all" if operator in ("not_equals", "is_not_one_of") else "exists"
        return f"labels.{whether}(label, {text})"

    def match(self, payload):
        fields = self.fields(payload)
        owner = fields["repository"].split("/")[0]
        context = {
            field: self.celpy.json_to_cel(value) for field, value in fields.items() if field != "from_fork"
        }
        context["from_fork"] = self.celpy.celtypes.BoolType(fields["from_fork"])
        return [
            number
            for number, github, _ in self.rules
            if in_scope(github, fields["repository"], owner, fields["action"])
            and self.program(number, github).evaluate(context)
        ]


# ---- the tables ----


def in_turns(cpp, function, check, events):
    """Python beside C++, in turns: (Python µs, median of Python / C++)."""
    figures, ratios = [], []
    for _ in range(ROUNDS):
        cpp.stdin.write("\n")
        cpp.stdin.flush()
        beside = float(cpp.stdout.readline().split()[check])
        figures.append(micros(function, events, 1))
        ratios.append(figures[-1] / beside)
    return statistics.median(figures), statistics.median(ratios)


def import_cost():
    """Milliseconds that the import takes after a start of the interpreter: [(wall, CPU)] of 21 runs."""
    program = (
        "import time; wall, cpu = time.perf_counter(), time.process_time(); import routines; "
        "print(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))"
    )
    return [
        tuple(map(float, subprocess.run([sys.executable, "-c", program], check=True,
                                        capture_output=True).stdout.split()))
        for _ in range(21)
    ]


def main():
    benchmark, count = sys.argv[1], (sys.argv + ["10000"])[2]
    with tempfile.TemporaryDirectory() as folder:
        cpp = subprocess.Popen([benchmark, count, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        print("".join(cpp.stdout.readline() for _ in range(3)))
        lines = (pathlib.Path(folder) / "routines.jsonl").read_text().splitlines()
        events = (pathlib.Path(folder) / "events.jsonl").read_bytes().splitlines()
    read = [routines.loads(line) for line in lines]
    numbers = {(each.account, each.name): number for number, each in enumerate(read)}
    matcher = routines.Matcher(read)
    dicts = [json.loads(event) for event in events[:100]]
    rows = []
    for check, name in ((False, "Python, bytes, `check=False`"), (True, "Python, bytes")):
        figure, ratio = in_turns(
            cpp, lambda e: matcher.match("pull_request", e, check=check), check, events
        )
        rows.append((name, figure, f"{ratio:.2f}"))
    cpp.communicate()
    rows.append(("Python, dict", micros(lambda e: matcher.match("pull_request", e), dicts, 3), ""))
    for peer, few in ((Jmespath(lines), events[:20]), (Cel(lines), events[:5])):
        for event in few:  # compiles what is in scope, and compares
            ours = sorted(
                numbers[each.routine.account, each.routine.name]
                for each in matcher.match("pull_request", event)
            )
            assert sorted(peer.match(event)) == ours, peer.name
        rows.append((f"{peer.name} ({peer.version})", micros(peer.match, few, 3), ""))
    print("| through | µs per event | beside C++ doing the same, in turns |\n| --- | ---: | ---: |")
    for name, figure, ratio in rows:
        print(f"| {name} | {figure:,.2f} | {ratio} |")
    walls, cpus = zip(*import_cost())
    print("\n| `import routines` | median ms | lowest |\n| --- | ---: | ---: |")
    for name, figures in (("wall", walls), ("CPU", cpus)):
        print(f"| {name} | {statistics.median(figures):.1f} | {min(figures):.1f} |")


if __name__ == "__main__":
    main()
