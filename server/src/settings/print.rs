//! `--print-config`: every setting as a line of TOML, with the place that its value came from. Secrets are not shown.

use figment::value::{Num, Value};

use super::Loaded;
use super::layers::Origin;
use super::table::{SETTINGS, Setting};

/// The settings as text; it can be saved and used as a settings file.
pub fn print(loaded: &Loaded) -> String {
    let mut text = String::new();
    if let Some(file) = &loaded.file {
        text.push_str(&format!("# settings file: {}\n", file.display()));
    }
    for setting in SETTINGS {
        text.push_str(&line(setting, loaded));
        text.push('\n');
    }
    for key in &loaded.unknown {
        text.push_str(&format!("# unknown key in the settings file: {key}\n"));
    }
    text
}

fn line(setting: &Setting, loaded: &Loaded) -> String {
    let key = setting.key;
    match loaded.given.get(key) {
        Some((_, origin)) if setting.is_secret() => format!("# {key} = (not shown)  # {origin}"),
        Some((value, origin)) => format!("{key} = {}  # {origin}", toml(value)),
        None if setting.default.is_empty() => format!("# {key} is not set"),
        None => format!("{key} = {}  # {}", setting.default, Origin::Default),
    }
}

/// A value as TOML. Strings of JSON are strings of TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::String(_, text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Array(_, items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, Num::F64(number)) => number.to_string(),
        Value::Num(_, Num::F32(number)) => number.to_string(),
        Value::Num(_, number) => number.to_u128().map_or_else(
            || number.to_i128().map_or_else(|| "0".to_owned(), |number| number.to_string()),
            |number| number.to_string(),
        ),
        _ => "\"\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cli::Flags;
    use super::super::load;
    use super::*;

    #[test]
    fn every_value_is_shown_with_its_place_and_secrets_are_not() {
        let environment = |name: &str| match name {
            "OPENAI_API_KEY" => Some("sesame".to_owned()),
            "CODITECT_HOSTS" => Some("kb.local".to_owned()),
            "CODITECT_RECALL_SAMPLE_SHARE" => Some("0.125".to_owned()),
            _ => None,
        };
        let flags = Flags { data_dir: Some("/tmp/\"x".into()), ..Flags::default() };
        let text = print(&load(&flags, environment).unwrap());
        assert!(!text.contains("sesame"), "{text}");
        assert!(text.contains("api_key = (not shown)  # environment, OPENAI_API_KEY"), "{text}");
        assert!(text.contains(r#"data_dir = "/tmp/\"x"  # flag, --data-dir"#), "{text}");
        assert!(text.contains("hosts = [\"kb.local\"]  # environment, CODITECT_HOSTS"), "{text}");
        assert!(text.contains("recall.sample_share = 0.125  # environment, CODITECT_RECALL_SAMPLE_SHARE"), "{text}");
        assert!(text.contains("limits.batch_documents = 256  # default"), "{text}");
        assert!(text.contains("# embedder.local.model_dir is not set"), "{text}");
    }

    #[test]
    fn what_is_printed_can_be_loaded() {
        let printed = print(&load(&Flags::default(), |_| None).unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &printed).unwrap();
        let flags = Flags { config: Some(file.path().into()), ..Flags::default() };
        let again = load(&flags, |_| None).unwrap();
        assert!(again.unknown.is_empty());
        assert!(print(&again).contains("listen = \"127.0.0.1:8080\"  # file"));
    }
}
