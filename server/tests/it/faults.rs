//! The binary and what it tells the shell: settings, data directories and models that cannot be used.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::embedder::MockEmbedder;
use crate::harness::{Running, settings};
use crate::shutdown::Process;

/// The binary with an environment that decides nothing.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coditect-server"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CODITECT")
            || matches!(&*text, "ORT_DYLIB_PATH" | "RUST_LOG" | "GCP_PROJECT" | "OPENAI_API_KEY")
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Arguments for vectors from the mock.
pub(crate) fn with_mock(command: &mut Command, embedder: &MockEmbedder, data: &Path) {
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--set",
        "embedder.provider=openai",
        "--set",
        "embedder.openai.model=bag",
    ]);
    command.arg("--set").arg(format!("embedder.openai.base_url={}", embedder.base_url()));
    command.args(["--set", "embedder.openai.http.retries=0", "--data-dir"]).arg(data);
}

pub(crate) async fn outcome(mut command: Command) -> (Option<i32>, String, String) {
    let output: Output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn other_addresses_than_loopback_need_a_secret_of_some_length() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        for secret in [None, Some("short")] {
            let mut command = binary();
            command.args(["--listen", address]);
            secret.map(|secret| command.env("JWT_SECRET", secret));
            let (code, _, error) = outcome(command).await;
            assert_eq!(code, Some(2), "{error}");
            assert!(error.contains("auth.jwt_secret") && error.contains("at least 32 bytes"), "{error}");
        }
    }
}

#[tokio::test]
async fn settings_are_checked_and_printed_without_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    std::fs::write(
        &file,
        "data_dir = \"/nonexistent\"\n[limits]\nbody_bites = 5\n[embedder.openai]\napi_key = \"sesame\"\n",
    )
    .unwrap();
    let mut command = binary();
    command
        .arg("--config")
        .arg(&file)
        .args(["--print-config", "--log-level", "debug"])
        .env("VERTEX_AI_REGION", "europe-west4");
    let (code, out, error) = outcome(command).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("data_dir = \"/nonexistent\"  # file"), "{out}");
    assert!(out.contains("embedder.vertex.region = \"europe-west4\"  # environment, VERTEX_AI_REGION"), "{out}");
    assert!(out.contains("log.level = \"debug\"  # flag, --log-level"), "{out}");
    assert!(out.contains("limits.body_bites") && !out.contains("sesame"), "{out}");

    let mut command = binary();
    command.arg("--config").arg(&file).arg("--check-config");
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("limits.body_bites"), "{error}");

    let mut command = binary();
    command.args(["serve", "--check-config"]);
    let (code, out, _) = outcome(command).await;
    assert_eq!((code, out.as_str()), (Some(0), "settings: ok\n"));

    let mut command = binary();
    command.arg("--no-such-flag");
    assert_eq!(outcome(command).await.0, Some(2));
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_told_so_and_the_first_goes_on() {
    let first = Running::start().await;
    first.store("docs", "a.md", "A text.").await;
    let (dir, embedder) = first.stop().await;
    let first = Running::start_in(dir, embedder, |_| {}).await;
    let mut command = binary();
    with_mock(&mut command, &first.embedder, &first.data_dir());
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("another server has it open"), "{error}");
    assert_eq!(first.found(&serde_json::json!({"query": "text"})).await, ["a.md"]);
    first.store("docs", "b.md", "Another text.").await;
    first.stop().await;
}

#[tokio::test]
async fn directories_that_cannot_be_used_are_named() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    for bad in [file.clone(), file.join("below")] {
        let mut command = binary();
        with_mock(&mut command, &embedder, &bad);
        let (code, _, error) = outcome(command).await;
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains(&*bad.to_string_lossy()), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a directory");
}

#[tokio::test]
async fn a_read_only_directory_is_refused_and_unharmed() {
    let server = Running::start().await;
    server.store("docs", "a.md", "A text.").await;
    let (dir, embedder) = server.stop().await;
    let data = settings(&dir, &embedder).data_dir;
    let modes = |directory: u32, file: u32| {
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for entry in std::fs::read_dir(&data).unwrap() {
            std::fs::set_permissions(entry.unwrap().path(), PermissionsExt::from_mode(file)).unwrap();
        }
        std::fs::set_permissions(&data, PermissionsExt::from_mode(directory)).unwrap();
    };
    modes(0o555, 0o444);
    let mut command = binary();
    with_mock(&mut command, &embedder, &data);
    as_nobody(&mut command);
    let (code, _, error) = outcome(command).await;
    modes(0o755, 0o644);
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains(&*data.to_string_lossy()) && error.contains("permission"), "{error}");
    let server = Running::start_in(dir, embedder, |_| {}).await;
    assert_eq!(server.found(&serde_json::json!({"query": "text"})).await, ["a.md"]);
    server.stop().await;
}

/// The super-user may write everywhere: permissions only mean something to others.
fn as_nobody(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
}

#[tokio::test]
async fn a_missing_model_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut command = binary();
    command.args(["--listen", "127.0.0.1:0", "--model-dir", "/nonexistent/model", "--data-dir"]).arg(&data);
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("/nonexistent/model") && error.contains("fetch_model.py"), "{error}");
    assert!(!data.exists(), "nothing is made before the model is there");
}

#[tokio::test]
async fn a_model_of_another_dimension_is_refused_and_nothing_is_damaged() {
    let server = Running::start().await;
    server.store("docs", "a.md", "A text.").await;
    let (dir, embedder) = server.stop().await;
    let other = MockEmbedder::with_dimension(32).await;
    let mut command = binary();
    with_mock(&mut command, &other, &settings(&dir, &embedder).data_dir);
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(4), "{error}");
    assert!(
        error.contains("collection docs") && error.contains("64 dimensions") && error.contains("32 dimensions"),
        "{error}"
    );
    let server = Running::start_in(dir, embedder, |_| {}).await;
    assert_eq!(server.found(&serde_json::json!({"query": "text"})).await, ["a.md"]);
    server.stop().await;
}

#[tokio::test]
async fn another_model_of_the_same_dimension_is_refused_by_each_request() {
    let server = Running::start().await;
    server.store("docs", "a.md", "A text.").await;
    let (dir, embedder) = server.stop().await;
    let server = Running::start_in(dir, embedder, |settings| settings.embedder.openai.model = "other".into()).await;
    let body = serde_json::json!({"collection": "docs", "document_id": "b.md", "text": "Another."});
    let problem = server.post("/documents", &body).await.expect(409);
    assert!(problem["detail"].as_str().unwrap().contains("openai/bag/64/"), "{problem}");
    server.post("/search", &serde_json::json!({"query": "text"})).await.expect(409);
    assert_eq!(server.found(&serde_json::json!({"query": "text", "mode": "keyword"})).await, ["a.md"]);
    server.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = binary();
    with_mock(&mut command, &embedder, &dir.path().join("data"));
    // `--set` comes before flags, whatever their order: the address has to be replaced.
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut command = binary();
    command.args(
        arguments
            .iter()
            .map(|argument| if argument == "127.0.0.1:0" { address.as_str().into() } else { argument.clone() }),
    );
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&address), "{error}");
    // The data directory is free again.
    let process = Process::start(&embedder, &dir.path().join("data")).await;
    process.terminate().await;
}
