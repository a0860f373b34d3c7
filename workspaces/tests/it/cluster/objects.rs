//! The objects of the mock: versions, uids, owners of fields, deletion with grace and protection, and the events that watches show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::{self, Owners};
use super::kinds::{Kind, Place};
use super::status::{Refusal, invalid, refusal};

/// Something that happened to an object.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    pub(crate) object: Value,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) version: u64,
    pub(crate) all: BTreeMap<Place, Value>,
    owners: BTreeMap<Place, Owners>,
    /// The events behind [`Objects::compacted`].
    pub(crate) events: Vec<Event>,
    /// Watches from a version below this are told that it is gone.
    pub(crate) compacted: u64,
    /// Namespaces that stay though nothing is in them.
    pub(crate) stuck: BTreeSet<String>,
}

impl Objects {
    pub(crate) fn get(&self, place: &Place) -> Result<Value, Refusal> {
        let missing = || refusal(404, "NotFound", format!("{} \"{}\" not found", place.kind.plural(), place.name));
        self.all.get(place).cloned().ok_or_else(missing)
    }

    pub(crate) fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Value> {
        let is_meant = |place: &Place| place.kind == kind && namespace.is_none_or(|it| it == place.namespace);
        self.all.iter().filter(|(place, _)| is_meant(place)).map(|(_, object)| object.clone()).collect()
    }

    pub(crate) fn create(&mut self, place: &Place, mut object: Value, manager: &str) -> Result<Value, Refusal> {
        self.check_namespace(place)?;
        if self.all.contains_key(place) {
            let message = format!("{} \"{}\" already exists", place.kind.plural(), place.name);
            return Err(refusal(409, "AlreadyExists", message));
        }
        check(place.kind, &object)?;
        let owners = Owners::from([(manager.to_owned(), fields::leaves(&object))]);
        let uid = format!("uid-{}", self.version + 1);
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(uid);
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!("2026-03-01T09:30:00Z");
        object["apiVersion"] = json!(place.kind.api_version());
        object["kind"] = json!(place.kind.name());
        self.owners.insert(place.clone(), owners);
        Ok(self.store("ADDED", place, object))
    }

    /// Server-side apply.
    pub(crate) fn apply(
        &mut self,
        place: &Place,
        wanted: &Value,
        manager: &str,
        is_forced: bool,
    ) -> Result<Value, Refusal> {
        let old = self.all.get(place).cloned();
        for precondition in ["uid", "resourceVersion"] {
            let (wanted, is) =
                (&wanted["metadata"][precondition], old.as_ref().map(|it| &it["metadata"][precondition]));
            if !wanted.is_null() && Some(wanted) != is {
                return Err(refusal(409, "Conflict", format!("{precondition} is {is:?}, not {wanted}")));
            }
        }
        let Some(old) = old else { return self.create(place, wanted.clone(), manager) };
        self.check_namespace(place)?;
        let owners = self.owners.entry(place.clone()).or_default();
        let (mut object, now) = fields::applied(&old, wanted, owners, manager, is_forced)?;
        check(place.kind, &object)?;
        *owners = now;
        if object == old {
            return Ok(old);
        }
        if object["spec"] != old["spec"] {
            object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_u64().unwrap_or(1) + 1);
        }
        Ok(self.store("MODIFIED", place, object))
    }

    pub(crate) fn delete(&mut self, place: &Place, uid: Option<&str>) -> Result<Value, Refusal> {
        let object = self.get(place)?;
        let is = object["metadata"]["uid"].as_str();
        if uid.is_some() && uid != is {
            let message = format!("the UID in the precondition ({uid:?}) does not match the UID in record ({is:?})");
            return Err(refusal(409, "Conflict", message));
        }
        let goes_at_once = match place.kind {
            Kind::Pod => object["status"]["phase"].is_null(),
            Kind::Claim => !self.is_mounted(place),
            Kind::Namespace => false,
            _ => true,
        };
        if goes_at_once {
            return Ok(self.remove(place).unwrap_or(object));
        }
        match object["metadata"]["deletionTimestamp"].is_null() {
            true => Ok(self.change(place, |it| it["metadata"]["deletionTimestamp"] = json!("2026-03-01T09:31:00Z"))),
            false => Ok(object),
        }
    }

    /// Whether a pod of its namespace mounts the disk.
    pub(crate) fn is_mounted(&self, place: &Place) -> bool {
        self.list(Kind::Pod, Some(&place.namespace)).iter().any(|pod| {
            let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
            volumes.iter().any(|volume| volume["persistentVolumeClaim"]["claimName"] == *place.name)
        })
    }

    /// Changes an object as the cluster itself does.
    pub(crate) fn change(&mut self, place: &Place, change: impl FnOnce(&mut Value)) -> Value {
        let mut object = self.all[place].clone();
        change(&mut object);
        self.store("MODIFIED", place, object)
    }

    /// Sets a field as somebody else, who owns it then.
    pub(crate) fn edit(&mut self, place: &Place, pointer: &str, value: Value, manager: &str) {
        self.change(place, |object| *object.pointer_mut(pointer).unwrap() = value);
        let owners = self.owners.entry(place.clone()).or_default();
        owners.values_mut().for_each(|paths| paths.retain(|path| path != pointer));
        owners.entry(manager.to_owned()).or_default().insert(pointer.to_owned());
    }

    pub(crate) fn remove(&mut self, place: &Place) -> Option<Value> {
        let mut object = self.all.remove(place)?;
        self.owners.remove(place);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.events.push(Event { version: self.version, what: "DELETED", kind: place.kind, object: object.clone() });
        Some(object)
    }

    fn store(&mut self, what: &'static str, place: &Place, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.all.insert(place.clone(), object.clone());
        self.events.push(Event { version: self.version, what, kind: place.kind, object: object.clone() });
        object
    }

    fn check_namespace(&self, place: &Place) -> Result<(), Refusal> {
        if place.kind == Kind::Namespace {
            return Ok(());
        }
        let namespace = self.get(&Place::new(Kind::Namespace, "", &place.namespace))?;
        if namespace["metadata"]["deletionTimestamp"].is_null() {
            return Ok(());
        }
        let message =
            format!("{} \"{}\" is forbidden: its namespace is being terminated", place.kind.plural(), place.name);
        let mut told = refusal(403, "Forbidden", message);
        told.body["details"] = json!({"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]});
        Err(told)
    }
}

/// As much of the API's validation as the tests need.
fn check(kind: Kind, object: &Value) -> Result<(), Refusal> {
    let empty = Vec::new();
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).unwrap_or(&empty).clone();
    match kind {
        Kind::Pod => {
            for (list, path) in
                [(list("/spec/initContainers"), "initContainers"), (list("/spec/containers"), "containers")]
            {
                for (position, container) in list.iter().enumerate() {
                    if container["image"].as_str().is_none_or(str::is_empty) {
                        return Err(invalid(&format!("spec.{path}[{position}].image")));
                    }
                }
            }
            if list("/spec/containers").is_empty() { Err(invalid("spec.containers")) } else { Ok(()) }
        }
        Kind::Service if list("/spec/ports").is_empty() => Err(invalid("spec.ports")),
        _ => Ok(()),
    }
}
