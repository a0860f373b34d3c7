"""Names of environment variables: one that a program does not know has no effect and no message, so each must be one that it does."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from k8s.findings import Findings, Object
from k8s.pods import pods
from k8s.render import Rendering

# Of the image t2-workspace-pod.
WORKSPACE = {"WEBSOCKET_URL", "HOME"}
# Bytes that JWT_SECRET must have, and what stands in for a value that site.yaml is to set.
SECRET_BYTES, UNSET = 32, "set-by-site"


def documented(root: Path) -> set[str]:
    """The server's variables after docs/configuration.md: `CODITECT_` and each key of its tables, and the names of the column of variables."""
    names = set()
    for line in (root / "docs/configuration.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `") or cells[0].startswith("`--"):
            continue
        for key in re.findall(r"`([a-z0-9_.]+)`", cells[0]):
            names.add("CODITECT_" + key.upper().replace(".", "_"))
        names.update(name for cell in cells[1:] for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell))
    return names


def of_sidecar(root: Path) -> set[str]:
    """The sidecar's variables, as its settings name them."""
    return set(re.findall(r'env = "([A-Z0-9_]+)"', (root / "ws-sidecar/src/settings.rs").read_text()))


def check(rendering: Rendering, root: Path, findings: Findings) -> None:
    known = {"coditect-server": documented(root), "coditect-websocket": of_sidecar(root), "t2-workspace-pod": WORKSPACE}
    for pod in pods(rendering):
        for container in pod.containers:
            image = container["image"].rpartition("/")[2].partition(":")[0]
            place = f"{pod.place}, container {container['name']}"
            names = [entry["name"] for entry in container.get("env", [])]
            for name in names:
                findings.require(name in known.get(image, set()), place, f"{image} knows no variable {name}")
            findings.require(len(names) == len(set(names)), place, "sets a variable twice")
            for entry in container.get("env", []):
                check_value(entry, place, findings)
    for secret in rendering.of_kind("Secret"):
        if secret["metadata"]["name"] == "jwt-secret" and secret["metadata"]["namespace"] == "coditect-app":
            length = len(base64.b64decode(secret["data"]["secret"]))
            findings.require(length >= SECRET_BYTES, rendering.name, f"jwt-secret has {length} bytes, the server wants {SECRET_BYTES}")
    for obj in rendering.objects:
        findings.require(UNSET not in str(obj), f"{rendering.name}, {obj['kind']} {obj['metadata']['name']}", "holds a value that site.yaml was to set")


def check_value(entry: Object, place: str, findings: Findings) -> None:
    """Secrets come from Secrets, the cluster from its ConfigMap."""
    source = entry.get("valueFrom") or {}
    name = entry["name"]
    if name in ("JWT_SECRET", "JWT_PREVIOUS_SECRETS"):
        findings.require("secretKeyRef" in source, place, f"{name} is not taken from a Secret")
    if name == "FDB_CLUSTER_STRING":
        findings.require("configMapKeyRef" in source, place, f"{name} is not taken from the ConfigMap")
