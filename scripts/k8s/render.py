"""Renders each overlay, alone and with each set of components that it does not have anyhow, and reads the result."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from fetch_model import SetupError

from k8s.findings import Findings, Object

# Sets that are not for use, and why.
SENSELESS = {
    ("dev", "workspace-store-access"): "the embedded store of dev is open in the gateway alone",
}


@dataclass
class Rendering:
    """What `kubectl apply` would be given."""

    name: str
    objects: list[Object]
    # What the gateway makes of the template for one user, in the namespaces that it makes it in.
    workspace: list[Object] = field(default_factory=list)

    @property
    def all(self) -> list[Object]:
        return self.objects + self.workspace

    def of_kind(self, *kinds: str) -> list[Object]:
        return [obj for obj in self.all if obj["kind"] in kinds]

    def find(self, kind: str, namespace: str | None, name: str) -> Object | None:
        for obj in self.of_kind(kind):
            if obj["metadata"]["name"] == name and obj["metadata"].get("namespace") == namespace:
                return obj
        return None


class Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML says that it must not be, and readers differ in which one they take."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len(set(map(str, keys))):
            raise yaml.constructor.ConstructorError(None, None, "a key is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(text: str) -> list[Object]:
    return [obj for obj in yaml.load_all(text, Loader=Loader) if obj]


def combinations(root: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Each overlay with each set of further components."""
    components = sorted(path.parent.name for path in (root / "k8s/components").glob("*/kustomization.yaml"))
    found = []
    for overlay in sorted((root / "k8s/overlays").glob("*/kustomization.yaml")):
        has = {Path(path).name for path in yaml.safe_load(overlay.read_text()).get("components", [])}
        further = [name for name in components if name not in has and (overlay.parent.name, name) not in SENSELESS]
        for count in range(len(further) + 1):
            found += [(overlay.parent.name, chosen) for chosen in itertools.combinations(further, count)]
    return found


def render(root: Path, kustomize: tuple[str, ...], overlay: str, components: tuple[str, ...], findings: Findings) -> Rendering | None:
    """One rendering, or None where it cannot be made. Components are listed in a copy of the overlay, as somebody who wants them would list them."""
    name = "+".join((overlay, *components))
    with tempfile.TemporaryDirectory(prefix="k8s-") as scratch:
        folder = Path(shutil.copytree(root / "k8s", Path(scratch) / "k8s")) / "overlays" / overlay
        file = folder / "kustomization.yaml"
        content = yaml.safe_load(file.read_text())
        content["components"] = content.get("components", []) + [f"../../components/{component}" for component in components]
        file.write_text(yaml.safe_dump(content) if components else file.read_text())
        try:
            done = subprocess.run((*kustomize, str(folder)), capture_output=True, text=True, check=False)
        except OSError as error:
            raise SetupError(f"run {kustomize[0]}: {error}") from error
    # A warning is about something that a later version no longer takes.
    if done.returncode != 0 or done.stderr.strip():
        findings.add(name, "kustomize: " + re.sub(r"\s+", " ", done.stderr.strip() or f"exit code {done.returncode}"))
        if done.returncode != 0:
            return None
    return Rendering(name, parse(done.stdout))
