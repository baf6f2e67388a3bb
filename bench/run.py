"""Measures routines beside its peers. Started by script/bench; prints tables in Markdown.

  fires      durable fires per second and their latency, beside nginx and webhook
  deliveries signed GitHub deliveries of 10 KB per second, 10,000 routines loaded, beside nginx
  start      from a fire to the agent's process, beside a plain `git clone`
  overhead   what a session costs beyond its agent, and what one that runs holds of memory
  sessions   200 sessions at once, and whether a heartbeat was late
  store      the store alone (Google Benchmark)
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import nullcontext as already

BENCH = pathlib.Path(__file__).resolve().parent
EXAMPLES = BENCH.parent / "build/npm/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
TRIGGER = "trig_01BENCHBENCHBENCH"


# ---- systems under test -----------------------------------------------------------------------------
def free_port():
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for_port(port):
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, f"nobody listens on port {port}"
        time.sleep(0.02)


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def routines(
    binary, folder, *, executor, sessions, repository=None, more=(), sandbox="auto"
):
    """`routines serve` with one routine, and those of `more`, texts of files; gives its URL for fires,
    its token and its port."""
    folder.mkdir()
    repositories = f"repositories: [{{url: 'file://{repository}'}}]\n" if repository else ""
    files = folder / "routines"
    files.mkdir()
    (files / "bench.yaml").write_text(
        f"name: bench\nprompt: go\n{repositories}triggers: [{{id: {TRIGGER}, api: {{}}}}]\n"
    )
    for number, text in enumerate(more):
        (files / f"{number}.yaml").write_text(text)
    state = folder / "state"
    command = [binary, "serve", "--json", "--state", state, "--listen", "127.0.0.1:0"]
    command += ["--routines", files, "--executor", f"bench={executor}"]
    command += ["--max-concurrent-sessions", str(sessions), "--sandbox", sandbox]
    # Windows are counted as always; nothing comes near them.
    for window in ("fires", "github"):
        for whose in ("routine", "account"):
            command += ["--limit", f"{window}_per_hour_{whose}=1000000000"]
    with running(command, stdout=subprocess.PIPE) as process:
        url = json.loads(process.stdout.readline())["url"]
        made = subprocess.run(
            [binary, "token", "create", TRIGGER, "--json", "--state", state],
            check=True,
            stdout=subprocess.PIPE,
        )
        yield {
            "fire": f"{url}/v1/claude_code/routines/{TRIGGER}/fire",
            "token": json.loads(made.stdout)["secret"],
            "port": int(url.rpartition(":")[2]),
            "pid": process.pid,
            "state": state,
            "admin": (state / "admin-token").read_text().strip(),
        }


def fill_in(source, target, **values):
    text = source.read_text()
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    target.write_text(text)
    target.chmod(0o755)
    return target


@contextlib.contextmanager
def nginx(folder):
    folder.mkdir()
    port = free_port()
    config = fill_in(BENCH / "peers/nginx.conf", folder / "nginx.conf", folder=folder, port=port)
    with running(["/usr/sbin/nginx", "-c", config, "-e", folder / "nginx.log"]):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}/"


@contextlib.contextmanager
def webhook(folder, token, hook):
    port = free_port()
    append = fill_in(BENCH / "peers/append.sh", folder / "append.sh", folder=folder)
    hooks = fill_in(BENCH / "peers/webhook.json", folder / "hooks.json", token=token, append=append)
    command = ["webhook", "-hooks", hooks, "-ip", "127.0.0.1", "-port", str(port)]
    with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}/hooks/{hook}"


# ---- figures ----------------------------------------------------------------------------------------
def wrk(url, token, connections, seconds):
    """Requests per second, p50 and p99 in milliseconds."""
    command = ["wrk", "-t", str(min(connections, 2)), "-c", str(connections), "-d", f"{seconds}s"]
    command += ["--timeout", "10s", "-s", BENCH / "fire.lua", url]
    environment = {**os.environ, "BENCH_AUTHORIZATION": f"Bearer {token}"}
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env=environment)
    figures = next(line for line in done.stdout.splitlines() if line.startswith("figures "))
    requests, duration, p50, p99, errors = map(int, figures.split()[1:])
    assert requests > 0 and errors == 0, f"{url}: {errors} of {requests} requests failed\n{done.stdout}"
    return requests / (duration / 1e6), p50 / 1e3, p99 / 1e3


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def table(*rows):
    for number, row in enumerate(rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |")
        if number == 0:
            print("|" + " --- |" * len(row))
    print(flush=True)


def spread(values, digits):
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


# ---- measurements -----------------------------------------------------------------------------------
def measure_fires(options, folder):
    """A, B, C, A, B, C, … so that a noisy minute hits all alike."""
    connections = [1, 8, 32]
    figures = {}
    with routines(
        options.routines, folder / "fires", executor="sleep infinity", sessions=1
    ) as ours, nginx(folder / "nginx") as static:
        # webhook answers before it has started anything; a new one each time, lest the heap of
        # commands of one run falls into the next.
        def fresh_webhook(hook):
            return webhook(pathlib.Path(tempfile.mkdtemp(dir=folder)), ours["token"], hook)

        systems = {
            "routines, durable (SQLite, synchronous=FULL)": lambda: already(ours["fire"]),
            "nginx, static answer": lambda: already(static),
            "webhook, starts /bin/true": lambda: fresh_webhook("start"),
            "webhook, append and fsync": lambda: fresh_webhook("durable"),
        }
        for _ in range(options.rounds):
            for name, system in systems.items():
                for count in connections:
                    with system() as url:
                        measured = wrk(url, ours["token"], count, options.seconds)
                    figures.setdefault((name, count), []).append(measured)
    rows = [("system", "connections", "per second", "p50 ms", "p99 ms")]
    for (name, count), measured in figures.items():
        rates, p50s, p99s = zip(*measured)
        rows.append((name, count, spread(rates, 0), spread(p50s, 2), spread(p99s, 2)))
    print(f"### Fires: median (lowest–highest) of {options.rounds} runs of {options.seconds} s\n")
    table(*rows)


SECRET = "a-secret-of-the-benchmark"
REPOSITORIES = 1000


def delivery_routines(matching):
    """10,000 of them, ten to a repository, of which `matching` start on what deliver_load sends."""
    conditions = [
        "{field: labels, operator: is_not_one_of, values: [wip, skip-%d]}, "
        "{field: title, operator: starts_with, value: Mend}",
        "{field: author, operator: equals, value: user-%d}",
        "{field: title, operator: contains, value: release-%d}",
        "{field: base_branch, operator: is_one_of, values: [develop, release/%d]}",
        "{field: body, operator: contains, value: lazy-%d}",
    ]
    for number in range(10 * REPOSITORIES):
        kind = 0 if number % 10 < matching else 1 + number % 4
        yield (
            f"name: r{number}\nprompt: go\ntriggers:\n- id: t\n  github: {{event: pull_request, "
            f"repositories: [acme/r{number // 10}], actions: [opened, synchronize], "
            f"filters: [{conditions[kind] % number}]}}\n"
        )


@contextlib.contextmanager
def door(options, folder, matching):
    """The port of a server with 10,000 routines and a hook."""
    more = delivery_routines(matching)
    with routines(
        options.routines, folder, executor="sleep infinity", sessions=1, more=more
    ) as served:
        secret = folder / "secret"
        secret.write_text(SECRET)
        add = ["github", "hook", "add", "--secret-file", secret, "--state", served["state"]]
        subprocess.run([options.routines, *add], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        yield served["port"]


def delivery_beginning(folder):
    """A file with all but the end of GitHub's own example of a pull request, of 10 KB."""
    examples = json.loads(EXAMPLES.read_text())
    payload = next(
        example
        for event in examples
        if event["name"] == "pull_request"
        for example in event["examples"]
        if example["action"] == "opened"
    )
    del payload["repository"], payload["number"]  # deliver_load writes them
    payload["pull_request"]["title"] = "Mend the totals"
    payload["pull_request"]["author_association"] = "MEMBER"
    payload["pull_request"]["head"]["repo"] = {"full_name": "acme/api"}
    file = folder / "beginning.json"
    file.write_text(json.dumps(payload, separators=(",", ":"))[:-1] + ",")
    return file


def deliver(options, port, path, beginning):
    """Accepted per second, p50 and p99 in milliseconds."""
    load = [options.build / "bin/deliver_load", port, path, 32, options.seconds, beginning, REPOSITORIES]
    done = subprocess.run([*map(str, load), SECRET], check=True, text=True, stdout=subprocess.PIPE)
    requests, duration, p50, p99, errors = map(int, done.stdout.split()[1:])
    assert requests > 0 and errors == 0, f"{errors} of {requests} deliveries were refused"
    return requests / (duration / 1e6), p50 / 1e3, p99 / 1e3


def measure_deliveries(options, folder):
    figures = {}
    beginning = delivery_beginning(folder)
    with contextlib.ExitStack() as stack:
        static = stack.enter_context(nginx(folder / "nginx-deliveries"))
        systems = {"nginx, static answer": (int(static.rstrip("/").rpartition(":")[2]), "/")}
        for matching, name in ((0, "none matches"), (1, "each starts a session")):
            port = stack.enter_context(door(options, folder / f"deliveries-{matching}", matching))
            systems[f"routines, durable, {name}"] = (port, "/v1/webhooks/github")
        for _ in range(options.rounds):
            for name, (port, path) in systems.items():
                figures.setdefault(name, []).append(deliver(options, port, path, beginning))
    print(
        "### Signed deliveries of 10 KB, 10,000 routines, 32 connections: median (lowest–highest) of "
        f"{options.rounds} runs of {options.seconds} s\n"
    )
    rows = [("system", "accepted per second", "p50 ms", "p99 ms")]
    for name, measured in figures.items():
        rates, p50s, p99s = zip(*measured)
        rows.append((name, spread(rates, 0), spread(p50s, 2), spread(p99s, 2)))
    table(*rows)


def fire(served):
    connection = http.client.HTTPConnection("127.0.0.1", served["port"], timeout=60)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {served['token']}", "Content-Type": "application/json"}
        connection.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", '{"text": "x"}', headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200, body
        return body["claude_code_session_id"]


def get(served, path, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", served["port"], timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().read().decode()


def start_once(served, stamp):
    """Seconds from before the POST until the agent's process runs."""
    stamp.unlink(missing_ok=True)
    begun = time.time_ns()
    fire(served)
    deadline = time.monotonic() + 120
    while not stamp.exists() or not stamp.read_text().endswith("\n"):
        assert time.monotonic() < deadline, "the agent was not started"
        time.sleep(0.002)
    return (int(stamp.read_text()) - begun) / 1e9


def clone_once(repository, target):
    begun = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", f"file://{repository}", target], check=True)
    taken = time.monotonic() - begun
    shutil.rmtree(target)
    return taken


def measure_start(options, folder):
    repository = options.build / "bench-repository"
    if not repository.exists():
        subprocess.run([BENCH / "make_big_repository.sh", folder / "big"], check=True)
        (folder / "big").rename(repository)
    # In memory: some disks make files slowly for a while after many were deleted, whoever makes them.
    with tempfile.TemporaryDirectory(dir=options.workspaces) as inner:
        first, ours, clone = start_beside_clone(options, pathlib.Path(inner), repository)
    print(f"### From a fire to the agent's process: 20,000 files, {options.starts} runs each\n")
    rows = [("what", "p50 s", "p99 s")]
    for what, values in {"routines": ours, "git clone file://": clone}.items():
        rows.append((what, f"{percentile(values, 50):.2f}", f"{percentile(values, 99):.2f}"))
    rows.append(("routines, the first fire of all", f"{first:.2f}", ""))
    rows.append(("ratio of medians", f"{statistics.median(ours) / statistics.median(clone):.2f}", ""))
    table(*rows)


def start_beside_clone(options, folder, repository):
    stamp = folder / "stamp"
    agent = folder / "agent.sh"
    agent.write_text(f"#!/bin/sh\ndate +%s%N >{stamp}\necho done\n")
    agent.chmod(0o755)
    ours, clone = [], []
    with routines(
        options.routines, folder / "serve", executor=agent, sessions=1, repository=repository
    ) as served:
        first = start_once(served, stamp)  # makes the mirror
        for _ in range(options.starts):
            ours.append(start_once(served, stamp))
            wait_idle(served)  # its cleaning up is not to fall into the clone's time
            clone.append(clone_once(repository, folder / "clone"))
    return first, ours, clone


def metric(served, name):
    """The sum of a metric's samples; `name` may have labels."""
    text = get(served, "/metrics")
    samples = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, samples))


def wait_idle(served):
    while metric(served, "routines_sessions_active") > 0:
        time.sleep(0.01)


def measure_sessions(options, folder):
    """Longer than a lease lives, so that each session needs its heartbeats."""
    agent = folder / "talker.sh"
    agent.write_text("#!/bin/sh\nfor i in $(seq 90); do echo line $i; sleep 1; done\n")
    agent.chmod(0o755)
    count, most = 200, 0
    with routines(
        options.routines, folder / "sessions", executor=agent, sessions=count
    ) as served:
        begun = time.monotonic()
        for _ in range(count):
            fire(served)
        while metric(served, "routines_sessions_running") < count:
            assert time.monotonic() < begun + 60, "they do not all come to run"
            time.sleep(0.1)
        all_running = time.monotonic() - begun
        while metric(served, "routines_sessions_active") > 0:
            most = max(most, metric(served, "routines_sessions_running"))
            time.sleep(1)
        late = metric(served, "routines_heartbeats_late_total")
        lost = metric(served, "routines_lease_lost_total")
        succeeded = metric(served, 'routines_sessions_ended_total{state="succeeded"}')
    print(f"### {count} sessions at once, each a process that writes a line a second for 90 s\n")
    table(
        ("all running after", "most at once", "heartbeats late", "leases lost", "succeeded"),
        (f"{all_running:.1f} s", int(most), int(late), int(lost), int(succeeded)),
    )


def run_session(served):
    """Starts a session, outside of any trigger's limits; its id."""
    connection = http.client.HTTPConnection("127.0.0.1", served["port"], timeout=60)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {served['admin']}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/routines/default/bench/run", "{}", headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200, body
        return body["claude_code_session_id"]


def whole_session(served):
    """Seconds from before the request until the stream of the session's events has ended."""
    begun = time.monotonic()
    get(served, f"/v1/sessions/{run_session(served)}/events", served["admin"])
    return time.monotonic() - begun


def alone(command):
    """Seconds that the agent takes when it is simply run."""
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def held_bytes(pid, agent):
    """Of a process and all below it but the agents: each page's share (PSS)."""
    task = pathlib.Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        mine = 0
        if (task / "comm").read_text().strip() != agent:
            rollup = (task / "smaps_rollup").read_text()
            mine = int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1)) * 1024
        below = [child for tasks in task.glob("task/*/children") for child in tasks.read_text().split()]
        return mine + sum(held_bytes(child, agent) for child in below)
    return 0


def measure_overhead(options, folder):
    runs, idle = 200, 100
    rows = [("sandbox", "session p50 ms", "p99 ms", "agent alone p50 ms", "beyond it, p50 ms", "MB per idle session")]
    for sandbox in ("auto", "off"):
        with routines(
            options.routines, folder / f"quick-{sandbox}", executor="/bin/echo", sessions=16, sandbox=sandbox
        ) as served:
            for _ in range(20):
                whole_session(served)
            pairs = [(whole_session(served), alone(["/bin/echo"])) for _ in range(runs)]
        with routines(
            options.routines, folder / f"idle-{sandbox}", executor="sleep infinity", sessions=idle + 20,
            sandbox=sandbox,
        ) as served:

            def hold(count, all_together):
                for _ in range(count):
                    run_session(served)
                while metric(served, "routines_sessions_running") < all_together:
                    time.sleep(0.1)
                time.sleep(2)
                return held_bytes(served["pid"], "sleep")

            before = hold(20, 20)  # what is made once
            per_session = (hold(idle, idle + 20) - before) / idle
        ours, agent = [[value * 1000 for value in values] for values in zip(*pairs)]
        beyond = statistics.median(ours) - statistics.median(agent)
        rows.append((
            "bubblewrap, where it works" if sandbox == "auto" else "off",
            f"{percentile(ours, 50):.1f}", f"{percentile(ours, 99):.1f}", f"{percentile(agent, 50):.1f}",
            f"{beyond:.1f}", f"{per_session / 1e6:.2f}"))
    print(f"### A session whose agent does nothing: {runs} one after the other, {idle} idle ones at once\n")
    table(*rows)


def measure_store(options, folder):
    print("### The store alone\n\n```", flush=True)
    environment = {**os.environ, "TMPDIR": str(folder)}
    subprocess.run([options.build / "bin/store_benchmark"], check=True, env=environment)
    print("```\n", flush=True)


# ---- main -------------------------------------------------------------------------------------------
def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{os.cpu_count()} × {model}, {system}, Linux {platform.release()}"


def main():
    measurements = {
        "fires": measure_fires,
        "deliveries": measure_deliveries,
        "start": measure_start,
        "overhead": measure_overhead,
        "sessions": measure_sessions,
        "store": measure_store,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", help="fires, deliveries, start, overhead, sessions, store; default: all")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a release build")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each system")
    parser.add_argument("--seconds", type=int, default=5, help="length of one run")
    parser.add_argument("--starts", type=int, default=20, help="runs of each way to start")
    parser.add_argument("--workspaces", default="/dev/shm", help="folder for the starts")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.routines = options.build / "bin/routines"

    print(f"Machine: {machine()}\n", flush=True)
    # Not in /tmp, which may be memory: an fsync there costs nothing.
    with tempfile.TemporaryDirectory(dir=options.build, prefix="bench-") as folder:
        for what in options.what or measurements:
            measurements[what](options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
