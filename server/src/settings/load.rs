//! Putting settings together: flags over environment over file over defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::Value;
use figment::{Figment, Profile, Provider};

use super::cli::Flags;
use super::layers::{Layer, Origin, leaves};
use super::table::{SETTINGS, Setting};
use super::{Settings, check};

/// The variable that names the settings file.
const CONFIG_VARIABLE: &str = "CODITECT_CONFIG";

/// Settings that cannot be used. The message is for the operator and names the setting and its place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// Settings, and what is to be said about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Keys of the file that are no settings: a warning at run time, an error in the check.
    pub unknown: Vec<String>,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Values that were set somewhere, and where.
    pub(super) given: BTreeMap<String, (Value, Origin)>,
}

/// Puts the settings together. `environment` answers an environment variable's value.
///
/// # Errors
/// For a file that cannot be read, a value of the wrong type or out of range, and flags that name no setting.
pub fn load(flags: &Flags, environment: impl Fn(&str) -> Option<String>) -> Result<Loaded, SettingsError> {
    let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
    let file = flags.config.clone().or_else(|| environment(CONFIG_VARIABLE).map(PathBuf::from));
    let (from_file, unknown) = file.as_deref().map_or_else(|| Ok(Default::default()), read_file)?;
    let layers = [from_file, from_environment(environment), from_flags(flags)?];
    let mut figment = Figment::new();
    let mut given = BTreeMap::new();
    for layer in layers {
        for (key, value, origin) in layer.iter() {
            given.insert(key.to_owned(), (value.clone(), origin.clone()));
        }
        figment = figment.merge(layer);
    }
    let settings: Settings = figment.extract().map_err(|error| explain(&error, &given))?;
    check::check(&settings).map_err(|fault| located(&fault.key, &fault.message, &given))?;
    Ok(Loaded { settings, unknown, file, given })
}

fn read_file(path: &Path) -> Result<(Layer, Vec<String>), SettingsError> {
    let fault = |error: &dyn std::fmt::Display| SettingsError(format!("settings file {}: {error}", path.display()));
    if !path.is_file() {
        return Err(fault(&"there is no such file"));
    }
    let mut data = Toml::file_exact(path).data().map_err(|error| fault(&error))?;
    let mut layer = Layer::default();
    let mut unknown = Vec::new();
    for (key, value) in leaves(&data.remove(&Profile::Default).unwrap_or_default()) {
        match Setting::find(&key) {
            Some(_) => layer.put(&key, value, Origin::File),
            None => unknown.push(key),
        }
    }
    Ok((layer, unknown))
}

fn from_environment(environment: impl Fn(&str) -> Option<String>) -> Layer {
    let mut layer = Layer::default();
    for setting in SETTINGS {
        let own = setting.variable();
        let names = std::iter::once(own.as_str()).chain(setting.variables.iter().copied());
        let found = names.into_iter().find_map(|name| Some((name.to_owned(), environment(name)?)));
        if let Some((name, value)) = found {
            layer.put_text(setting, &value, Origin::Variable(name));
        }
    }
    layer
}

fn from_flags(flags: &Flags) -> Result<Layer, SettingsError> {
    let mut layer = Layer::default();
    for pair in &flags.set {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| SettingsError(format!("--set {pair}: write KEY=VALUE")))?;
        let setting =
            Setting::find(key.trim()).ok_or_else(|| SettingsError(format!("--set {key}: there is no such setting")))?;
        layer.put_text(setting, value, Origin::Flag("--set".into()));
    }
    for (flag, key, value) in flags.named() {
        if let Some(setting) = Setting::find(key) {
            layer.put_text(setting, value, Origin::Flag(flag.into()));
        }
    }
    Ok(layer)
}

fn explain(error: &figment::Error, given: &BTreeMap<String, (Value, Origin)>) -> SettingsError {
    located(&error.path.join("."), &error.kind.to_string(), given)
}

/// A fault with the setting's key and the place that its value came from.
fn located(key: &str, message: &str, given: &BTreeMap<String, (Value, Origin)>) -> SettingsError {
    let origin = given.get(key).map_or(&Origin::Default, |(_, origin)| origin);
    SettingsError(format!("setting {key} ({origin}): {message}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn flags_go_before_the_environment_before_the_file_before_defaults() {
        let file = file(
            "bucket = \"file:///file\"\nlisten = \"127.0.0.1:1\"\ndata_dir = \"file\"\n[limits]\nbody_bytes = 5000\n",
        );
        let environment = |name: &str| match name {
            "CODITECT_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "CODITECT_DATA_DIR" => Some("environment".to_owned()),
            "CODITECT_CORS_ORIGINS" => Some("https://a.example, https://b.example".to_owned()),
            "GCP_PROJECT" => Some("12345".to_owned()),
            _ => None,
        };
        let flags = Flags {
            config: Some(file.path().into()),
            data_dir: Some("flag".into()),
            set: vec!["limits.connections=7".into()],
            ..Flags::default()
        };
        let loaded = load(&flags, environment).unwrap();
        let settings = &loaded.settings;
        assert_eq!(settings.bucket.as_deref(), Some("file:///file"));
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.data_dir, PathBuf::from("flag"));
        assert_eq!(settings.limits.body_bytes, 5_000);
        assert_eq!(settings.limits.connections, 7);
        assert_eq!(settings.limits.batch_documents, crate::limits::BATCH_DOCUMENTS);
        assert_eq!(settings.cors.origins, ["https://a.example", "https://b.example"]);
        assert_eq!(settings.embedder.vertex.project, "12345");
    }

    #[test]
    fn unknown_keys_are_told_and_do_not_stop() {
        let file = file("buckit = \"x\"\n[limits]\nbody = 1\n[log]\nlevel = \"warn\"\n");
        let flags = Flags { config: Some(file.path().into()), ..Flags::default() };
        let loaded = load(&flags, nothing).unwrap();
        assert_eq!(loaded.unknown, ["buckit", "limits.body"]);
        assert_eq!(loaded.settings.log.level, "warn");
    }

    #[test]
    fn one_cluster_is_named_in_one_way_and_needs_its_build() {
        let refused = |sets: &[&str]| {
            let flags = Flags { set: sets.iter().map(|set| (*set).to_owned()).collect(), ..Flags::default() };
            load(&flags, |_| None).unwrap_err().to_string()
        };
        let both = refused(&["store.cluster_file=/a", "store.cluster_string=d:i@127.0.0.1:4500"]);
        assert!(both.contains("store.cluster_string") && both.contains("keep one"), "{both}");
        if !cfg!(feature = "fdb") {
            let without = refused(&["store.backend=fdb"]);
            assert!(without.contains("--features fdb"), "{without}");
        }
    }

    #[test]
    fn faults_name_the_setting_and_its_place() {
        let cases: [(&str, &[&str]); 20] = [
            ("listen=0.0.0.0:8080", &["auth.jwt_secret", "JWT_SECRET", "32 bytes"]),
            ("auth.jwt_secret=short", &["auth.jwt_secret", "32 bytes"]),
            ("auth.token_life_s=5", &["auth.token_life_s", "60 to"]),
            ("tls.certificate=/x.pem", &["tls.key"]),
            ("listen=here", &["listen", "--set"]),
            ("limits.body_bytes=many", &["limits.body_bytes", "many"]),
            ("limits.body_bytes=0", &["limits.body_bytes"]),
            ("auth.shared_tenant=../x", &["auth.shared_tenant"]),
            ("cors.origins=*", &["cors.origins"]),
            ("embedder.provider=magic", &["embedder.provider", "magic"]),
            ("recall.sample_share=1.5", &["recall.sample_share", "0 to 1"]),
            ("recall.sample_share=NaN", &["recall.sample_share", "0 to 1"]),
            ("recall.cpu_share=0", &["recall.cpu_share", "recall.sample_share"]),
            ("store.start_timeout_ms=5", &["store.start_timeout_ms", "100 to 3600000"]),
            ("recall.cpu_share=half", &["recall.cpu_share", "half"]),
            ("workspaces.cluster=kubernetes", &["workspaces.gateway_url"]),
            ("workspaces.cluster=nomad", &["workspaces.cluster", "nomad"]),
            ("gateway.sockets_per_user=0", &["gateway.sockets_per_user", "1 to 1000000"]),
            ("workspaces.per_user=0", &["workspaces.per_user", "1 to 50"]),
            ("embedder.provider=vertex", &["embedder.vertex.project", "GCP_PROJECT"]),
        ];
        for (set, parts) in cases {
            let flags = Flags { set: vec![set.into()], ..Flags::default() };
            let message = load(&flags, nothing).unwrap_err().to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{set}: {message}");
        }
        let message = |set: &str| load(&Flags { set: vec![set.into()], ..Flags::default() }, nothing).unwrap_err().0;
        assert!(message("nothing=1").contains("no such setting"));
        assert!(message("nothing").contains("KEY=VALUE"));
        let missing = Flags { config: Some("/nonexistent/x.toml".into()), ..Flags::default() };
        assert!(load(&missing, nothing).unwrap_err().0.contains("/nonexistent/x.toml"));
    }
}
