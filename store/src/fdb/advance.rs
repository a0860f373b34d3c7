//! Moving a cluster's versions forward, as `advanceversion` of `fdbcli` does.

use foundationdb::options::TransactionOption;
use foundationdb::{Database, FdbResult, Transaction};

use super::errors;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The special key that holds the least version of the next commit.
const LEAST_COMMIT_VERSION: &[u8] = b"\xff\xff/management/min_required_commit_version";

/// Asks the cluster until its versions are above `version`: it recovers to get there, and the answers of that time are errors.
pub(super) async fn advance(database: &Database, version: u64) -> Result<()> {
    let what = || format!("advance the cluster's version to {version}");
    let asking = async {
        let mut transaction = database.create_trx()?;
        loop {
            transaction = match ask(&transaction, version).await {
                Ok(true) => return Ok(()),
                Ok(false) => match transaction.commit().await {
                    Ok(done) => done.reset(),
                    Err(failed) => failed.on_error().await?,
                },
                Err(error) => transaction.on_error(error).await?,
            };
        }
    };
    match tokio::time::timeout(limits::RUN_DEADLINE, asking).await {
        Ok(asked) => asked.map_err(|error| errors::from_fdb(what(), error)),
        Err(_) => Err(Error::new(ErrorKind::Deadline, what())),
    }
}

/// Whether versions are above `version`; if not, the transaction's commit says that they shall be.
async fn ask(transaction: &Transaction, version: u64) -> FdbResult<bool> {
    transaction.set_option(TransactionOption::SpecialKeySpaceEnableWrites)?;
    let now = transaction.get_read_version().await?;
    if now.unsigned_abs() > version {
        return Ok(true);
    }
    transaction.set(LEAST_COMMIT_VERSION, version.to_string().as_bytes());
    Ok(false)
}
