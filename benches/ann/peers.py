#!/usr/bin/env python3
"""One vector library under the command of `ann`: builds, searches, saves and loads as the lines of JSON on standard input say.

    peers.py <peer> <folder of the set> <scratch folder>

Each command is answered with one line of JSON on standard output. The Rust side of the same protocol is in
benches/src/bin/ann/protocol.rs, the libraries are in libraries.py.
"""

import ctypes
import gc
import json
import os
import sys
import time
from pathlib import Path

NEIGHBOURS = 10
# A pass over all queries is repeated until this many seconds were measured; the fastest counts.
LEAST_SECONDS = 0.4


def main() -> int:
    # Libraries print; what they print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, folder, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

    def answer(value):
        answers.write(json.dumps(value) + "\n")

    try:
        session = Session(name, folder, scratch)
    except Exception as error:  # the reason goes into the report
        answer({"error": reason(name, error)})
        return 0
    answer({"ready": session.peer.describe()})
    for line in sys.stdin:
        try:
            answer(session.obey(json.loads(line)))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})
    return 0


class Session:
    """A set, and the library that is measured on it."""

    def __init__(self, name: str, folder: Path, scratch: Path):
        import numpy

        import libraries

        self.numpy, self.folder = numpy, folder
        self.info = json.loads((folder / "set.json").read_text())
        self.queries = self.read("queries.f32", self.info["query_rows"])
        self.peer = libraries.make(name, self.info, scratch)

    def read(self, file: str, rows: int):
        values = self.numpy.fromfile(self.folder / file, dtype="<f4")
        return values.reshape(rows, self.info["dimension"])

    def obey(self, command: dict) -> dict:
        return getattr(self, command.pop("do"))(**command)

    def build(self, threads: int) -> dict:
        base = self.read("base.f32", self.info["rows"])
        self.peer.prepare(base)
        before = resident()
        started = time.perf_counter()
        self.peer.build(base, threads)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "memory": grown(before)}

    def search(self, effort: int, depth: int, threads: int, ids: str) -> dict:
        self.peer.tune(effort, depth, threads)
        queries = self.peer.convert(self.queries)
        best, total, passes = float("inf"), 0.0, 0
        while total < LEAST_SECONDS:
            started = time.perf_counter()
            found = self.peer.search(queries, NEIGHBOURS, threads)
            seconds = time.perf_counter() - started
            best, total, passes = min(best, seconds), total + seconds, passes + 1
        self.ids_of(found).tofile(ids)
        return {"seconds": best, "passes": passes}

    def ids_of(self, found):
        """Row by row, the ids found as 32 bits; a missing one is the largest."""
        rows = self.numpy.full((len(self.queries), NEIGHBOURS), 0xFFFFFFFF, dtype="<u4")
        for row, ids in zip(rows, self.peer.ids(found)):
            row[: len(ids)] = [identity if identity >= 0 else 0xFFFFFFFF for identity in ids]
        return rows

    def save(self, path: str) -> dict:
        started = time.perf_counter()
        self.peer.save(path)
        return {"seconds": time.perf_counter() - started}

    def load(self, path: str) -> dict:
        before = resident()
        started = time.perf_counter()
        self.peer.load(path)
        seconds = time.perf_counter() - started
        self.peer.tune(64, 0, 1)
        self.peer.search(self.peer.convert(self.queries[:1]), NEIGHBOURS, 1)
        first = time.perf_counter() - started
        return {"seconds": seconds, "first": first, "memory": grown(before)}


def resident() -> dict:
    """Bytes of this process in memory: its own, and those of mapped files."""
    gc.collect()
    # What is free but not given back is no part of an index.
    ctypes.CDLL(None).malloc_trim(0)
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    kib = {name: int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem", "RssFile")}
    return {"own": (kib["RssAnon"] + kib["RssShmem"]) * 1024, "mapped": kib["RssFile"] * 1024}


def grown(before: dict) -> dict:
    after = resident()
    return {name: after[name] - before[name] for name in before}


def reason(name: str, error: Exception) -> str:
    """Why a peer cannot be measured: what its installation said, or what happened now."""
    import_failed = isinstance(error, ImportError)
    notes = Path(sys.prefix) / "not-installed"
    for note in sorted(notes.glob("*.txt")) if import_failed else []:
        if note.stem.split("==")[0].replace("-", "_").split("_")[0] in str(error).replace("-", "_"):
            return f"not available: {note.read_text().strip()}"
    return f"not available: {type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
