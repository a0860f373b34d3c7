//! The committed description of the API is the one that the server gives.

use serde_json::Value;

use crate::harness::Running;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

/// `UPDATE_OPENAPI=1 cargo test -p coditect-server` writes the file.
#[test]
fn the_committed_description_is_up_to_date() {
    let now = coditect_server::description().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(COMMITTED, &now).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == now,
        "server/openapi.json is out of date: UPDATE_OPENAPI=1 cargo test -p coditect-server description"
    );
}

#[tokio::test]
async fn the_server_gives_the_same_description() {
    let server = Running::start().await;
    let given = server.get("/openapi.json").await.expect(200);
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(COMMITTED).unwrap()).unwrap();
    assert_eq!(given, committed);
    server.stop().await;
}

#[test]
fn the_description_is_whole() {
    let api: Value = serde_json::from_str(&coditect_server::description().to_json().unwrap()).unwrap();
    let text = api.to_string();
    let schemas = api["components"]["schemas"].as_object().unwrap();
    let references = text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
    for name in references {
        assert!(schemas.contains_key(name), "{name} is named and not described");
    }
    let mut ids = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        assert!(!path.contains('*'), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{place}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{place}: {parameter}");
                let is_wild = path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap()));
                assert_eq!(parameter["in"] == "path", is_wild, "{place}: {parameter}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let is_error = status.as_str() >= "400" && path != "/readyz";
                let is_problem = response["content"].get("application/problem+json").is_some();
                assert_eq!(is_error, is_problem, "{place} {status}");
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
}
