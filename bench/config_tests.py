#!/usr/bin/env python3
"""1,000 cases of a configuration through `routines test`, beside the start of the program alone.

    bench/config_tests.py build/release/bin/routines
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUTINES, CASES, RUNS = 10, 1000, 9

ROUTINE = """\
name: review-{n}
prompt: Review it.
triggers:
  - id: opened
    github:
      repositories: [acme/api-{n}]
      event: pull_request
      actions: [opened, synchronize]
      filters:
        - {{field: base_branch, operator: equals, value: main}}
        - {{field: labels, operator: is_not_one_of, values: [wip, skip-review]}}
        - {{field: is_draft, operator: equals, value: false}}
        - {{field: title, operator: matches_regex, value: "(fix|feat).*"}}
  - {{id: nightly, schedule: {{cron: "7 2 * * 1-5", time_zone: Europe/Berlin}}}}
"""

# Three of four are events that go through matcher, gates, store and explanation; one is a schedule's.
KINDS = (
    "event: {{github: pull_request, repository: acme/api-{n}, fields: {{title: fix {i}}}}}, "
    "expect: fires, sessions: 1",
    "event: {{github: pull_request, repository: acme/api-{n}, fields: {{title: fix {i}, "
    "labels: [wip]}}}}, expect: does_not_fire, triggers: [review-{n}/opened], because: labels",
    "event: {{github: pull_request, repository: acme/api-{n}, fields: {{title: fix {i}, "
    "from_fork: true}}}}, expect: does_not_fire, because: untrusted_author",
    "event: {{schedule: review-{n}/nightly}}, at: \"2026-07-06T02:07:00+02:00\", expect: fires",
)


def seconds(*command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def write(folder, together):
    for n in range(ROUTINES):
        (folder / f"review-{n}.yaml").write_text(ROUTINE.format(n=n))
    cases = [(i % ROUTINES, f"  - {{name: case {i}, "
              + KINDS[i // ROUTINES % len(KINDS)].format(n=i % ROUTINES, i=i) + "}\n")
             for i in range(CASES)]
    if together:  # all ten routines in each case
        (folder / "all.test.yaml").write_text("cases:\n" + "".join(text for _, text in cases))
        return
    for n in range(ROUTINES):
        (folder / f"review-{n}.test.yaml").write_text(
            "cases:\n" + "".join(text for of, text in cases if of == n))


def main():
    binary = sys.argv[1]
    print(f"| {CASES} cases | median s | lowest–highest | ms a case |\n| --- | ---: | ---: | ---: |")
    for name, together in (("a file for each of 10 routines", False),
                           ("one file, all 10 routines in each case", True)):
        with tempfile.TemporaryDirectory() as folder:
            write(pathlib.Path(folder), together)
            runs = sorted(seconds(binary, "test", folder) for _ in range(RUNS))
        median = statistics.median(runs)
        print(f"| {name} | {median:.3f} | {runs[0]:.3f}–{runs[-1]:.3f} | {median:.3f} |")
    start = statistics.median(seconds(binary, "--version") for _ in range(RUNS))
    print(f"| `routines --version`, no case | {start:.3f} | | |")


if __name__ == "__main__":
    main()
