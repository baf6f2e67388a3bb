"""The time of parsing and of finding the next instant in croniter, as bench/schedule_benchmark.cc has it."""

import datetime
import json
import statistics
import sys
import time
import zoneinfo

from croniter import croniter

INSTANTS, RUNS, FIRST_SECOND = 1024, 3, 1_767_225_600
SAMPLE = 64  # of the instants: it is slow


def measure(work):
    took = []
    for _ in range(RUNS):
        begin = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - begin) / SAMPLE)
    return statistics.median(took)


for line in open(sys.argv[1], encoding="utf-8"):
    name, expression, zone = line.rstrip("\n").split("\t")
    zone = zoneinfo.ZoneInfo(zone)
    starts, state = [], 1
    for _ in range(SAMPLE):
        state = state * 48271 % 2147483647
        starts.append(datetime.datetime.fromtimestamp(FIRST_SECOND + state % (365 * 86400), zone))
    parse = measure(lambda: [croniter.expand(expression) for _ in starts])
    next_ = measure(lambda: [croniter(expression, start).get_next() for start in starts])
    print(json.dumps({"name": name, "parse": parse, "next": next_}), flush=True)
