"""All checks, in order."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from k8s import dockerfiles, network, pods, references, schemas, settings, workspace
from k8s.findings import Findings
from k8s.render import SENSELESS, combinations, render
from k8s.tools import Tools


@dataclass
class Result:
    """What was looked at."""

    objects: int = 0
    renderings: int = 0
    images: int = 0


def run(root: Path, tools: Tools) -> int:
    """Checks everything, says what was found, and answers the exit code."""
    findings = Findings()
    result = check(root, tools, combinations(root), True, findings)
    for message in findings.messages:
        print(f"k8s: {message}", file=sys.stderr)
    if findings.messages:
        print(f"k8s: {len(findings.messages)} wrong", file=sys.stderr)
        return 1
    print("k8s: checked by schemas of our own: " + ", ".join(schemas.checked_by_own_schema()))
    for (overlay, component), reason in SENSELESS.items():
        print(f"k8s: not rendered: {overlay} with {component}: {reason}")
    print(f"k8s: ok, {result.objects} objects in {result.renderings} renderings, {result.images} images linted")
    return 0


def check(root: Path, tools: Tools, wanted: Iterable[tuple[str, tuple[str, ...]]], with_images: bool, findings: Findings) -> Result:
    result = Result()
    for overlay, components in wanted:
        rendering = render(root, tools.kustomize, overlay, components, findings)
        if rendering is None:
            continue
        workspace.expand(rendering, findings)
        for obj in rendering.all:
            schemas.check(obj, findings)
        # What the gateway copies is made up here, and not counted.
        result.objects += len(rendering.objects) + (len(workspace.FILES) if rendering.workspace else 0)
        result.renderings += 1
        # Objects of another form would only raise errors of Python here.
        if findings.messages:
            continue
        pods.check(rendering, findings)
        references.check(rendering, findings)
        network.check(rendering, findings)
        workspace.check(rendering, findings)
        settings.check(rendering, root, findings)
    if not findings.messages:
        workspace.check_variants(root, findings)
        check_readme(root, findings)
    check_headers(root, findings)
    if with_images:
        result.images = dockerfiles.check(root, tools.hadolint, findings)
    return result


def check_headers(root: Path, findings: Findings) -> None:
    for file in sorted((root / "k8s").rglob("*")):
        if file.suffix in (".yaml", ".Dockerfile"):
            findings.require(file.read_text().startswith("# "), file.relative_to(root).as_posix(), "does not open with a comment on what it is")


def check_readme(root: Path, findings: Findings) -> None:
    """What the operator makes is told of."""
    text = (root / "k8s/README.md").read_text()
    for (kind, _, name), (keys, _) in references.FROM_OUTSIDE.items():
        for word in (name, *sorted(keys)):
            findings.require(word in text, "k8s/README.md", f"does not say how {kind} {name} with {word} is made")
