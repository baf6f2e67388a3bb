#!/usr/bin/env bash
# Makes a bare repository of 20,000 files in 2,000 commits with a pack of about 99 MB: what the
# benchmarks of workspaces clone.
#
#   bench/make_big_repository.sh DIRECTORY [FILES] [COMMITS]
set -euo pipefail

directory=${1:?usage: make_big_repository.sh DIRECTORY [FILES] [COMMITS]}
files=${2:-20000}
commits=${3:-2000}

git -c init.defaultBranch=main init --quiet --bare "$directory"

# Every commit adds its share of files and changes one older file. The texts are random letters (of
# a fixed seed), so that they compress to what real sources of that number would take.
python3 - "$files" "$commits" <<'PYTHON' | git -C "$directory" fast-import --quiet
import base64, random, sys

files, commits = int(sys.argv[1]), int(sys.argv[2])
source = random.Random(1)
out = sys.stdout.buffer
made = 0


def blob(path):
    text = base64.encodebytes(source.randbytes(source.randrange(1000, 7900)))
    out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(text), text))


def path(number):
    return b"src/%02d/%02d/file_%05d.txt" % (number % 40, number // 40 % 25, number)


for commit in range(commits):
    message = b"Change %d" % commit
    out.write(b"commit refs/heads/main\ncommitter Bench <bench@localhost> %d +0000\n" % (1700000000 + commit * 600))
    out.write(b"data %d\n%s\n" % (len(message), message))
    if made:
        blob(path(source.randrange(made)))
    while made < files * (commit + 1) // commits:
        blob(path(made))
        made += 1
PYTHON

git -C "$directory" repack -adq
