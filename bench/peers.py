"""Measures the matcher beside its peers on one workload. Started by `script/bench --peers`.

Fetches aws/event-ruler (mvn), google/cel-go and timbray/quamina (go) from their registries, builds
their drivers (bench/peers/match), runs every engine on the same routines and events, holds their
answers to ours event by event, and puts the table into bench/RESULTS.md.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from run import machine

BENCH = pathlib.Path(__file__).resolve().parent
RESULTS = BENCH / "RESULTS.md"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
SUBSETS = {"simple": "S", "contains": "C", "full": "F"}
RULER = ["event-ruler", "event-ruler, plain contains"]
QUAMINA = ["quamina", "quamina, sharded"]
CEL = ["cel-go", "cel-go, sharded"]
GOALS = [  # routines, how many times the events per second, of which engines
    (10_000, 50, RULER),
    (10_000, 500, QUAMINA),
    (10_000, 2_500, CEL),
    (100_000, 150, RULER),
    (100_000, 2_500, QUAMINA),
]


# ---- drivers ----------------------------------------------------------------------------------------
class Driver:
    """A peer's program. `trouble` says why there is none."""

    def __init__(self, name, command, subsets, trouble=None):
        self.name, self.command, self.subsets, self.trouble = name, command, subsets, trouble


def attempt(command, **options):
    """None, or why it failed."""
    try:
        done = subprocess.run(command, text=True, timeout=600, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    print(done.stdout, file=sys.stderr)
    return "it could not be fetched, or not built, where this ran"


def go_driver(name, folder, module, subsets):
    binary = folder / module / "driver"
    # The module's sums are completed in a copy, never in the source tree.
    environment = {**os.environ, "GOFLAGS": "-mod=mod -buildvcs=false"}
    trouble = attempt(["go", "build", "-o", binary, "."], cwd=folder / module, env=environment)
    return Driver(name, [binary], subsets, trouble)


def java_driver(folder):
    home = folder / "event_ruler"
    trouble = attempt(["mvn", "-q", "-B", "-f", home / "pom.xml", "dependency:copy-dependencies",
                       "-DincludeScope=runtime", f"-DoutputDirectory={home / 'lib'}"])
    trouble = trouble or attempt(["javac", "-d", home / "classes", "-cp", f"{home / 'lib'}/*",
                                  home / "EventRulerPeer.java"])
    command = ["java", "-Xms2g", "-Xmx8g", "-XX:+UseParallelGC", "-cp",
               f"{home / 'classes'}:{home / 'lib'}/*", "EventRulerPeer"]
    return Driver("event-ruler", command, list(SUBSETS), trouble)


def make_drivers(build):
    folder = build / "peers"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BENCH / "peers/match", folder)
    return [
        java_driver(folder),
        go_driver("quamina", folder, "quamina", list(SUBSETS)),
        go_driver("cel-go", folder, "cel", ["full"]),  # the subsets are the same to it
    ]


# ---- running ----------------------------------------------------------------------------------------
def rows_of(command, limit):
    """The rows that a program printed, and why it stopped before its end, if so."""
    try:
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, timeout=limit,
                              check=False)
        trouble = None if done.returncode == 0 else f"exit code {done.returncode}"
        out = done.stdout
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode()
        trouble = f"did not finish within {limit} s"
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")], trouble


def answers(folder, engine):
    return [line.split() for line in (folder / f"{engine}.answers").read_text().splitlines()]


def compare(folder, row, truth):
    """Events compared, and how many of them got another answer than ours."""
    if not row["answers"]:
        return 0, 0
    theirs = answers(folder, row["engine"])
    compared = min(len(theirs), len(truth))
    return compared, sum(sorted(a) != sorted(b) for a, b in zip(theirs, truth))


def measure(options, drivers, size, subset):
    with tempfile.TemporaryDirectory(dir=options.work) as name:
        folder = pathlib.Path(name)
        own = [options.build / "bin/match_peers", folder, "--routines", size, "--subset", subset]
        own += ["--events", options.events, "--seconds", options.seconds]
        rows, trouble = rows_of(own, options.limit)
        assert trouble is None and rows[0]["engine"] == "routines", trouble
        for driver in drivers:
            if subset not in driver.subsets or driver.trouble:
                continue
            found, trouble = rows_of([*driver.command, folder, options.seconds], options.limit)
            rows += found
            if trouble:
                rows.append({"engine": driver.name, "trouble": trouble})
        truth = answers(folder, "routines")
        assert any(truth) or size <= 10, "a workload without a match compares nothing"
        for row in rows:
            if "trouble" not in row:
                row["compared"], row["wrong"] = compare(folder, row, truth)
    for row in rows:
        row["size"], row["subset"] = size, subset
        print(json.dumps(row), file=sys.stderr, flush=True)
    return rows


# ---- the table --------------------------------------------------------------------------------------
def rate(row):
    return row["events"] / min(row["cpu"], row["wall"])


def line(row, ours):
    head = f"| {row['size']:,} | {SUBSETS[row['subset']]} | {row['engine']} |"
    if "trouble" in row:
        return f"{head} {row['trouble']} | | | | | |"
    times = rate(ours) / rate(row)
    same = "–" if not row["answers"] else f"{row['compared']:,} the same"
    if row["wrong"]:
        same = f"**{row['wrong']:,} of {row['compared']:,} differ**"
    own = row["engine"] == "routines" or not row["answers"]
    return (f"{head} {rate(row):,.{0 if rate(row) >= 100 else 1}f} | {times:,.{1 if times < 100 else 0}f} | "
            f"{'–' if own and not row['answers'] else format(row['build'], '.2f')} | "
            f"{'–' if own and not row['answers'] else format(row['bytes'], ',.0f')} | "
            f"{row['matches'] / max(row['events'], 1):,.1f} | {same} |")


def goals(rows, ours):
    yield "| goal | " + " | ".join(SUBSETS.values()) + " |"
    yield "| --- | ---: | ---: | ---: |"
    for size, wanted, engines in GOALS:
        for engine in engines:
            cells = ["–"] * len(SUBSETS)
            for row in rows:
                if row["size"] == size and row["engine"] == engine and "trouble" not in row:
                    at = list(SUBSETS).index(row["subset"])
                    cells[at] = f"{rate(ours[size, row['subset']]) / rate(row):,.0f}"
            yield f"| {size:,} routines: ≥ {wanted:,} × {engine} | {' | '.join(cells)} |"


def report(options, drivers, rows):
    ours = {(row["size"], row["subset"]): row for row in rows if row["engine"] == "routines"}
    yield f"{datetime.date.today()}, {machine()}; `script/bench --peers`, {options.seconds} s an engine."
    yield ""
    for driver in drivers:
        if driver.trouble:
            yield f"No figures for {driver.name}: {driver.trouble}."
            yield ""
    yield "| routines | set | engine | events/s per core | ours / it | build s | B/routine | matches | answers |"
    yield "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        yield line(row, ours[row["size"], row["subset"]])
    yield ""
    yield from goals(rows, ours)


def put_into_results(text):
    before, begin, rest = RESULTS.read_text().partition(BEGIN)
    assert begin and END in rest, f"{RESULTS} has no place for the table"
    RESULTS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a release build")
    parser.add_argument("--sizes", default="10,1000,10000,100000", help="numbers of routines")
    parser.add_argument("--subsets", default="simple,contains,full")
    parser.add_argument("--events", type=int, default=4000, help="the first 1,000 warm up")
    parser.add_argument("--seconds", type=float, default=2, help="most time of one measurement")
    parser.add_argument("--limit", type=int, default=150, help="most seconds of one peer's run")
    parser.add_argument("--work", default=None, help="folder for the workload's files")
    parser.add_argument("--no-write", action="store_true", help="leave bench/RESULTS.md as it is")
    options = parser.parse_args()
    options.build = options.build.resolve()
    drivers = make_drivers(options.build)
    rows = []
    for size in map(int, options.sizes.split(",")):
        for subset in options.subsets.split(","):
            rows += measure(options, drivers, size, subset)
    text = "\n".join(report(options, drivers, rows))
    print(text)
    if not options.no_write:
        put_into_results(text)
    wrong = sorted({row["engine"] for row in rows if row.get("wrong")})
    if wrong:
        sys.exit(f"other answers than ours: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
