#!/usr/bin/env python3
"""Put libclang, which the FoundationDB bindings are generated with, where the build finds it.

Downloads one pinned package from the Python package index and checks its library against a pinned SHA-256; what is there and
intact is kept. On success one line is printed, ready for `export`:

    LIBCLANG_PATH=<the folder of the shared library>

A folder that LIBCLANG_PATH names already is used as it is (Debian: `apt-get install libclang-dev` needs no variable at all).
"""

import os
import platform
import sys
import zipfile

from fetch_model import SetupError, cache_root, download, extract, install

VERSION = "18.1.1"
FOLDER = "libclang-18.1.1.data/platlib/clang/native/"
# (system, machine) -> (wheel platform, library, SHA-256 of the library)
LIBRARIES = {
    ("Linux", "x86_64"): (
        "manylinux2010_x86_64",
        "libclang.so",
        "a8612b1c9a7125701277f63e5616f1d1eb9c91410c4bf195878067868c927f94",
    ),
    ("Linux", "aarch64"): (
        "manylinux2014_aarch64",
        "libclang.so",
        "87cc443de7278fa112ed50fac8844b1d5c6344f549b8b514e4381f26da006f65",
    ),
    ("Darwin", "arm64"): (
        "macosx_11_0_arm64",
        "libclang.dylib",
        "58ed3e937d7d87fdf13b177e39b6d7b26089fe1460c0d1e958707661277b6454",
    ),
}


def libclang():
    given = os.environ.get("LIBCLANG_PATH")
    if given:
        return given
    host = (platform.system(), platform.machine())
    if host not in LIBRARIES:
        raise SetupError("no pinned libclang for %s %s: install it and set LIBCLANG_PATH to its folder" % host)
    wheel_platform, library, digest = LIBRARIES[host]
    target = cache_root() / "libclang" / VERSION

    def make(scratch, fresh):
        wheel = download("libclang==" + VERSION, scratch, ["--platform", wheel_platform], False)
        extract(wheel, {FOLDER + library: library}, fresh)

    install(target, {library: digest}, make)
    return target


def main():
    try:
        print("LIBCLANG_PATH=%s" % libclang())
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        print("fetch_libclang: error: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
