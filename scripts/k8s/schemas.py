"""Every object against its schema: the API's own, of the oldest and the newest version that the manifests are for, and for the kinds that GKE adds one
that is kept here (gke.schema.json, after the types of kubernetes/ingress-gce and GoogleCloudPlatform/gke-managed-certs). Names, labels and
quantities besides, whose form the API checks and its schemas do not tell.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
from kubernetes_validate import utils

from k8s.findings import Findings, Object, name_of

# The oldest has ValidatingAdmissionPolicy and preStop.sleep; native sidecars are older.
VERSIONS = ("1.30", "1.37")
CLUSTER_KINDS = {"Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")

# The package reads a file of a megabyte for each object otherwise.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)


@functools.cache
def own_schemas() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("gke.schema.json").read_text())["kinds"]


def checked_by_own_schema() -> list[str]:
    """The kinds that the API's schemas do not have."""
    return sorted(own_schemas())


def check(obj: Object, findings: Findings) -> None:
    place = name_of(obj)
    kind = f"{obj.get('apiVersion')} {obj.get('kind')}"
    if kind in own_schemas():
        for error in jsonschema.Draft202012Validator(own_schemas()[kind]).iter_errors(obj):
            findings.add(place, f"{path(error)}: {error.message}")
    else:
        check_api(obj, place, findings)
    check_forms(obj, place, findings)


def check_api(obj: Object, place: str, findings: Findings) -> None:
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(obj, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            findings.add(place, f"{path(error)}: {error.message} (Kubernetes {version})")
        except kubernetes_validate.SchemaNotFoundError:
            findings.add(place, f"no schema of Kubernetes {version} for {obj.get('apiVersion')}: a kind that nothing checks is not let through")


def path(error: jsonschema.ValidationError) -> str:
    return ".".join(map(str, error.absolute_path)) or "the object"


def check_forms(obj: Object, place: str, findings: Findings) -> None:
    metadata = obj.get("metadata", {})
    findings.require(NAME.fullmatch(str(metadata.get("name"))), place, "the name is none")
    namespaced = obj.get("kind") not in CLUSTER_KINDS
    findings.require(bool(metadata.get("namespace")) == namespaced, place, "has no namespace" if namespaced else "has a namespace and is the cluster's")
    for where, key, value in labels_in(obj):
        findings.require(LABEL_NAME.fullmatch(key), place, f"{where} {key!r} is no valid key")
        if where == "label":
            findings.require(LABEL_VALUE.fullmatch(value), place, f"label {key}={value!r} is no valid value")
    for key, value in quantities_in(obj):
        findings.require(QUANTITY.fullmatch(str(value)), place, f"{key}: {value!r} is no quantity")


def labels_in(node: Any) -> Iterator[tuple[str, str, str]]:
    """Labels and annotations anywhere in an object, also where they select."""
    names = {"labels": "label", "matchLabels": "label", "annotations": "annotation"}
    for key, value in items(node):
        if key in names and isinstance(value, dict):
            yield from ((names[key], name, str(text)) for name, text in value.items())
        else:
            yield from labels_in(value)


def quantities_in(node: Any) -> Iterator[tuple[str, Any]]:
    for key, value in items(node):
        if key in ("requests", "limits") and isinstance(value, dict):
            yield from value.items()
        elif key == "sizeLimit":
            yield key, value
        else:
            yield from quantities_in(value)


def items(node: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)
