"""The template of workspaces: what the gateway is expected to make of it, and what must hold of the template, the gateway's rights and both variants."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import yaml

from k8s.findings import Findings, Object, name_of
from k8s.pods import check_image_name, env_of
from k8s.render import Rendering, parse

FILES = {"namespace.yaml": "Namespace", "claim.yaml": "PersistentVolumeClaim", "networkpolicy.yaml": "NetworkPolicy",
         "service.yaml": "Service", "pod.yaml": "Pod"}
USER, NAMESPACE = "1", "user-1"
# Resources in rules of RBAC for what the gateway makes.
RESOURCES = {"Namespace": "namespaces", "PersistentVolumeClaim": "persistentvolumeclaims", "NetworkPolicy": "networkpolicies",
             "Service": "services", "Pod": "pods", "Secret": "secrets"}
# What the operator copies into the namespaces of users where sidecars look into the store.
OPERATORS = {"jwt-secret", "fdb-cluster-config"}
ANNOTATIONS = {"coditect/workspace-id": "w-1", "coditect/tenant": "acme", "coditect/user-id": USER, "coditect/origins": "https://ide.example.com"}


def expand(rendering: Rendering, findings: Findings) -> None:
    """Adds to a rendering what the gateway would make for one user."""
    template = next((obj for obj in rendering.of_kind("ConfigMap") if obj["metadata"]["name"].startswith("workspace-template")), None)
    place = f"{rendering.name}, workspace-template"
    if template is None or set(template["data"]) != set(FILES):
        findings.add(place, f"is not there, or does not hold {', '.join(FILES)} alone")
        return
    gateway = gateway_env(rendering)
    objects = []
    for name, kind in FILES.items():
        text = template["data"][name]
        check_text(text, f"{place}, {name}", findings)
        found = read(text, f"{place}, {name}", findings)
        if len(found) != 1 or found[0].get("kind") != kind:
            findings.add(f"{place}, {name}", f"is not one {kind}")
            return
        objects.append(made(found[0], gateway))
    is_store = looks_into_store(objects[-1])
    rendering.workspace = objects + beside(gateway, is_store)
    check_images(gateway, is_store, place, findings)


def read(text: str, place: str, findings: Findings) -> list[Object]:
    try:
        return parse(text)
    except yaml.YAMLError as error:
        findings.add(place, re.sub(r"\s+", " ", str(error)))
        return []


def gateway_env(rendering: Rendering) -> dict[str, str | None]:
    deployment = rendering.find("Deployment", "coditect-app", "coditect-server")
    return env_of(deployment["spec"]["template"]["spec"]["containers"][0]) if deployment else {}


def check_text(text: str, place: str, findings: Findings) -> None:
    """Versions of YAML read numbers with a zero in front, and words for yes and no, differently; the gateway's reader is another than kubectl's."""
    for value in re.findall(r":\s+(0[0-7]+|yes|no|on|off|Yes|No|On|Off)\s*(?:#.*)?$", text, re.MULTILINE):
        findings.add(place, f"{value} is not the same in every version of YAML")


def made(template: Object, gateway: dict[str, str | None]) -> Object:
    """An object of the template as the gateway would send it."""
    obj = copy.deepcopy(template)
    metadata = obj["metadata"]
    if obj["kind"] == "Namespace":
        metadata["name"] = NAMESPACE
    else:
        metadata["namespace"] = NAMESPACE
    if obj["kind"] == "Service":
        metadata["name"] = f"workspace-{USER}"
    if obj["kind"] == "Pod":
        for key, value in {**ANNOTATIONS, "coditect/gateway-url": gateway.get("CODITECT_WORKSPACES_GATEWAY_URL")}.items():
            if key in metadata["annotations"]:
                metadata["annotations"][key] = value
        images = {"workspace": "CODITECT_WORKSPACES_IMAGE", "websocket-gateway": "CODITECT_WORKSPACES_SIDECAR_IMAGE"}
        for container in obj["spec"].get("initContainers", []) + obj["spec"]["containers"]:
            container["image"] = gateway.get(images.get(container["name"], "")) or container["image"]
    return obj


def looks_into_store(pod: Object) -> bool:
    containers = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    return any("JWT_SECRET" in env_of(container) for container in containers)


def beside(gateway: dict[str, str | None], is_store: bool) -> list[Object]:
    """What there is besides the template: the token that the gateway makes, or where sidecars look into the store, the copies that the operator makes."""
    def holding(kind: str, name: str, keys: list[str]) -> Object:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "data": {key: "eA==" for key in keys}}

    if is_store:
        return [holding("Secret", "jwt-secret", ["secret"]), holding("ConfigMap", "fdb-cluster-config", ["fdb.cluster"])]
    has_ca = "CODITECT_WORKSPACES_GATEWAY_CA" in gateway
    return [holding("Secret", "workspace-token", ["token", *(["ca.crt"] if has_ca else [])])]


def check_images(gateway: dict[str, str | None], is_store: bool, place: str, findings: Findings) -> None:
    for name in ("CODITECT_WORKSPACES_IMAGE", "CODITECT_WORKSPACES_SIDECAR_IMAGE"):
        check_image_name(gateway.get(name) or "", f"{place}, {name}", findings)
    sidecar = gateway.get("CODITECT_WORKSPACES_SIDECAR_IMAGE") or ""
    findings.require(sidecar.endswith("-store") == is_store, place, f"{sidecar} is the sidecar of the other variant")


def check(rendering: Rendering, findings: Findings) -> None:
    if not rendering.workspace:
        return
    check_sidecar(rendering, findings)
    check_rights(rendering, findings)
    check_gateway_url(rendering, findings)


def check_sidecar(rendering: Rendering, findings: Findings) -> None:
    pod = rendering.of_kind("Pod")[0]
    spec, place = pod["spec"], name_of(pod)
    sidecars = [container for container in spec.get("initContainers", []) if container["name"] == "websocket-gateway"]
    findings.require(sidecars and sidecars[0].get("restartPolicy") == "Always", place, "websocket-gateway is no native sidecar")
    findings.require([container["name"] for container in spec["containers"]] == ["workspace"], place, "has not the one container workspace")
    env = env_of(spec["containers"][0])
    findings.require(env.get("WEBSOCKET_URL") == "ws://localhost:8765", place, "WEBSOCKET_URL does not lead to the sidecar")
    findings.require(spec.get("automountServiceAccountToken") is False, place, "gets a token of the Kubernetes API")
    # What only the sidecar may read.
    secret = {volume["name"] for volume in spec.get("volumes", []) if "secret" in volume}
    mounted = {mount["name"] for mount in spec["containers"][0].get("volumeMounts", [])}
    findings.require(not secret & mounted, place, "the user's code can read the sidecar's secret")
    namespace = rendering.find("Namespace", None, NAMESPACE)
    labels = (namespace or {"metadata": {}})["metadata"].get("labels", {})
    findings.require(labels.get("pod-security.kubernetes.io/enforce") == "restricted", name_of(namespace or pod), "does not enforce the restricted standard")


def check_rights(rendering: Rendering, findings: Findings) -> None:
    """The gateway may make what it makes, and no more than that; where it may write is confined."""
    role = rendering.find("ClusterRole", None, "coditect-workspaces")
    place = "ClusterRole coditect-workspaces"
    verbs: dict[str, set[str]] = {}
    for rule in (role or {}).get("rules", []):
        words = set(rule["verbs"]) | set(rule["resources"]) | set(rule["apiGroups"])
        findings.require(not words & {"*", "escalate", "bind", "impersonate"}, place, f"allows too much: {rule}")
        for resource in rule["resources"]:
            verbs.setdefault(resource, set()).update(rule["verbs"])
    needed = {RESOURCES[obj["kind"]] for obj in rendering.workspace if obj["metadata"]["name"] not in OPERATORS}
    for resource in sorted(needed):
        findings.require("create" in verbs.get(resource, set()), place, f"does not let the gateway make {resource}")
    for resource in sorted(set(verbs) - needed - {"secrets"}):
        findings.add(place, f"allows {resource}, which no template needs")
    findings.require(not verbs.get("secrets", set()) & {"get", "list", "watch"}, place, "lets the gateway read every Secret of the cluster")
    policy = rendering.find("ValidatingAdmissionPolicy", None, "coditect-workspaces")
    rules = (policy or {"spec": {"matchConstraints": {"resourceRules": []}}})["spec"]["matchConstraints"]["resourceRules"]
    confined = {resource for rule in rules for resource in rule["resources"]}
    for resource in sorted(set(verbs) - confined):
        findings.add("ValidatingAdmissionPolicy coditect-workspaces", f"does not confine {resource}, which the gateway may write anywhere")


def check_gateway_url(rendering: Rendering, findings: Findings) -> None:
    """Sidecars are sent to the gateway's Service, by the protocol that the gateway speaks."""
    gateway = gateway_env(rendering)
    url = gateway.get("CODITECT_WORKSPACES_GATEWAY_URL") or ""
    found = re.fullmatch(r"(https?)://([a-z0-9-]+)\.([a-z0-9-]+)\.svc:(\d+)", url)
    place = f"{rendering.name}, CODITECT_WORKSPACES_GATEWAY_URL"
    service = rendering.find("Service", found[3], found[2]) if found else None
    ports = [port["port"] for port in service["spec"]["ports"]] if service else []
    findings.require(found and int(found[4]) in ports, place, f"{url} is no Service that is here")
    findings.require((found and found[1] == "https") == ("CODITECT_TLS_CERTIFICATE" in gateway), place, f"{url} is not what the gateway speaks")


def check_variants(root: Path, findings: Findings) -> None:
    """The pod that looks into the store is the other one but for the sidecar's environment and volumes; its policies only allow more."""
    def bare(path: str) -> Object:
        pod = parse((root / path).read_text())[0]
        pod["spec"].pop("volumes")
        sidecar = pod["spec"]["initContainers"][0]
        sidecar.pop("volumeMounts")
        sidecar["env"] = [entry for entry in sidecar["env"] if entry["name"] not in DIFFERENT]
        return pod

    store = "k8s/components/workspace-store-access/"
    findings.require(bare("k8s/base/workspace/pod.yaml") == bare(store + "pod.yaml"), store + "pod.yaml", "differs from the other variant in more than it may")
    policies = [parse((root / folder / "networkpolicy.yaml").read_text())[0]["spec"] for folder in ("k8s/base/workspace", store)]
    findings.require(policies[0]["ingress"] == policies[1]["ingress"], store + "networkpolicy.yaml", "lets in others than the other variant")
    findings.require(all(rule in policies[1]["egress"] for rule in policies[0]["egress"]), store + "networkpolicy.yaml", "lacks egress of the other variant")


DIFFERENT = {"CODITECT_WS_GATEWAY", "CODITECT_WS_GATEWAY_TOKEN_FILE", "CODITECT_WS_GATEWAY_CA_FILE", "FDB_CLUSTER_STRING", "JWT_SECRET"}
