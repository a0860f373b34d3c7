//! The `coditect-ingest` command: brings a tree of documents into a gateway's collection, and keeps it there.

mod cli;
mod push;

fn main() -> std::process::ExitCode {
    cli::main()
}
