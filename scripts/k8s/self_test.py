"""Whether the check notices what is wrong: it is run on copies of the files, each with one thing broken, and must say so in the words that belong to it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from k8s import checks
from k8s.findings import Findings
from k8s.mutations import MUTATIONS, Mutation
from k8s.render import combinations
from k8s.tools import Tools

# Copied; everything else at the root is linked, since images are built from it.
COPIED = ("k8s", ".dockerignore")
# Programs run beside each other; the rest is Python.
AT_ONCE = 2


def run(root: Path, tools: Tools) -> int:
    """Tries everything, says what was not noticed, and answers the exit code."""
    with tempfile.TemporaryDirectory(prefix="k8s-self-test-") as scratch:
        folder = Path(scratch).resolve()
        untouched = found_in(root, copy(root, folder / "untouched"), tools, None)
        if untouched:
            print("k8s: self-test: the files are not well as they are: " + untouched[0], file=sys.stderr)
            return 1
        with ThreadPoolExecutor(AT_ONCE) as pool:
            missed = list(filter(None, pool.map(lambda mutation: missed_by(root, folder, tools, mutation), MUTATIONS)))
    for text in missed:
        print(f"k8s: self-test: {text}", file=sys.stderr)
    if missed:
        return 1
    print(f"k8s: self-test ok, {len(MUTATIONS)} faults noticed")
    return 0


def missed_by(root: Path, folder: Path, tools: Tools, mutation: Mutation) -> str | None:
    """What is to be said of a fault that was not noticed, or not as it should."""
    place = copy(root, folder / mutation.name.replace(" ", "-"))
    file = place / mutation.file
    text = file.read_text()
    if mutation.old not in text:
        return f"{mutation.name}: {mutation.file} does not hold {mutation.old!r} any more"
    file.write_text(text.replace(mutation.old, mutation.new, 1))
    found = found_in(root, place, tools, mutation)
    shutil.rmtree(place)
    if any(mutation.message in message for message in found):
        return None
    return f"{mutation.name}: not noticed; found was {found[:2] or 'nothing'}, expected {mutation.message!r}"


def copy(root: Path, place: Path) -> Path:
    place.mkdir()
    for entry in root.iterdir():
        target = place / entry.name
        if entry.name not in COPIED:
            target.symlink_to(entry)
        elif entry.is_dir():
            shutil.copytree(entry, target)
        else:
            shutil.copy(entry, target)
    return place


def found_in(root: Path, place: Path, tools: Tools, mutation: Mutation | None) -> list[str]:
    """What the check says of a copy. Manifests are rendered as far as the fault concerns them."""
    findings = Findings()
    wanted = combinations(place) if mutation is None else mutation.renderings
    checks.check(place, tools, wanted, mutation is None or not mutation.renderings, findings)
    return findings.messages
