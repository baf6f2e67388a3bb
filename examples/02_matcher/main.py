# Which triggers does the GitHub event on standard input start? In Python; main.cc and main.c do the same.
import sys

import routines

REVIEW = """
name: review
prompt: Review it.
triggers: [{id: opened, github: {repositories: [acme/app], event: issues, actions: [opened]}}]
"""
matcher = routines.Matcher([routines.loads(REVIEW)])
for match in matcher.match("issues", sys.stdin.buffer.read()):
    print("trigger", match.position)
