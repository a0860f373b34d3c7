//! What a pod's status means for its workspace.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};

use crate::cluster::{Observed, Phase};

/// Reasons why a container waits that say no more than that it starts.
const ORDINARY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

pub(super) fn observed(pod: &Pod) -> Observed {
    let none = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&none);
    let has_ended = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    let (phase, message) = if pod.metadata.deletion_timestamp.is_some() {
        (Phase::Stopping, Some("its pod is being stopped".into()))
    } else if has_ended {
        (Phase::Failed, Some(end_of(status)))
    } else if condition(status, "Ready") == Some(true) {
        (Phase::Ready, None)
    } else {
        (Phase::Starting, trouble_of(status))
    };
    Observed { phase, message, pod_ip: status.pod_ip.clone() }
}

fn condition(status: &PodStatus, type_: &str) -> Option<bool> {
    let found = status.conditions.iter().flatten().find(|condition| condition.type_ == type_)?;
    Some(found.status == "True")
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
}

/// Why a pod has ended: what the node says of it, or how its containers did.
fn end_of(status: &PodStatus) -> String {
    let said = [&status.reason, &status.message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
    if !said.is_empty() {
        return format!("its pod has ended: {said}");
    }
    let ends = containers(status).find_map(|it| ending(&it.name, it.state.as_ref()));
    ends.unwrap_or_else(|| "its pod has ended".into())
}

/// What keeps a pod from being ready, if more than time.
fn trouble_of(status: &PodStatus) -> Option<String> {
    let waits = containers(status).find_map(|it| {
        let waiting = it.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().filter(|reason| !ORDINARY.contains(reason))?;
        let last = ending(&it.name, it.last_state.as_ref()).map(|end| format!("; {end}")).unwrap_or_default();
        let message = waiting.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        Some(format!("container {} waits: {reason}{message}{last}", it.name))
    });
    let ended = || containers(status).find_map(|it| ending(&it.name, it.state.as_ref()));
    waits.or_else(ended).or_else(|| unplaced(status))
}

/// How a container has ended.
fn ending(name: &str, state: Option<&ContainerState>) -> Option<String> {
    let end = state?.terminated.as_ref()?;
    let reason = end.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(format!("container {name} ended with {}{reason}", end.exit_code))
}

/// Why no node takes the pod.
fn unplaced(status: &PodStatus) -> Option<String> {
    let conditions = status.conditions.iter().flatten();
    let unplaced = conditions.into_iter().find(|it| it.type_ == "PodScheduled" && it.status == "False")?;
    let message = unplaced.message.as_deref().or(unplaced.reason.as_deref()).unwrap_or("no node takes it");
    Some(format!("no node for its pod: {message}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen(status: &Value) -> (Phase, String) {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w"}, "status": status});
        let observed = observed(&serde_json::from_value(pod).unwrap());
        (observed.phase, observed.message.unwrap_or_default())
    }

    fn waits(reason: &str, message: Option<&str>, last_exit: Option<i32>) -> Value {
        let last = last_exit.map(|code| json!({"terminated": {"exitCode": code, "reason": "OOMKilled"}}));
        json!({"phase": "Running", "containerStatuses": [{
            "name": "workspace", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
            "state": {"waiting": {"reason": reason, "message": message}}, "lastState": last,
        }]})
    }

    #[test]
    fn a_pod_is_ready_when_it_says_so() {
        let ready = |status: &str| json!({"phase": "Running", "conditions": [{"type": "Ready", "status": status}]});
        assert_eq!(seen(&ready("True")), (Phase::Ready, String::new()));
        assert_eq!(seen(&ready("False")), (Phase::Starting, String::new()));
        assert_eq!(seen(&json!({})), (Phase::Starting, String::new()));
        assert_eq!(seen(&waits("ContainerCreating", None, None)), (Phase::Starting, String::new()));
    }

    #[test]
    fn what_is_in_its_way_is_told() {
        let told = seen(&waits("ImagePullBackOff", Some("back-off pulling image \"i\""), None));
        let expected = "container workspace waits: ImagePullBackOff: back-off pulling image \"i\"";
        assert_eq!(told, (Phase::Starting, expected.into()));
        let told = seen(&waits("CrashLoopBackOff", None, Some(137)));
        let expected = "container workspace waits: CrashLoopBackOff; container workspace ended with 137 (OOMKilled)";
        assert_eq!(told, (Phase::Starting, expected.into()));
        let unplaced = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
        ]});
        assert_eq!(seen(&unplaced), (Phase::Starting, "no node for its pod: 0/3 nodes are available".into()));
    }

    #[test]
    fn a_pod_that_has_ended_says_why() {
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"});
        let expected = "its pod has ended: Evicted: the node was low on memory";
        assert_eq!(seen(&evicted), (Phase::Failed, expected.into()));
        let ended = json!({"phase": "Succeeded", "containerStatuses": [{
            "name": "workspace", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        }]});
        assert_eq!(seen(&ended), (Phase::Failed, "container workspace ended with 0 (Completed)".into()));
        assert_eq!(seen(&json!({"phase": "Failed"})), (Phase::Failed, "its pod has ended".into()));
    }
}
