# A folder whose new files are events, in Python; inbox.cc and main.c are the same in C++ and C.
#
#   python inbox.py FOLDER     prints each file's name, and ends when there is none left
import json
import os
import pathlib
import sys
import threading

import routines


class Inbox(routines.ThreadedSource):
    """A file that was taken, durably, moves to FOLDER/taken; one that was not is tried again."""

    name = "inbox"

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def run(self, sink: routines.Sink) -> None:
        (self.folder / "taken").mkdir(exist_ok=True)
        while not self.wait(0.05):
            for file in sorted(self.folder.iterdir()):
                if file.is_file():
                    self.take(sink, file)

    def take(self, sink: routines.Sink, file: pathlib.Path) -> None:
        payload = json.dumps({"path": os.fspath(file)})
        try:
            sink.emit("file", payload, id=file.name, attributes={"name": file.name})
        except routines.UnavailableError:
            return
        file.rename(self.folder / "taken" / file.name)


ROUTINE = """
name: import
prompt: Import the file.
triggers: [{id: incoming, custom: {source: inbox, type: file}}]
"""


def main(folder: pathlib.Path) -> None:
    count = sum(each.is_file() for each in folder.iterdir())
    handled = threading.Semaphore(0)

    def agent(execution: routines.Execution) -> str:
        handled.release()
        return "imported"

    with routines.Engine() as engine:
        engine.register_executor("agent", agent)
        engine.add_source(Inbox(folder))
        engine.put(ROUTINE)
        engine.start()
        for _ in range(count):
            handled.acquire()
    print("handled", count, "files")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
