"""The faults of the self-test: what is replaced in which file, and what has to be said of it."""

from __future__ import annotations

from dataclasses import dataclass

Renderings = tuple[tuple[str, tuple[str, ...]], ...]
DEV: Renderings = (("dev", ()),)
GKE: Renderings = (("gke", ()),)
STORE: Renderings = (("gke", ("workspace-store-access",)),)
# Nothing is rendered, and images are looked at.
IMAGES: Renderings = ()


@dataclass(frozen=True)
class Mutation:
    """One fault."""

    name: str
    renderings: Renderings
    file: str
    old: str
    new: str
    message: str


BASE, POD, POLICY = "k8s/base/deployment.yaml", "k8s/base/workspace/pod.yaml", "k8s/base/workspace/networkpolicy.yaml"
INGRESS, ACCESS, ADMISSION = "k8s/overlays/gke/ingress.yaml", "k8s/base/access.yaml", "k8s/base/admission.yaml"
SERVER, SIDECAR = "k8s/images/coditect-server.Dockerfile", "k8s/images/coditect-websocket.Dockerfile"
STORE_POD = "k8s/components/workspace-store-access/pod.yaml"

SCHEMAS = [
    Mutation("unknown field", DEV, BASE, "  minReadySeconds: 10", "  minReadySecond: 10", "'minReadySecond' was unexpected"),
    Mutation("unknown field in the template", DEV, POD, "      tcpSocket:\n", "      tcpSockets:\n", "'tcpSockets' was unexpected"),
    Mutation("wrong type", GKE, BASE, "replicas: 3", "replicas: three", "'three' is not of type 'integer'"),
    Mutation("unknown kind", DEV, "k8s/base/disruption.yaml", "kind: PodDisruptionBudget", "kind: PodDisruptionBudgets", "no schema of Kubernetes"),
    Mutation("unknown field of GKE", GKE, INGRESS, "timeoutSec: 86400", "timeoutSec: 86400\n  idleTimeoutSec: 60", "'idleTimeoutSec' was unexpected"),
    Mutation("wrong type of GKE", GKE, INGRESS, "timeoutSec: 86400", "timeoutSec: 1d", "'1d' is not of type 'integer'"),
    Mutation("wrong quantity", DEV, POD, "memory: 2Gi", "memory: 2GB", "is no quantity"),
    Mutation("wrong label", DEV, "k8s/base/workspace/namespace.yaml", 'workspaces: "true"', 'workspaces: "all of them"', "is no valid value"),
    Mutation("key twice", DEV, POD, "  restartPolicy: Always\n  auto", "  restartPolicy: Always\n  restartPolicy: Never\n  auto",
             "a key is there twice"),
    Mutation("octal number", DEV, POD, "defaultMode: 288", "defaultMode: 0440", "is not the same in every version of YAML"),
    Mutation("namespace of what has none", DEV, ADMISSION, "  name: coditect-workspaces\n",
             "  name: coditect-workspaces\n  namespace: coditect-app\n",
             "is the cluster's"),
    Mutation("deprecated field", DEV, "k8s/base/kustomization.yaml", "resources:\n", "commonLabels: {a: b}\nresources:\n", "kustomize: "),
]
REFERENCES = [
    Mutation("selector of nothing", DEV, "k8s/base/service.yaml", "  selector:\n    app: coditect-server", "  selector:\n    app: server",
             "matches no pod"),
    Mutation("workspace service of nothing", DEV, "k8s/base/workspace/service.yaml", "  selector:\n    app: coditect-workspace",
             "  selector:\n    app: x",
             "matches no pod"),
    Mutation("budget of nothing", DEV, "k8s/base/disruption.yaml", "    matchLabels:\n      app: coditect-server", "    matchLabels:\n      app: x",
             "matches no pod"),
    Mutation("port that is not there", DEV, "k8s/base/service.yaml", "targetPort: api", "targetPort: http", "leads to 'http'"),
    Mutation("secret that is not there", DEV, BASE, "name: jwt-secret", "name: jwt-secrets", "takes Secret jwt-secrets"),
    Mutation("key that is not there", GKE, BASE, "key: fdb.cluster", "key: cluster", "takes key cluster of ConfigMap fdb-cluster-config"),
    Mutation("generated secret gone", DEV, "k8s/overlays/dev/kustomization.yaml", "  - name: jwt-secret", "  - name: jwt", "takes Secret jwt"),
    Mutation("secret too short", DEV, "k8s/overlays/dev/kustomization.yaml", "-use-elsewhere-0123456789", "", "jwt-secret has"),
    Mutation("workspace secret that nobody makes", DEV, POD, "secretName: workspace-token", "secretName: token", "takes Secret token"),
    Mutation("account that is not there", DEV, BASE, "serviceAccountName: coditect-server", "serviceAccountName: server",
             "ServiceAccount server is not here"),
    Mutation("claim that is not there", DEV, POD, "claimName: workspace", "claimName: files", "PersistentVolumeClaim files is not here"),
    Mutation("annotation that is not there", DEV, POD, '    coditect/tenant: ""\n', "", "of an annotation that is not there"),
    Mutation("binding of nobody", DEV, ACCESS, "    name: coditect-server\n    namespace: coditect-app\n",
             "    name: coditect-server\n    namespace: default\n",
             "is not here"),
    Mutation("backend that is not there", GKE, "k8s/overlays/gke/service.yaml",
             '"default": "coditect-server"', '"default": "server"', "BackendConfig server"),
    Mutation("certificate of another host", GKE, "k8s/overlays/gke/site-fields.yaml",
             "- select: {kind: Ingress}\n      fieldPaths: [spec.rules.0.host]",
             "- select: {kind: Ingress}\n      fieldPaths: [spec.rules.0.http.paths.0.path]", "no certificate is for"),
    Mutation("load balancer without TLS", GKE, "k8s/overlays/gke/service.yaml", '"api": "HTTPS"', '"api": "HTTP"', "the load balancer speaks HTTP"),
    Mutation("sockets of 30 s", GKE, INGRESS, "timeoutSec: 86400", "timeoutSec: 30", "life of every WebSocket"),
    Mutation("value that nobody set", GKE, "k8s/overlays/gke/site-fields.yaml", "env.[name=GCP_PROJECT].value",
             "env.[name=CODITECT_LOG_FORMAT].value",
             "site.yaml was to set"),
]
PODS = [
    Mutation("root", DEV, BASE, "        runAsUser: 10001", "        runAsUser: 0", "runAsUser is not a user other than root"),
    Mutation("no user", DEV, POD, "        runAsUser: 1000\n", "", "runAsUser is not a user other than root"),
    Mutation("root file system", DEV, POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem is not true"),
    Mutation("escalation", DEV, BASE, "          securityContext:\n            allowPrivilegeEscalation: false", "          securityContext:",
             "allowPrivilegeEscalation is not false"),
    Mutation("capability", DEV, POD, 'drop: ["ALL"]', 'drop: ["ALL"]\n          add: ["NET_ADMIN"]', "does not drop all capabilities"),
    Mutation("host network", DEV, POD, "  enableServiceLinks: false", "  enableServiceLinks: false\n  hostNetwork: true", "hostNetwork is set"),
    Mutation("no limit", DEV, POD, "          memory: 2Gi\n", "", "has no limit of memory"),
    Mutation("no limit of cpu", DEV, POD, '          cpu: "2"\n', "", "has no limit of cpu"),
    Mutation("unbounded scratch", DEV, BASE, "          emptyDir:\n            sizeLimit: 64Mi", "          emptyDir: {}",
             "volume tmp has no sizeLimit"),
    Mutation("probe at no port", DEV, POD, "          path: /readyz\n          port: ops", "          path: /readyz\n          port: web",
             "asks at port 'web'"),
    Mutation("probe by HTTP", GKE, "k8s/components/tls/deployment.yaml",
             "          readinessProbe:\n            httpGet:\n              scheme: HTTPS\n", "",
             "speaks HTTP and the server HTTPS"),
    Mutation("liveness by the store", DEV, BASE, "          livenessProbe:\n            httpGet:\n              path: /healthz",
             "          livenessProbe:\n            httpGet:\n              path: /readyz", "is restarted when the store is away"),
    Mutation("too little grace", DEV, BASE, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "to end and is killed after"),
    Mutation("unknown image", DEV, POD, "    - name: workspace\n      image: t2-workspace-pod", "    - name: theia\n      image: theia:1",
             "is none of"),
    Mutation("moving tag", GKE, "k8s/overlays/gke/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", "has no tag, or one that moves"),
    Mutation("listens elsewhere", DEV, BASE, "value: 0.0.0.0:9090", "value: 0.0.0.0:9091", "is none of its ports"),
    Mutation("unknown setting of the server", DEV, BASE, "CODITECT_LIMITS_CONNECTIONS", "CODITECT_LIMIT_CONNECTIONS", "knows no variable"),
    Mutation("unknown setting of the sidecar", DEV, POD, "CODITECT_WS_DRAIN_MS", "CODITECT_WS_DRAIN_S", "knows no variable"),
    Mutation("secret in the clear", GKE, BASE, "            - name: JWT_SECRET\n              valueFrom:\n                secretKeyRef:\n"
             "                  name: jwt-secret\n"
             "                  key: secret\n", "            - name: JWT_SECRET\n              value: x\n", "is not taken from a Secret"),
]
WORKSPACES = [
    Mutation("no native sidecar", DEV, POD, "      restartPolicy: Always\n      ports", "      ports", "websocket-gateway is no native sidecar"),
    Mutation("user reads the token", DEV, POD, "        - name: tmp\n          mountPath: /tmp\n", "        - name: tmp\n          mountPath: /tmp\n"
             "        - name: gateway-token\n          mountPath: /token\n", "the user's code can read the sidecar's secret"),
    Mutation("no standard", DEV, "k8s/base/workspace/namespace.yaml", "    pod-security.kubernetes.io/enforce: restricted\n", "",
             "restricted standard"),
    Mutation("gateway may not make claims", DEV, ACCESS, "resources: [persistentvolumeclaims]\n    verbs: [get, create, delete]",
             "resources: [persistentvolumeclaims]\n    verbs: [get]", "does not let the gateway make persistentvolumeclaims"),
    Mutation("gateway reads secrets", DEV, ACCESS, "resources: [secrets]\n    verbs: [create", "resources: [secrets]\n    verbs: [get, create",
             "read every Secret"),
    Mutation("gateway may do everything", DEV, ACCESS, "verbs: [get, list, watch, create, delete]", 'verbs: ["*"]', "allows too much"),
    Mutation("gateway is not confined", DEV, ADMISSION, "services, persistentvolumeclaims, secrets", "services, persistentvolumeclaims",
             "does not confine secrets"),
    Mutation("sidecars ask by HTTP", GKE, "k8s/components/tls/deployment.yaml", "value: https://coditect-server", "value: http://coditect-server",
             "is not what the gateway speaks"),
    Mutation("variants differ", STORE, STORE_POD, "failureThreshold: 30", "failureThreshold: 31", "differs from the other variant"),
    Mutation("sidecar of the other variant", STORE, "k8s/overlays/gke/kustomization.yaml", "newTag: 0.1.0-store", "newTag: 0.1.0",
             "is the sidecar of the other variant"),
    Mutation("file missing in the template", DEV, "k8s/base/kustomization.yaml", "      - workspace/claim.yaml\n", "", "workspace-template"),
]
NETWORK = [
    Mutation("neighbours get in", DEV, POLICY, "          podSelector:\n            matchLabels:\n              app: coditect-server\n      ports:\n"
             "        - protocol: TCP\n          port: 8765",
             "      ports:\n        - protocol: TCP\n          port: 8765", "another pod of coditect-app can connect to a workspace"),
    Mutation("metadata server", DEV, POLICY, "              - 169.254.0.0/16\n", "", "a workspace can connect to the metadata server"),
    Mutation("cluster addresses", DEV, POLICY, "              - 10.0.0.0/8\n", "", "a workspace can connect to the API server"),
    Mutation("no DNS", DEV, POLICY, "values: [kube-dns, node-local-dns]", "values: [dns]", "a workspace cannot connect to the cluster's DNS"),
    Mutation("all ports", DEV, POLICY, "        - protocol: TCP\n          port: 22\n",
             "        - protocol: TCP\n          port: 1\n          endPort: 65535\n",
             "a workspace can connect to the internet at TCP 25"),
    Mutation("no egress policy", DEV, POLICY, "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "a workspace can connect to"),
    Mutation("sidecars are kept out", DEV, "k8s/base/networkpolicies.yaml",
             'coditect/workspaces: "true"', 'coditect/workspace: "true"', "a workspace cannot connect to the gateway"),
    Mutation("no default", GKE, "k8s/base/networkpolicies.yaml",
             "name: coditect-server\n  namespace: coditect-app\n  labels:\n    app.kubernetes.io/name: coditect-server\n"
             "    app.kubernetes.io/part-of: coditect\nspec:\n  podSelector:\n    matchLabels:\n      app: coditect-server\n"
             "  policyTypes: [Ingress]\n  ingress:\n    - from:\n",
             "name: coditect-server\n  namespace: coditect-app\nspec:\n  podSelector:\n    matchLabels:\n      app: coditect-server\n"
             "  policyTypes: [Ingress]\n  ingress:\n    - {}\n    - from:\n",
             "the internet can connect to the gateway"),
    Mutation("load balancer is kept out", GKE, "k8s/overlays/gke/networkpolicy.yaml", "cidr: 35.191.0.0/16", "cidr: 35.192.0.0/16",
             "Google's load balancer cannot"),
    Mutation("metrics for everybody", DEV, "k8s/base/networkpolicies.yaml", "values: [monitoring, gmp-system, gke-gmp-system]",
             "values: [monitoring, other]",
             "a pod of another namespace can connect to the gateway at TCP 9090"),
]
DOCKERFILES = [
    Mutation("image user root", IMAGES, SERVER, "USER 10001:10001", "USER root", "USER 'root' is no user and group by number"),
    Mutation("image without user", IMAGES, SIDECAR, "USER 10001:10001\n", "", "USER '' is no user"),
    Mutation("image user by name", IMAGES, SIDECAR, "USER 10001:10001", "USER nonroot", "is no user and group by number"),
    Mutation("latest base", IMAGES, SERVER, "-slim-bookworm AS fetched", "-slim-bookworm AS unused\nFROM python:latest AS fetched",
             "has no tag, or one that moves"),
    Mutation("base without tag", IMAGES, SIDECAR, "gcr.io/distroless/cc-debian13:nonroot AS", "gcr.io/distroless/cc-debian13 AS",
             "has no tag, or one that moves"),
    Mutation("fetched from anywhere", IMAGES, SERVER, "WORKDIR /fetch\n", "WORKDIR /fetch\nADD https://example.com/x /x\n", "ADD is not used"),
    Mutation("secret in the image", IMAGES, SERVER, "ENV XDG_CACHE_HOME", "ENV JWT_SECRET=x\nENV XDG_CACHE_HOME", "JWT_SECRET would be in the image"),
    Mutation("secret argument", IMAGES, SIDECAR, "FROM source AS build\n", "FROM source AS build\nARG API_TOKEN\n",
             "API_TOKEN would be in the image"),
    Mutation("source that is not there", IMAGES, SERVER, "COPY auth auth", "COPY auths auth", "copies auths, which is not there"),
    Mutation("source that is ignored", IMAGES, ".dockerignore", "!auth\n", "", "which .dockerignore keeps from the builder"),
    Mutation("entry by a shell", IMAGES, SIDECAR, 'ENTRYPOINT ["/usr/local/bin/coditect-websocket"]', "ENTRYPOINT /usr/local/bin/coditect-websocket",
             "ENTRYPOINT is for a shell"),
    Mutation("entry of another program", IMAGES, SERVER, 'ENTRYPOINT ["/usr/local/bin/coditect-server"]', 'ENTRYPOINT ["/usr/local/bin/coditect"]', "not coditect-server"),
    Mutation("unlocked build", IMAGES, SIDECAR, "--profile dist --locked -p", "--profile dist -p", "builds without --release (or --profile dist) or --locked"),
    Mutation("package that is not there", IMAGES, SERVER, "-p coditect-server", "-p coditect-gateway", "not in the workspace"),
    Mutation("feature that is not there", IMAGES, SERVER, "--features fdb", "--features foundationdb", "asks for a feature foundationdb"),
    Mutation("program from nowhere", IMAGES, SIDECAR, "COPY --from=build-store /out/", "COPY --from=build-store /out/release/", "which is not made"),
    Mutation("what hadolint knows", IMAGES, SERVER, "WORKDIR /fetch\n", "RUN cd /fetch\n", "DL3003"),
]
MUTATIONS = SCHEMAS + REFERENCES + PODS + WORKSPACES + NETWORK + DOCKERFILES
