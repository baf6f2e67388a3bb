"""An agent that behaves badly in one way: python3 bad_agent.py HOW [MARK]

MARK becomes part of the arguments of every process that it starts, for the tests to find them by.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

NOTHING = subprocess.DEVNULL
QUIET = {"stdin": NOTHING, "stdout": NOTHING, "stderr": NOTHING}


def sleeper(mark, prelude="", **options):
    """A child that sleeps under that mark."""
    return subprocess.Popen(["sh", "-c", f"{prelude} while :; do sleep 0.2; done # {mark}"], **options)


def hang(mark):
    sleeper(mark)
    time.sleep(600)


def ignore_term(mark):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    sleeper(mark, prelude="trap '' TERM INT HUP QUIT;")
    print("not impressed", flush=True)
    while True:
        time.sleep(1)


def detach(mark, prelude=""):
    """A daemon by the book: fork, setsid, fork, / as its folder, no descriptor of ours."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.closerange(0, 256)
            os.execvp("sh", ["sh", "-c", f"{prelude} while :; do sleep 0.2; done # {mark}"])
        os._exit(0)
    os.wait()


def daemon(mark):
    detach(mark)
    print("done", flush=True)


def tree(mark):
    """Every shape at once."""
    child = f"(sh -c 'sh -c \"while :; do sleep 0.2; done\" # {mark}' & wait) & wait # {mark}"
    subprocess.Popen(["sh", "-c", child], **QUIET)
    detach(mark)
    detach(mark, prelude="trap '' TERM INT HUP QUIT;")
    sleeper(mark, start_new_session=True, **QUIET)
    sleeper(mark, prelude="trap '' TERM INT HUP QUIT;", start_new_session=True)  # holds our output open
    stopped = sleeper(mark, **QUIET)
    os.kill(stopped.pid, signal.SIGSTOP)


def tree_and_stay(mark):
    tree(mark)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("all there", flush=True)
    while True:
        time.sleep(1)


def tree_and_spend(mark):
    tree(mark)
    time.sleep(1)
    os.write(3, b'{"type": "usage", "cost_usd": 9.5}\n')
    time.sleep(600)


def tree_and_end(mark):
    tree(mark)
    print("done", flush=True)


def flood(mark):
    piece = (b"x" * 79 + b"\n") * 8192
    for _ in range((1 << 30) // len(piece)):
        sys.stdout.buffer.write(piece)


def long_line(mark):
    sys.stdout.buffer.write(b"y" * (5 << 20) + b"\nafter the line\n")


def long_event(mark):
    with os.fdopen(3, "wb") as events:
        events.write(b'{"type": "assistant_text", "text": "' + b"z" * (5 << 20) + b'"}\n')


def binary(mark):
    sys.stdout.buffer.write(bytes(range(256)) * 64 + b"\0\xff\xfe\xed\xa0\x80 the end\n")


def silent(mark):
    pass


def killed(mark):
    print("soon gone", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def crash(mark):
    print("soon gone", flush=True)
    os.abort()


def close_and_go_on(mark):
    print("closing", flush=True)
    os.closerange(0, 4)
    time.sleep(2)
    pathlib.Path(os.environ["MARKS"], "went-on").touch()


def fill_disk(mark):
    print("filling", flush=True)
    try:
        with open(os.path.join(os.environ["TMPDIR"], "fill"), "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
    except OSError as error:
        sys.exit(f"cannot write: {error.strerror}")


def bystander(mark):
    for number in range(50):
        print("beat", number, flush=True)
        time.sleep(0.1)


globals()[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "nobody")
