//! Says where the FoundationDB client library is, when the feature `fdb` needs one: the folder that `FDB_LIB_DIR` names, also at
//! run time, or wherever the system has it.

use std::path::Path;

const LIBRARY: &str = if cfg!(target_os = "macos") { "libfdb_c.dylib" } else { "libfdb_c.so" };

/// Where packages of FoundationDB put it.
const SYSTEM: &[&str] =
    &["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_FDB").is_none() {
        return;
    }
    let Some(dir) = std::env::var("FDB_LIB_DIR").ok().filter(|dir| !dir.is_empty()) else {
        if !SYSTEM.iter().any(|dir| Path::new(dir).join(LIBRARY).exists()) {
            println!(
                "cargo::warning=no {LIBRARY} in {SYSTEM:?}: install a FoundationDB 7.3 client, or name its folder in FDB_LIB_DIR"
            );
        }
        return;
    };
    let dir = std::path::absolute(&dir).map_or(dir, |dir| dir.to_string_lossy().into_owned());
    if !Path::new(&dir).join(LIBRARY).exists() {
        println!(
            "cargo::error=FDB_LIB_DIR={dir} holds no {LIBRARY}: name the folder of a FoundationDB 7.3 client library"
        );
        return;
    }
    println!("cargo::rustc-link-search=native={dir}");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
}
