"""What objects say of each other: selectors select, and what is named is there, or is on the list of what the operator makes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from k8s.findings import Findings, Object, name_of
from k8s.pods import Pod, ports_of, pods
from k8s.render import Rendering

# What no rendering holds, with its keys and the overlays that it is for: made by the operator, as k8s/README.md says.
FROM_OUTSIDE = {
    ("Secret", "coditect-app", "jwt-secret"): ({"secret"}, {"gke"}),
    ("Secret", "coditect-app", "coditect-server-tls"): ({"tls.crt", "tls.key", "ca.crt"}, {"gke", "dev"}),
}


def check(rendering: Rendering, findings: Findings) -> None:
    for pod in pods(rendering):
        check_pod(rendering, pod, findings)
    for obj in rendering.all:
        if check_kind := KINDS.get(obj["kind"]):
            check_kind(rendering, obj, name_of(obj), findings)


def selects(selector: Object | None, labels: dict[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything, None nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for term in selector.get("matchExpressions") or []:
        has, is_among = term["key"] in labels, labels.get(term["key"]) in term.get("values", [])
        if not {"In": is_among, "NotIn": not is_among, "Exists": has, "DoesNotExist": not has}[term["operator"]]:
            return False
    return True


def selected(rendering: Rendering, namespace: str, selector: Object | None) -> list[Pod]:
    return [pod for pod in pods(rendering) if pod.namespace == namespace and selects(selector, pod.labels)]


def references(spec: Object) -> Iterator[tuple[str, str, str | None]]:
    """What a pod takes from ConfigMaps and Secrets: kind, name, and key where it is one."""
    for container in spec.get("initContainers", []) + spec["containers"]:
        for entry in container.get("env", []):
            source = entry.get("valueFrom", {})
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if field in source:
                    yield kind, source[field]["name"], source[field]["key"]
        for entry in container.get("envFrom", []):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field in entry:
                    yield kind, entry[field]["name"], None
    for volume in spec.get("volumes", []):
        for field, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if field in volume:
                keys = [item["key"] for item in volume[field].get("items", [])] or [None]
                yield from ((kind, volume[field][name], key) for key in keys)


def keys_of(rendering: Rendering, kind: str, namespace: str, name: str) -> set[str] | None:
    """The keys of a ConfigMap or Secret; None where it is nowhere."""
    found = rendering.find(kind, namespace, name)
    if found is None:
        keys, overlays = FROM_OUTSIDE.get((kind, namespace, name), (set(), set()))
        return keys if rendering.name.partition("+")[0] in overlays else None
    return {key for field in ("data", "binaryData", "stringData") for key in found.get(field) or {}}


def check_pod(rendering: Rendering, pod: Pod, findings: Findings) -> None:
    for kind, name, key in references(pod.spec):
        keys = keys_of(rendering, kind, pod.namespace, name)
        if keys is None:
            findings.add(pod.place, f"takes {kind} {name}, which is neither here nor on the list of what is made by hand")
        elif key is not None:
            findings.require(key in keys, pod.place, f"takes key {key} of {kind} {name}, which has {', '.join(sorted(keys))}")
    account = pod.spec.get("serviceAccountName")
    if account:
        findings.require(rendering.find("ServiceAccount", pod.namespace, account), pod.place, f"ServiceAccount {account} is not here")
    findings.require(account or not pod.spec.get("automountServiceAccountToken"), pod.place, "gets a token of the default ServiceAccount")
    for volume in pod.spec.get("volumes", []):
        if claim := volume.get("persistentVolumeClaim", {}).get("claimName"):
            findings.require(rendering.find("PersistentVolumeClaim", pod.namespace, claim), pod.place, f"PersistentVolumeClaim {claim} is not here")
    for entry in (entry for container in pod.containers for entry in container.get("env", [])):
        path = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
        if path.startswith("metadata.annotations['"):
            findings.require(path.split("'")[1] in pod.annotations, pod.place, f"{entry['name']} is of an annotation that is not there: {path}")
    for spread in pod.spec.get("topologySpreadConstraints", []):
        findings.require(selects(spread.get("labelSelector"), pod.labels), pod.place, f"is spread over {spread['topologyKey']} by labels that it has not")


def check_service(rendering: Rendering, service: Object, place: str, findings: Findings) -> None:
    spec = service["spec"]
    found = selected(rendering, service["metadata"]["namespace"], {"matchLabels": spec["selector"]} if spec.get("selector") else None)
    findings.require(found, place, "its selector matches no pod")
    for port in spec["ports"]:
        target = port.get("targetPort", port["port"])
        for pod in found:
            has = any(target in ports_of(container) for container in pod.containers)
            findings.require(has, place, f"port {port['port']} leads to {target!r}, which {pod.place} has not")
    annotations = service["metadata"].get("annotations", {})
    names = {port.get("name") for port in spec["ports"]}
    for name, protocol in json.loads(annotations.get("cloud.google.com/app-protocols", "{}")).items():
        findings.require(name in names, place, f"app-protocols names port {name!r}, which is not there")
        is_tls = any("tls" in mount["name"] for pod in found for container in pod.containers for mount in container.get("volumeMounts", []))
        findings.require((protocol == "HTTPS") == is_tls, place, f"the load balancer speaks {protocol}, and the pods do not")
    for name in json.loads(annotations.get("cloud.google.com/backend-config", "{}")).values():
        check_backend(rendering, service, name, found, findings)


def check_backend(rendering: Rendering, service: Object, name: str, found: list[Pod], findings: Findings) -> None:
    """The load balancer's rules for a service: a check of a port that is there, and sockets that live."""
    place = name_of(service)
    config = rendering.find("BackendConfig", service["metadata"]["namespace"], name)
    if config is None:
        findings.add(place, f"BackendConfig {name} is not here")
        return
    spec, place = config["spec"], name_of(config)
    findings.require(spec["timeoutSec"] >= 3600, place, "timeoutSec is the life of every WebSocket: less than an hour cuts them all the time")
    protocols = json.loads(service["metadata"]["annotations"].get("cloud.google.com/app-protocols", "{}"))
    findings.require(spec["healthCheck"]["type"] in protocols.values(), place, "its health check speaks another protocol than the service")
    findings.require(spec["healthCheck"]["requestPath"] == "/readyz", place, "its health check does not ask whether the pod is ready")
    for pod in found:
        has = any(spec["healthCheck"]["port"] in ports_of(container) for container in pod.containers)
        findings.require(has, place, f"its health check asks at a port that {pod.place} has not")


def check_workload(rendering: Rendering, workload: Object, place: str, findings: Findings) -> None:
    spec = workload["spec"]
    findings.require(selects(spec["selector"], spec["template"]["metadata"].get("labels", {})), place, "does not select its own pods")


def check_disruption(rendering: Rendering, budget: Object, place: str, findings: Findings) -> None:
    found = selected(rendering, budget["metadata"]["namespace"], budget["spec"].get("selector"))
    findings.require(found, place, "its selector matches no pod")


def check_policy(rendering: Rendering, policy: Object, place: str, findings: Findings) -> None:
    selector = policy["spec"].get("podSelector")
    found = selected(rendering, policy["metadata"]["namespace"], selector)
    findings.require(found, place, "its podSelector matches no pod")
    if not selector:
        return
    for rule in policy["spec"].get("ingress") or []:
        for port in rule.get("ports") or []:
            has = any(port["port"] in ports_of(container) for pod in found for container in pod.containers)
            findings.require(has, place, f"opens port {port['port']}, which no pod has that it is about")


def check_ingress(rendering: Rendering, ingress: Object, place: str, findings: Findings) -> None:
    namespace, spec = ingress["metadata"]["namespace"], ingress["spec"]
    backends = [path["backend"] for rule in spec.get("rules", []) for path in rule["http"]["paths"]]
    backends += [spec["defaultBackend"]] if "defaultBackend" in spec else []
    for backend in backends:
        service = rendering.find("Service", namespace, backend["service"]["name"])
        ports = [value for port in service["spec"]["ports"] for value in (port.get("name"), port["port"])] if service else []
        findings.require(set(backend["service"]["port"].values()) <= set(ports), place, f"leads to {backend['service']}, which is not here")
    certified = set()
    annotations = ingress["metadata"].get("annotations", {})
    named = {"ManagedCertificate": "networking.gke.io/managed-certificates", "FrontendConfig": "networking.gke.io/v1beta1.FrontendConfig"}
    for kind, annotation in named.items():
        for name in filter(None, annotations.get(annotation, "").split(",")):
            found = rendering.find(kind, namespace, name)
            findings.require(found, place, f"{kind} {name} is not here")
            certified |= set((found or {}).get("spec", {}).get("domains", []))
    for rule in spec.get("rules", []):
        findings.require(rule.get("host") in certified, place, f"no certificate is for {rule.get('host')}")


def check_binding(rendering: Rendering, binding: Object, place: str, findings: Findings) -> None:
    role = binding["roleRef"]
    findings.require(rendering.find(role["kind"], binding["metadata"].get("namespace"), role["name"]), place, f"{role['kind']} {role['name']} is not here")
    for subject in binding.get("subjects", []):
        found = rendering.find(subject["kind"], subject.get("namespace"), subject["name"])
        findings.require(found, place, f"{subject['kind']} {subject.get('namespace')}/{subject['name']} is not here")


KINDS = {
    "Service": check_service, "Deployment": check_workload, "StatefulSet": check_workload, "PodDisruptionBudget": check_disruption,
    "NetworkPolicy": check_policy, "Ingress": check_ingress, "RoleBinding": check_binding, "ClusterRoleBinding": check_binding,
}
