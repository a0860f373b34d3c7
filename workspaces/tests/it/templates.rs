//! Templates of operators, and what becomes of them.

use std::path::Path;
use std::sync::Arc;

use coditect_auth::{UserId, WorkspaceId};
use coditect_workspaces::{Reconciler, State, TemplateOptions, Templates, Wanted, Workspace};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Rig, Running, TestTokens, cluster, fast, mock, options, tenant};

/// A pod that gets ids through the downward API, mounts what is its own under the templates' names, and other things besides.
const POD: &str = "
apiVersion: v1
kind: Pod
metadata:
  name: workspace
  labels: {app: coditect-workspace}
  annotations: {coditect/workspace-id: '', prometheus.io/port: '8766'}
spec:
  initContainers:
    - name: websocket-gateway
      image: coditect-websocket
      restartPolicy: Always
      env:
        - name: CODITECT_WORKSPACE_ID
          valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['coditect/workspace-id']\"}}
        - name: CODITECT_WORKSPACE_USER
          value: ''
        - name: TOKEN
          valueFrom: {secretKeyRef: {name: workspace-token, key: token}}
        - name: OTHER
          valueFrom: {secretKeyRef: {name: other, key: token}}
  containers:
    - name: workspace
      image: t2-workspace-pod
      volumeMounts:
        - {name: workspace, mountPath: /workspace}
    - name: helper
      image: helper:1
      env:
        - name: CODITECT_WORKSPACE_TENANT
  volumes:
    - name: token
      secret: {secretName: workspace-token}
    - name: both
      projected: {sources: [{secret: {name: workspace-token}}, {secret: {name: other}}]}
    - name: workspace
      persistentVolumeClaim: {claimName: workspace}
    - name: shared
      persistentVolumeClaim: {claimName: shared}
";

fn workspace() -> Workspace {
    let at = Timestamp::UNIX_EPOCH;
    Workspace {
        id: WorkspaceId::new("0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e").unwrap(),
        tenant: tenant("_Acme"),
        user: UserId::new("Ada").unwrap(),
        name: "main".into(),
        state: State::Pending,
        wanted: Wanted::Running,
        pod_namespace: "user-ada--1".into(),
        pod_name: "workspace-w".into(),
        service: "workspace-ada--1".into(),
        message: None,
        failures: 0,
        anew: false,
        created_at: at,
        updated_at: at,
        since: at,
        last_active_at: at,
        revision: 1,
    }
}

fn written(pod: &str) -> (tempfile::TempDir, TemplateOptions) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pod.yaml"), pod).unwrap();
    let options = TemplateOptions {
        folder: Some(folder.path().to_owned()),
        image: Some("registry/workspace:7".into()),
        sidecar_image: Some("registry/sidecar:8".into()),
        gateway_url: "https://gateway".into(),
        origins: vec!["https://a.example".into(), "https://b.example".into()],
        gateway_ca: Some("a certificate".into()),
    };
    (folder, options)
}

fn names(list: &Value, pointer: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().filter_map(|it| it.pointer(pointer).cloned()).collect()
}

#[test]
fn a_template_gets_names_ids_and_images_and_keeps_all_else() {
    let (_folder, options) = written(POD);
    let made = Templates::load(options).unwrap().manifests(&workspace(), Some(&"secret".into()));
    let pod = serde_json::to_value(&made.pod).unwrap();
    let spec = &pod["spec"];
    assert_eq!(
        (&pod["metadata"]["name"], &pod["metadata"]["namespace"]),
        (&json!("workspace-w"), &json!("user-ada--1"))
    );
    let annotations = json!({
        "coditect/workspace-id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "coditect/tenant": "_Acme", "coditect/user-id": "Ada",
        "coditect/origins": "https://a.example,https://b.example", "coditect/gateway-url": "https://gateway",
        "prometheus.io/port": "8766",
    });
    assert_eq!(pod["metadata"]["annotations"], annotations);
    let labels = &pod["metadata"]["labels"];
    assert_eq!((&labels["app"], &labels["coditect.io/user"]), (&json!("coditect-workspace"), &json!("Ada")));
    assert!(labels["coditect.io/tenant"].as_str().unwrap().starts_with("acme--"));
    let images = [names(&spec["initContainers"], "/image"), names(&spec["containers"], "/image")].concat();
    assert_eq!(images, ["registry/sidecar:8", "registry/workspace:7", "helper:1"]);
    let variables = &spec["initContainers"][0]["env"];
    assert_eq!(variables[0]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.annotations['coditect/workspace-id']");
    assert_eq!((&variables[0]["value"], &variables[1]["value"]), (&Value::Null, &json!("Ada")));
    assert_eq!(names(variables, "/valueFrom/secretKeyRef/name"), ["workspace-w-token", "other"]);
    assert_eq!(spec["containers"][1]["env"][0]["value"], "_Acme");
    let volumes = &spec["volumes"];
    assert_eq!(names(volumes, "/secret/secretName"), ["workspace-w-token"]);
    assert_eq!(names(&volumes[1]["projected"]["sources"], "/secret/name"), ["workspace-w-token", "other"]);
    assert_eq!(names(volumes, "/persistentVolumeClaim/claimName"), ["workspace-w", "shared"]);
    let secret = made.token.unwrap();
    assert_eq!(secret.metadata.name.as_deref(), Some("workspace-w-token"));
    let data = secret.data.unwrap();
    assert_eq!((data["token"].0.as_slice(), data["ca.crt"].0.as_slice()), (&b"secret"[..], &b"a certificate"[..]));
    assert!(made.needs_token && made.claim.is_some());
}

#[test]
fn a_pod_without_disk_and_token_needs_neither() {
    let (_folder, options) = written("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: workspace, image: a}]}\n");
    let made = Templates::load(options).unwrap().manifests(&workspace(), None);
    assert_eq!((made.needs_token, made.claim, made.token), (false, None, None));
}

#[test]
fn the_deployed_templates_are_the_built_in_ones_and_are_filled_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/base/workspace");
    let made = |folder: Option<&Path>| {
        let options = TemplateOptions { folder: folder.map(Into::into), ..Default::default() };
        Templates::load(options).unwrap().manifests(&workspace(), Some(&"secret".into()))
    };
    let deployed = made(Some(&folder));
    assert_eq!(deployed, made(None));
    let text = serde_json::to_string(&deployed.pod).unwrap();
    assert!(deployed.needs_token && deployed.claim.is_some());
    assert!(!text.contains("\"workspace-token\"") && text.contains("workspace-w-token"), "{text}");
    assert!(text.contains("\"coditect/user-id\":\"Ada\""), "{text}");
}

#[tokio::test]
async fn a_template_that_the_cluster_refuses_is_told_until_it_is_corrected() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let (_folder, bad) = written(&POD.replace("image: t2-workspace-pod", "image: ''"));
    let templates = Templates::load(TemplateOptions { image: None, ..bad }).unwrap();
    let reconciler = Reconciler::new(&rig.workspaces, cluster(&mock).await, templates, fast()).unwrap();
    let reconciler = Running::with(reconciler.with_tokens(Arc::new(TestTokens)));
    let (made, other) = (rig.workspace_of("ada").await, rig.workspace_of("bob").await);
    let failed = rig.until(&made, State::Failed).await;
    let expected = "the cluster refuses its Pod: Invalid at spec.containers[0].image";
    assert_eq!(failed.message.as_deref(), Some(expected));
    rig.workspaces.delete(&rig.operator(), &other.id).await.unwrap();
    rig.until(&other, State::Terminated).await;
    reconciler.stop().await;
    let corrected = rig.reconciler(cluster(&mock).await, fast());
    rig.until(&made, State::Running).await;
    corrected.stop().await;
}
