"""What must hold of every pod and container: who they run as, what they may do, what they take, how they are asked whether they live and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from k8s.findings import Findings, Object, name_of
from k8s.render import Rendering

# Images, and the tag or registry apart.
IMAGES = {"coditect-server", "coditect-websocket", "t2-workspace-pod"}
PROBE_PATHS = {"/healthz", "/readyz"}
# The restricted pod standard's.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# What the gateway needs after its requests have ended, for handing over leases and closing the store.
CLOSING_S = 10


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of some."""

    place: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object
    # Runs to its end, so that nobody asks whether it is ready.
    is_job: bool

    @property
    def containers(self) -> list[Object]:
        return self.spec.get("initContainers", []) + self.spec["containers"]


def pods(rendering: Rendering) -> Iterator[Pod]:
    for obj in rendering.all:
        spec, kind = obj.get("spec") or {}, obj["kind"]
        if kind == "Pod":
            template = obj
        elif kind == "CronJob":
            template = spec["jobTemplate"]["spec"]["template"]
        elif isinstance(spec.get("template"), dict):
            template = spec["template"]
        else:
            continue
        metadata = template.get("metadata", {})
        yield Pod(name_of(obj), obj["metadata"].get("namespace", ""), metadata.get("labels", {}), metadata.get("annotations", {}),
                  template["spec"], kind in ("CronJob", "Job"))


def env_of(container: Object) -> dict[str, str | None]:
    """Variables with their values; None where the value comes from elsewhere."""
    return {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def check(rendering: Rendering, findings: Findings) -> None:
    for pod in pods(rendering):
        check_pod(pod, findings)
        for container in pod.containers:
            place = f"{pod.place}, container {container['name']}"
            check_rights(pod, container, place, findings)
            check_resources(pod, container, place, findings)
            check_image(container, place, findings)
            check_probes(pod, container, place, findings)
            check_ports(container, place, findings)
            check_mounts(pod, container, place, findings)
            check_ending(pod, container, place, findings)


def check_pod(pod: Pod, findings: Findings) -> None:
    spec = pod.spec
    for field in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        findings.require(not spec.get(field), pod.place, f"{field} is set")
    findings.require("automountServiceAccountToken" in spec, pod.place, "does not say whether it gets a token of the Kubernetes API")
    mounted = {mount["name"] for container in pod.containers for mount in container.get("volumeMounts", [])}
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        findings.require(len(kinds) == 1 and kinds <= VOLUMES, pod.place, f"volume {volume['name']} is {', '.join(kinds) or 'nothing'}")
        findings.require(volume["name"] in mounted, pod.place, f"volume {volume['name']} is not mounted")
        if "emptyDir" in volume:
            findings.require((volume["emptyDir"] or {}).get("sizeLimit"), pod.place, f"volume {volume['name']} has no sizeLimit")
    findings.require(spec.get("terminationGracePeriodSeconds") or pod.is_job, pod.place, "does not say how long it may take to end")


def check_rights(pod: Pod, container: Object, place: str, findings: Findings) -> None:
    """The restricted pod standard, a root file system that nobody writes to, and a user by number."""
    security = {**pod.spec.get("securityContext", {}), **container.get("securityContext", {})}
    findings.require(security.get("runAsNonRoot") is True, place, "runAsNonRoot is not set")
    findings.require((security.get("runAsUser") or 0) > 0, place, "runAsUser is not a user other than root")
    findings.require((security.get("runAsGroup") or 0) > 0, place, "runAsGroup is not a group other than root's")
    findings.require(security.get("seccompProfile", {}).get("type") == "RuntimeDefault", place, "seccompProfile is not RuntimeDefault")
    findings.require(security.get("allowPrivilegeEscalation") is False, place, "allowPrivilegeEscalation is not false")
    findings.require(security.get("readOnlyRootFilesystem") is True, place, "readOnlyRootFilesystem is not true")
    capabilities = security.get("capabilities", {})
    findings.require(capabilities.get("drop") == ["ALL"] and not capabilities.get("add"), place, "does not drop all capabilities")
    findings.require(not security.get("privileged"), place, "is privileged")


def check_resources(pod: Pod, container: Object, place: str, findings: Findings) -> None:
    resources = container.get("resources", {})
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for name in ("cpu", "memory"):
        findings.require(name in requests, place, f"requests no {name}")
    findings.require("memory" in limits, place, "has no limit of memory")
    # Users' own code must not take a node's processors; the gateway may use those that nobody wants.
    if pod.namespace.startswith("user-"):
        findings.require("cpu" in limits, place, "has no limit of cpu")
        findings.require("ephemeral-storage" in limits, place, "has no limit of ephemeral-storage")
    for name in set(requests) & set(limits):
        findings.require(quantity(requests[name]) <= quantity(limits[name]), place, f"requests more {name} than its limit")


def quantity(text: object) -> float:
    """A quantity as a number. Its form was looked at before (schemas.py)."""
    factors = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    number = str(text).rstrip("".join(sorted(set("".join(factors)))))
    return float(number) * factors.get(str(text).removeprefix(number), 1)


def check_image(container: Object, place: str, findings: Findings) -> None:
    check_image_name(container.get("image", ""), place, findings)


def check_image_name(image: str, place: str, findings: Findings) -> None:
    """A known name and a tag that does not move."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    findings.require(name in IMAGES, place, f"image {image!r} is none of {', '.join(sorted(IMAGES))}")
    findings.require(tag and tag != "latest", place, f"image {image!r} has no tag, or one that moves")


def ports_of(container: Object) -> dict[object, int]:
    """Ports by name and by number."""
    ports = container.get("ports", [])
    return {key: port["containerPort"] for port in ports for key in (port.get("name"), port["containerPort"]) if key}


def check_probes(pod: Pod, container: Object, place: str, findings: Findings) -> None:
    probes = {kind: container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container}
    if not pod.is_job:
        findings.require("readinessProbe" in probes, place, "has no readinessProbe")
    if any(name in container.get("image", "") for name in ("coditect-server", "coditect-websocket")) and not pod.is_job:
        findings.require(len(probes) == 3, place, "has not all three probes")
    is_tls = "CODITECT_TLS_CERTIFICATE" in env_of(container)
    for kind, probe in probes.items():
        target = probe.get("httpGet") or probe.get("tcpSocket") or {}
        findings.require(target.get("port") in ports_of(container), place, f"{kind} asks at port {target.get('port')!r}, which is not there")
        if "httpGet" in probe:
            findings.require(target.get("path") in PROBE_PATHS, place, f"{kind} asks for {target.get('path')!r}")
            findings.require((target.get("scheme") == "HTTPS") == is_tls, place, f"{kind} speaks HTTP and the server HTTPS, or the other way round")
    findings.require(probes.get("livenessProbe", {}).get("httpGet", {}).get("path") != "/readyz", place, "is restarted when the store is away")


def check_ports(container: Object, place: str, findings: Findings) -> None:
    """Where it listens is among its ports."""
    for name, value in env_of(container).items():
        if name.endswith("LISTEN") and value:
            findings.require(int(value.rpartition(":")[2]) in ports_of(container), place, f"{name}={value} is none of its ports")


def check_mounts(pod: Pod, container: Object, place: str, findings: Findings) -> None:
    volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
    mounts = container.get("volumeMounts", [])
    for mount in mounts:
        findings.require(mount["name"] in volumes, place, f"mounts volume {mount['name']}, which is not there")
    paths = [mount["mountPath"] for mount in mounts]
    findings.require(len(paths) == len(set(paths)), place, "mounts two volumes at one path")
    for name, value in env_of(container).items():
        if value and name in FILES:
            under = any(value == path or value.startswith(path + "/") for path in paths)
            findings.require(under, place, f"{name}={value} is on no mounted volume")


# Variables that name files or folders.
FILES = {
    "CODITECT_DATA_DIR", "CODITECT_TLS_CERTIFICATE", "CODITECT_TLS_KEY", "CODITECT_WORKSPACES_TEMPLATE_DIR", "CODITECT_WORKSPACES_GATEWAY_CA",
    "CODITECT_WS_GATEWAY_TOKEN_FILE", "CODITECT_WS_GATEWAY_CA_FILE", "HOME",
}


def check_ending(pod: Pod, container: Object, place: str, findings: Findings) -> None:
    """The pod lives until what its container does at the end is done."""
    grace, env = pod.spec.get("terminationGracePeriodSeconds", 30), env_of(container)
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    for name, closing in (("CODITECT_LIMITS_SHUTDOWN_MS", CLOSING_S), ("CODITECT_WS_DRAIN_MS", 0)):
        if name in env:
            takes = before + int(env[name] or 0) / 1000 + closing
            findings.require(takes <= grace, place, f"takes {takes:g} s to end and is killed after {grace} s")
