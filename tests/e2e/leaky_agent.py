"""An agent that tells its secret by every way there is, in every form, in pieces of every size."""

import json
import os
import subprocess
import sys

import canaries

SECRET = os.environ["CANARY"]
ALL = [form.decode() for form in sorted(canaries.forms(SECRET))]


def say(descriptor, text, size):
    data = text.encode()
    for start in range(0, len(data), size):
        os.write(descriptor, data[start:start + size])


def tell(**event):
    os.write(3, json.dumps(event).encode() + b"\n")


def git(*arguments):
    subprocess.run(["git", *arguments], check=False)


for size in range(1, 65):
    say(1 + size % 2, f"<{ALL[size % len(ALL)]}|{SECRET}>\n", size)
for form in ALL:
    tell(type="assistant_text", text=f"it is {form}")
    tell(type="tool_call", id=form, name=form, input={form: [form]})
    tell(type="tool_result", id="1", text=form)
    tell(type="note", severity="warning", text=form)
    tell(type=f"odd-{form}", more={"deep": form})
    say(3, f"no JSON {form}\n", 7)
git("checkout", "-q", "-b", f"claude/{SECRET}")
for number, form in enumerate(ALL):
    with open(f"file-{number}", "w", encoding="utf-8") as file:
        file.write(f"{form}\n")
git("add", ".")
git("commit", "-q", "-m", f"Tell {SECRET}")
git("push", "-q", "origin", f"HEAD:{SECRET}")
git("push", "-q", "origin", "HEAD")
git("checkout", "-q", "--detach")
git("commit", "-q", "--allow-empty", "-m", f"Keep {SECRET}, {ALL[0]}")
tell(type="result", is_error=True, text=f"failed with {SECRET}")
sys.exit(f"the last words are {SECRET}" if sys.argv[1:] else 0)
