//! Opening: the lock, formats, directories that cannot be used, damaged files.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use coditect_store::{EmbeddedOptions, ErrorKind, RangeQuery, Store};

use crate::support::{child, get, kind, open, put};

async fn refusal(dir: &Path) -> coditect_store::Error {
    Store::open_embedded(EmbeddedOptions::new(dir)).await.unwrap_err()
}

#[tokio::test]
async fn second_opening_is_refused_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let error = refusal(dir.path()).await;
    assert_eq!(error.kind(), ErrorKind::Locked);
    let message = error.to_string();
    assert!(message.contains(&dir.path().display().to_string()), "{message}");
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    assert!(message.contains("stop it, or choose another directory"), "{message}");
    put(&store, b"k", b"1").await.unwrap();
    store.close().await.unwrap();
    open(dir.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_handle_gives_the_directory_free() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    put(&store, b"k", b"1").await.unwrap();
    drop(store);
    let store = open(dir.path()).await;
    assert_eq!(get(&store, b"k").await.as_deref(), Some(&b"1"[..]));
    store.close().await.unwrap();
}

#[tokio::test]
async fn closed_store_answers_that_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let (reading, writing) = (store.begin(), store.begin());
    reading.get(b"k").await.unwrap();
    writing.set(b"k", b"1");
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(kind(writing.commit().await), ErrorKind::Closed);
    assert_eq!(kind(store.begin().get(b"k").await), ErrorKind::Closed);
    assert_eq!(kind(reading.get(b"k").await), ErrorKind::Closed);
    assert_eq!(kind(put(&store, b"k", b"1").await), ErrorKind::Closed);
}

#[tokio::test]
async fn newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.close().await.unwrap();
    let database = redb::Database::create(dir.path().join("store.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    transaction.open_table(meta).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refusal(dir.path()).await;
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("has format 2, this program reads format 1"), "{error}");
}

/// The bytes of format 1, written when it came into being.
#[tokio::test]
async fn format_1_opens() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1.redb");
    std::fs::copy(fixture, dir.path().join("store.redb")).unwrap();
    let store = open(dir.path()).await;
    let items = store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap().items;
    assert_eq!(items.len(), 100);
    for (number, item) in items.iter().enumerate() {
        assert_eq!(item.key, format!("key {number:03}"));
        assert_eq!(item.value, format!("value {number}"));
    }
    assert_eq!(store.begin().read_version().await.unwrap(), 2);
    assert_eq!(put(&store, b"k", b"1").await.unwrap(), 3);
    store.close().await.unwrap();
}

/// `STORE_FIXTURE=<directory> cargo test -p coditect-store -- --ignored writes_the_fixture` makes the next format's fixture.
#[tokio::test]
#[ignore = "run once for each format"]
async fn writes_the_fixture() {
    let Some(dir) = std::env::var_os("STORE_FIXTURE") else {
        return;
    };
    let store = open(Path::new(&dir)).await;
    for half in 0..2 {
        let tx = store.begin();
        for number in half * 50..half * 50 + 50 {
            tx.set(format!("key {number:03}").as_bytes(), format!("value {number}").as_bytes());
        }
        tx.commit().await.unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn directory_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = refusal(file.path()).await;
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    assert_eq!(refusal(&file.path().join("below")).await.kind(), ErrorKind::Io);
}

#[test]
fn read_only_directory_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = child("open::opens_a_read_only_directory");
    command.env("STORE_DIR", dir.path());
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere, so somebody else has to try, with a copy of the program that they may execute.
        let program = tempfile::tempdir().unwrap().keep();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = program.join("test");
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut as_nobody = std::process::Command::new(&copy);
        as_nobody.args(arguments).env("STORE_DIR", dir.path()).current_dir(&program).uid(65_534).gid(65_534);
        let status = as_nobody.status();
        std::fs::remove_dir_all(&program).unwrap();
        assert!(status.unwrap().success());
    } else {
        assert!(command.status().unwrap().success());
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
#[ignore = "a part of read_only_directory_is_refused that runs as somebody else"]
async fn opens_a_read_only_directory() {
    let Some(dir) = std::env::var_os("STORE_DIR") else {
        return;
    };
    let error = refusal(Path::new(&dir)).await;
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("LOCK"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("ermission denied"), "{source}");
}

/// Makes a store with 300 known keys.
async fn filled(dir: &Path) {
    let store = open(dir).await;
    for chunk in 0..3u32 {
        let tx = store.begin();
        (chunk * 100..chunk * 100 + 100).for_each(|number| tx.set(&number.to_be_bytes(), &[number as u8; 500]));
        tx.commit().await.unwrap();
    }
    store.close().await.unwrap();
}

/// Opens a damaged store and reads everything: all as it was, or an error that says that it is damaged.
async fn check_damaged(dir: &Path, what: &str) -> bool {
    let opened = Store::open_embedded(EmbeddedOptions::new(dir)).await;
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error:?}");
            return true;
        }
    };
    let items = store.begin().collect_range(RangeQuery::prefix(b"")).await;
    match items {
        Ok(items) => {
            assert_eq!(items.items.len(), 300, "{what}");
            for (number, item) in items.items.iter().enumerate() {
                assert_eq!(item.value, vec![number as u8; 500], "{what}");
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error:?}"),
    }
    // Whether it closes well is no matter here, only that it does not panic.
    let _ = store.close().await;
    false
}

#[tokio::test]
async fn damaged_files_are_found_at_opening() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path()).await;
    let original = whole.path().join("store.redb");
    let length = std::fs::metadata(&original).unwrap().len();
    let mut found = 0;
    for seed in 0..60u64 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        std::fs::copy(&original, &path).unwrap();
        let offset = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % length;
        let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut bytes = [0; 64];
        file.seek(SeekFrom::Start(offset)).unwrap();
        let count = file.read(&mut bytes).unwrap();
        file.seek(SeekFrom::Start(offset)).unwrap();
        let flipped: Vec<u8> = bytes[..count].iter().map(|byte| !byte).collect();
        file.write_all(&flipped).unwrap();
        drop(file);
        found += usize::from(check_damaged(dir.path(), &format!("flipped at {offset}")).await);
    }
    assert!(found > 10, "only {found} of 60 damages hit anything");
}

#[tokio::test]
async fn cut_and_foreign_files_are_refused() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path()).await;
    let bytes = std::fs::read(whole.path().join("store.redb")).unwrap();
    let contents = [
        ("one byte", bytes[..1].to_vec()),
        ("half a header", bytes[..100].to_vec()),
        ("half", bytes[..bytes.len() / 2].to_vec()),
        ("one page short", bytes[..bytes.len() - 4096].to_vec()),
        ("text", b"this is not a database".repeat(1000)),
        ("zeros", vec![0; bytes.len()]),
    ];
    for (what, bytes) in contents {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("store.redb"), bytes).unwrap();
        let error = refusal(dir.path()).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error:?}");
        assert!(error.to_string().contains("store.redb"), "{error}");
    }
}
