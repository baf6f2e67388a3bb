#!/usr/bin/env python3
"""Schedules beside robfig/cron, gorhill/cronexpr (Go) and croniter (Python), in one run.

    bench/schedule.py build/release/bin/schedule_benchmark
"""

import json
import os
import pathlib
import subprocess
import sys

PEERS = pathlib.Path(__file__).resolve().parent / "peers" / "schedule"
EXPRESSIONS = PEERS / "expressions.tsv"


def results(command, **options):
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", **options).stdout
    return {row["name"]: row for row in map(json.loads, out.splitlines())}


def figure(nanoseconds):
    return f"{nanoseconds:,.0f}"


def main():
    go = {"cwd": PEERS, "env": {**os.environ, "GOFLAGS": "-mod=mod"}}
    engines = {
        "routines": results([sys.argv[1], EXPRESSIONS]),
        "robfig/cron": results(["go", "run", ".", "robfig", EXPRESSIONS], **go),
        "gorhill/cronexpr": results(["go", "run", ".", "gorhill", EXPRESSIONS], **go),
        "croniter": results(["/usr/bin/python3", PEERS / "croniter_peer.py", EXPRESSIONS]),
    }
    for what in ("next", "parse"):
        print(f"\n| {what}, ns | " + " | ".join(engines) + " | fastest peer / routines |")
        print("| --- |" + " ---: |" * (len(engines) + 1))
        for name, own in engines["routines"].items():
            row = [rows[name][what] for rows in engines.values()]
            ratio = min(row[1:]) / own[what]
            print(f"| {name} | " + " | ".join(map(figure, row)) + f" | {ratio:.1f} |")
    for name, own in engines["routines"].items():
        odd = [engine for engine, rows in engines.items()
               if rows[name].get("sum", own["sum"]) != own["sum"]]
        if odd:
            print(f"\n{name}: other instants than ours in {', '.join(odd)}")


if __name__ == "__main__":
    main()
