//! What the rest of a cluster does: nodes that start and stop pods, and the controllers that finish deletions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::kinds::{Kind, Place};
use super::objects::Objects;

/// How a node treats a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// It gets ready.
    Works,
    /// Its image cannot be had.
    NoImage,
    /// It ends as soon as it has begun.
    Evicts,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Kubelet {
    pub(crate) takes: Duration,
    /// By parts of the pods' names; the node works where none fits.
    pub(crate) nodes: Vec<(String, Node)>,
    since: BTreeMap<(Place, &'static str), Instant>,
}

impl Kubelet {
    pub(crate) fn new(takes: Duration) -> Self {
        Self { takes, nodes: Vec::new(), since: BTreeMap::new() }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, objects: &mut Objects, now: Instant) {
        let places: Vec<Place> = objects.all.keys().cloned().collect();
        for place in &places {
            let Some(object) = objects.all.get(place).cloned() else { continue };
            let is_going = !object["metadata"]["deletionTimestamp"].is_null();
            match place.kind {
                Kind::Pod if !is_going => self.run(objects, place, &object, now),
                Kind::Pod if self.is_due(place, "stop", now) => {
                    objects.remove(place);
                }
                Kind::Claim if is_going && !objects.is_mounted(place) => {
                    objects.remove(place);
                }
                Kind::Namespace if is_going => empty(objects, place),
                _ => {}
            }
        }
        self.since.retain(|(place, _), _| objects.all.contains_key(place));
    }

    fn run(&mut self, objects: &mut Objects, place: &Place, pod: &Value, now: Instant) {
        if pod["status"]["phase"].is_null() {
            objects.change(place, |pod| pod["status"] = json!({"phase": "Pending", "podIP": "10.0.0.7"}));
        } else if pod["status"]["phase"] == "Pending"
            && has_all(objects, place, pod)
            && self.is_due(place, "start", now)
        {
            let node = self.nodes.iter().rev().find(|(name, _)| place.name.contains(name)).map(|(_, node)| *node);
            let status = status_of(node.unwrap_or(Node::Works));
            if pod["status"] != status {
                objects.change(place, |pod| pod["status"] = status);
            }
        }
    }

    fn is_due(&mut self, place: &Place, what: &'static str, now: Instant) -> bool {
        let since = *self.since.entry((place.clone(), what)).or_insert(now);
        now.duration_since(since) >= self.takes
    }
}

fn status_of(node: Node) -> Value {
    match node {
        Node::Works => {
            json!({"phase": "Running", "podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "True"}]})
        }
        Node::NoImage => json!({"phase": "Pending", "podIP": "10.0.0.7", "containerStatuses": [{
            "name": "workspace", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
        }]}),
        Node::Evicts => {
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."})
        }
    }
}

/// Whether the secret and the disk are there that the pod mounts.
fn has_all(objects: &Objects, place: &Place, pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    volumes.iter().all(|volume| {
        let there = |kind: Kind, name: &Value| {
            name.as_str().is_none_or(|name| objects.all.contains_key(&Place::new(kind, &place.namespace, name)))
        };
        there(Kind::Secret, &volume["secret"]["secretName"])
            && there(Kind::Claim, &volume["persistentVolumeClaim"]["claimName"])
    })
}

/// Goes on with the deletion of a namespace.
fn empty(objects: &mut Objects, namespace: &Place) {
    let inside: Vec<Place> = objects.all.keys().filter(|it| it.namespace == namespace.name).cloned().collect();
    for place in &inside {
        // Pods go with their grace.
        let _ = objects.delete(place, None);
    }
    if inside.is_empty() && !objects.stuck.contains(&namespace.name) {
        objects.remove(namespace);
    }
}
