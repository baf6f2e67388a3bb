"""What loading libroutines_c costs a process: time and memory. Prints a table in Markdown.

  c_load.py LIBRARY [ROUNDS]
"""

import os
import statistics
import subprocess
import sys
import time

PROGRAM = """
import ctypes, sys, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4
before, start = resident(), time.perf_counter()
library = ctypes.CDLL(sys.argv[1], mode=0x2)
took = time.perf_counter() - start
assert library.routines_abi_version() >= 0
print(1000 * took, resident() - before)
"""


def main():
    library, rounds = os.path.abspath(sys.argv[1]), int((sys.argv + ["20"])[2])
    figures = []
    for _ in range(rounds):
        out = subprocess.run([sys.executable, "-c", PROGRAM, library], check=True, capture_output=True, text=True)
        figures.append([float(word) for word in out.stdout.split()])
        time.sleep(0.01)
    times, memory = zip(*figures)
    print("| file | load, median (lowest) ms | resident memory more, KiB |\n| --- | --- | --- |")
    print(f"| {os.path.getsize(library) / 1024:,.0f} KiB | {statistics.median(times):.1f} ({min(times):.1f}) | {statistics.median(memory):,.0f} |")


if __name__ == "__main__":
    main()
