//! Reading templates: from a folder, or the built-in ones. A field that Kubernetes does not know is an error here, before it is silently left out there.

use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{TemplateOptions, Templates};

/// The templates that are deployed are the built-in ones too.
macro_rules! built_in {
    ($file:literal) => {
        include_str!(concat!("../../../k8s/base/workspace/", $file))
    };
}

/// A template that cannot be used.
#[derive(Debug)]
pub struct TemplateError {
    file: String,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TemplateError {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), message: message.into(), source: None }
    }

    fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "template {}: {}", self.file, self.message)
    }
}

impl std::error::Error for TemplateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl Templates {
    /// Reads the templates that `options` name.
    ///
    /// # Errors
    /// A folder or file that cannot be read, is no YAML, is another kind of object, or has a field that there is not; a pod without containers.
    pub fn load(options: TemplateOptions) -> Result<Self, TemplateError> {
        let folder = options.folder.as_deref();
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(TemplateError::new(folder.display().to_string(), "is no folder"));
        }
        let pod: Pod = object(folder, "pod.yaml", built_in!("pod.yaml"))?;
        if pod.spec.as_ref().is_none_or(|spec| spec.containers.is_empty()) {
            return Err(TemplateError::new("pod.yaml", "has no container"));
        }
        Ok(Self {
            namespace: object(folder, "namespace.yaml", built_in!("namespace.yaml"))?,
            policy: object(folder, "networkpolicy.yaml", built_in!("networkpolicy.yaml"))?,
            service: object(folder, "service.yaml", built_in!("service.yaml"))?,
            claim: object(folder, "claim.yaml", built_in!("claim.yaml"))?,
            pod,
            options,
        })
    }
}

fn object<T: Serialize + DeserializeOwned>(
    folder: Option<&Path>,
    file: &str,
    built_in: &str,
) -> Result<T, TemplateError> {
    let text = match folder.map(|folder| std::fs::read_to_string(folder.join(file))) {
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(TemplateError::new(file, "cannot be read").caused_by(error));
        }
        Some(Err(_)) | None => built_in.to_owned(),
    };
    parse(file, &text)
}

fn parse<T: Serialize + DeserializeOwned>(file: &str, text: &str) -> Result<T, TemplateError> {
    let written: Value =
        serde_saphyr::from_str(text).map_err(|error| TemplateError::new(file, format!("is no YAML: {error}")))?;
    let object: T = serde_json::from_value(written.clone())
        .map_err(|error| TemplateError::new(file, format!("is no such object: {error}")))?;
    let understood = serde_json::to_value(&object)
        .map_err(|error| TemplateError::new(file, "cannot be written again").caused_by(error))?;
    match lost(&written, &understood, "") {
        None => Ok(object),
        Some(path) => Err(TemplateError::new(file, format!("there is no field {path}"))),
    }
}

/// The path of the first field of `written` that is not in `understood`.
fn lost(written: &Value, understood: &Value, path: &str) -> Option<String> {
    match (written, understood) {
        (Value::Object(written), Value::Object(understood)) => written.iter().find_map(|(key, value)| {
            let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
            match understood.get(key) {
                Some(understood) => lost(value, understood, &path),
                None => (!is_nothing(value)).then_some(path),
            }
        }),
        (Value::Array(written), Value::Array(understood)) => written
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(position, (written, understood))| lost(written, understood, &format!("{path}[{position}]"))),
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Service;

    use super::*;

    fn refused(text: &str) -> String {
        parse::<Service>("service.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_templates_are_understood() {
        Templates::load(TemplateOptions::default()).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_template_is_told_with_its_place() {
        let good = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n    - port: 1\n";
        parse::<Service>("service.yaml", good).unwrap();
        assert!(refused("a: [").starts_with("template service.yaml: is no YAML: "));
        assert!(refused(&good.replace("Service", "Pod")).contains("is no such object"));
        assert!(refused(&good.replace("port: 1", "port: x")).contains("is no such object"));
        let typing_error = refused(&good.replace("port: 1", "port: 1\n      targetPortt: ws"));
        assert_eq!(typing_error, "template service.yaml: there is no field spec.ports[0].targetPortt");
        let missing = TemplateOptions { folder: Some("/nowhere".into()), ..Default::default() };
        assert_eq!(Templates::load(missing).unwrap_err().to_string(), "template /nowhere: is no folder");
    }

    #[test]
    fn a_folder_needs_to_hold_only_what_is_different() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("service.yaml"), "apiVersion: v1\nkind: Service\nspec:\n  type: NodePort\n")
            .unwrap();
        let options = TemplateOptions { folder: Some(folder.path().to_owned()), ..Default::default() };
        let templates = Templates::load(options).unwrap();
        assert_eq!(templates.service.spec.unwrap().type_.as_deref(), Some("NodePort"));
        assert_eq!(templates.pod.spec.unwrap().containers[0].name, "workspace");
    }
}
