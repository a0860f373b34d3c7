"""Which connections the NetworkPolicies of a rendering allow, asked for the connections that must be and for those that must not."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from k8s.findings import Findings, Object
from k8s.references import selects
from k8s.render import Rendering


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, or an address somewhere."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    namespace_labels: dict[str, str] = field(default_factory=dict)
    address: str = ""


def pod(name: str, namespace: str, labels: dict[str, str], more: dict[str, str] | None = None) -> End:
    return End(name, namespace, labels, {"kubernetes.io/metadata.name": namespace, **(more or {})})


WORKSPACES = {"coditect/workspaces": "true"}
GATEWAY = pod("the gateway", "coditect-app", {"app": "coditect-server"})
NEIGHBOUR = pod("another pod of coditect-app", "coditect-app", {"app": "other"})
WORKSPACE = pod("a workspace", "user-1", {"app": "coditect-workspace"}, WORKSPACES)
SECOND = pod("another user's workspace", "user-2", {"app": "coditect-workspace"}, WORKSPACES)
PROMETHEUS = pod("Prometheus", "monitoring", {"app": "prometheus"})
STRANGER = pod("a pod of another namespace", "other", {"app": "coditect-workspace"})
DNS = pod("the cluster's DNS", "kube-system", {"k8s-app": "kube-dns"})
SYSTEM = pod("another pod of kube-system", "kube-system", {"k8s-app": "metrics-server"})
INTERNET = End("the internet", address="203.0.113.9")
METADATA = End("the metadata server", address="169.254.169.254")
API_SERVER = End("the API server", address="10.96.0.1")
FOUNDATIONDB = End("FoundationDB", address="10.128.0.8")
BALANCER = End("Google's load balancer", address="35.191.4.4")

# From, to, port, protocol, and whether it must be possible.
CONNECTIONS = [
    (GATEWAY, WORKSPACE, 8765, "TCP", True),
    (GATEWAY, WORKSPACE, 3000, "TCP", False),
    (NEIGHBOUR, WORKSPACE, 8765, "TCP", False),
    (SECOND, WORKSPACE, 8765, "TCP", False),
    (STRANGER, WORKSPACE, 8765, "TCP", False),
    (INTERNET, WORKSPACE, 8765, "TCP", False),
    (PROMETHEUS, WORKSPACE, 8766, "TCP", True),
    (PROMETHEUS, WORKSPACE, 8765, "TCP", False),
    (NEIGHBOUR, WORKSPACE, 8766, "TCP", False),
    (WORKSPACE, GATEWAY, 8080, "TCP", True),
    (WORKSPACE, GATEWAY, 9090, "TCP", False),
    (WORKSPACE, NEIGHBOUR, 8080, "TCP", False),
    (WORKSPACE, SECOND, 8765, "TCP", False),
    (WORKSPACE, DNS, 53, "UDP", True),
    (WORKSPACE, SYSTEM, 53, "UDP", False),
    (WORKSPACE, INTERNET, 443, "TCP", True),
    (WORKSPACE, INTERNET, 22, "TCP", True),
    (WORKSPACE, INTERNET, 25, "TCP", False),
    (WORKSPACE, METADATA, 53, "UDP", True),
    (WORKSPACE, METADATA, 80, "TCP", False),
    (WORKSPACE, METADATA, 988, "TCP", False),
    (WORKSPACE, API_SERVER, 443, "TCP", False),
    (NEIGHBOUR, GATEWAY, 8080, "TCP", True),
    (STRANGER, GATEWAY, 8080, "TCP", False),
    (STRANGER, GATEWAY, 9090, "TCP", False),
    (INTERNET, GATEWAY, 8080, "TCP", False),
    (PROMETHEUS, GATEWAY, 9090, "TCP", True),
    (GATEWAY, FOUNDATIONDB, 4500, "TCP", True),
]


def check(rendering: Rendering, findings: Findings) -> None:
    policies = list(applied(rendering))
    has_balancer = bool(rendering.of_kind("Ingress"))
    holds_store = "workspace-store-access" in rendering.name
    more = [(BALANCER, GATEWAY, 8080, "TCP", has_balancer), (BALANCER, GATEWAY, 9090, "TCP", False),
            (WORKSPACE, FOUNDATIONDB, 4500, "TCP", holds_store), (WORKSPACE, FOUNDATIONDB, 22, "TCP", False)]
    for source, target, port, protocol, wanted in CONNECTIONS + more:
        if is_allowed(policies, source, target, port, protocol) != wanted:
            place = f"{rendering.name}, network policies"
            findings.add(place, f"{source.name} {'cannot' if wanted else 'can'} connect to {target.name} at {protocol} {port}")


def applied(rendering: Rendering) -> Iterator[Object]:
    """The policies of the gateway, and those of a workspace for both users."""
    for policy in rendering.of_kind("NetworkPolicy"):
        namespace = policy["metadata"]["namespace"]
        for place in ("user-1", "user-2") if namespace.startswith("user-") else (namespace,):
            yield {**policy, "metadata": {**policy["metadata"], "namespace": place}}


def is_allowed(policies: list[Object], source: End, target: End, port: int, protocol: str) -> bool:
    """Both ends have to agree. An end that no policy selects for a direction agrees with everything."""
    out = is_open(policies, source, target, "Egress", port, protocol)
    return out and is_open(policies, target, source, "Ingress", port, protocol)


def is_open(policies: list[Object], own: End, other: End, direction: str, port: int, protocol: str) -> bool:
    about = [policy["spec"] for policy in policies
             if own.namespace == policy["metadata"]["namespace"] and selects(policy["spec"].get("podSelector") or {}, own.labels)
             and direction in policy["spec"]["policyTypes"]]
    side, peers = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    rules = [rule for spec in about for rule in spec.get(peers) or []]
    return not about or any(matches_peer(rule.get(side), own, other) and matches_port(rule.get("ports"), port, protocol) for rule in rules)


def matches_peer(peers: list[Object] | None, own: End, other: End) -> bool:
    return not peers or any(is_peer(peer, own, other) for peer in peers)


def is_peer(peer: Object, own: End, other: End) -> bool:
    if "ipBlock" in peer:
        if not other.address:
            return False
        address, block = ipaddress.ip_address(other.address), peer["ipBlock"]
        excepted = any(address in ipaddress.ip_network(net) for net in block.get("except", []))
        return address in ipaddress.ip_network(block["cidr"]) and not excepted
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        here = selects(peer["namespaceSelector"] or {}, other.namespace_labels)
    else:
        here = other.namespace == own.namespace
    return here and selects(peer.get("podSelector") or {}, other.labels)


def matches_port(ports: list[Object] | None, port: int, protocol: str) -> bool:
    return not ports or any(is_port(entry, port, protocol) for entry in ports)


def is_port(entry: Object, port: int, protocol: str) -> bool:
    last: int = entry.get("endPort") or entry["port"]
    return entry.get("protocol", "TCP") == protocol and entry["port"] <= port <= last
