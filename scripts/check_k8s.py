#!/usr/bin/env python3
"""Check the Kubernetes manifests and the Dockerfiles without a cluster or an engine.

Renders each overlay, alone and with each set of components, and checks every object against the API's schemas, what objects say of each other, what must
hold of every container, which connections the network policies allow, and the names of settings; then lints the Dockerfiles. Prints what is wrong, a
line each, or

    k8s: ok, 86 objects in 4 renderings, 2 images linted

Needs Python 3.11 with pip; what else it needs is found or fetched once (scripts/k8s/tools.py). `--self-test` breaks copies of the files in many ways, and
fails when one of them is not noticed.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True

from fetch_model import SetupError
from k8s import tools


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--self-test", action="store_true", help="break copies of the files and see whether that is noticed")
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    try:
        prepared = tools.prepare()
        # Its packages are there only now.
        from k8s import checks, self_test

        return self_test.run(root, prepared) if arguments.self_test else checks.run(root, prepared)
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        print(f"k8s: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
