//! The command line. Flags only name settings: what they do is decided where settings are put together.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{AdminCommand, RestoreArgs};

/// The knowledge engine's gateway: HTTP API for documents, search and context.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "coditect-server", version, about)]
pub struct Cli {
    /// What to do; `serve` when it is left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags.
    #[command(flatten)]
    pub flags: Flags,
}

/// What the binary does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve the API until told to stop.
    Serve,
    /// Make a store again from the backup in a bucket, with the documents' versions, vectors and token codes.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(RestoreArgs),
    /// Compare documents, counters and change log in the store, the indexes, and the snapshots and the backup in the bucket.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify,
    /// Make the first administrator of a tenant, or a service token.
    #[command(subcommand, after_help = ADMIN_EXAMPLES)]
    Admin(AdminCommand),
    /// Delete sessions that are over, and old entries of the audit log: for a daily job.
    #[command(after_help = CLEANUP_EXAMPLES)]
    CleanupSessions,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  coditect-server restore --from gs://knowledge/prod
  coditect-server restore --from file:///mnt/backup --tenant acme --data-dir ./drill
  coditect-server restore --from gs://knowledge/prod --at 00000a1b2c3d4e5f0000 --overwrite

Exit codes: 0 all is there, 2 no such backup, 3 data is in the way, 5 some objects were damaged and are named.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  coditect-server verify --data-dir ./data
  KNOWLEDGE_BUCKET=gs://knowledge/prod coditect-server verify --set store.backend=fdb

An embedded store must not be in use; on a cluster gateways may run. Exit codes: 0 no differences, 5 differences, each printed.";

const ADMIN_EXAMPLES: &str = "\
Examples:
  coditect-server admin create --tenant acme --email ada@example.com
  coditect-server admin create --tenant shared --email ada@example.com --password-file /run/secrets/password
  coditect-server admin token --tenant acme --name pipeline --scopes kb:read,kb:write --collection handbook --days 90

An embedded store must not be in use; on a cluster gateways may run, and need the same JWT_SECRET.
Administrators of the shared tenant (auth.shared_tenant) write what all tenants read.";

const CLEANUP_EXAMPLES: &str = "\
Examples:
  coditect-server cleanup-sessions --set store.backend=fdb --log-format json

A server with an embedded store does this by itself (auth.cleanup_interval_s).";

/// Flags go before the environment, which goes before the file.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Settings file (TOML); also `CODITECT_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder of the store [default: ./data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Folder of the local embedding model.
    #[arg(long, global = true, value_name = "DIR")]
    pub model_dir: Option<String>,
    /// Write the address to this file once the server listens.
    #[arg(long, global = true, value_name = "FILE")]
    pub address_file: Option<String>,
    /// What to log: a level, or directives such as `info,coditect_server=debug` [default: info].
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How log lines look: text or json [default: text].
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Any setting by its key, such as `--set limits.body_bytes=1000000`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Check the settings and exit; unknown keys are errors.
    #[arg(long, global = true)]
    pub check_config: bool,
    /// Print every setting and where its value came from, and exit.
    #[arg(long, global = true)]
    pub print_config: bool,
}

impl Flags {
    /// Flags that stand for a setting: their names, keys and values.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        [
            ("--listen", "listen", &self.listen),
            ("--data-dir", "data_dir", &self.data_dir),
            ("--model-dir", "embedder.local.model_dir", &self.model_dir),
            ("--address-file", "address_file", &self.address_file),
            ("--log-level", "log.level", &self.log_level),
            ("--log-format", "log.format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some((flag, key, value.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::settings::Setting;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_stands_for_a_setting_and_may_follow_the_command() {
        let arguments = "x serve --listen a --data-dir b --model-dir c --address-file d --log-level e --log-format f";
        let cli = Cli::parse_from(arguments.split(' '));
        assert_eq!(cli.command, Some(Command::Serve));
        assert_eq!(cli.flags.named().count(), 6);
        assert!(cli.flags.named().all(|(_, key, _)| Setting::find(key).is_some()));
    }
}
