//! Databases, and the faults of their clients.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

use crate::abi::{ErrorCode, FDBDatabase, FDBFuture, FDBTransaction, bytes};
use crate::client::Client;
use crate::connection::Connection;
use crate::faults::Faults;
use crate::future::{self, Future, Value};
use crate::transaction::Transaction;
use crate::{errors, network, options};

/// The client that a caller names.
///
/// # Safety
/// The pointer came from `fdb_create_database` and was not destroyed.
unsafe fn client<'a>(database: *mut FDBDatabase) -> &'a Arc<Client> {
    // SAFETY: as promised by the caller.
    unsafe { &*database.cast::<Arc<Client>>() }
}

/// Hands a client to the caller.
///
/// # Safety
/// `out` may be written to.
unsafe fn create(connection: Result<Connection, ErrorCode>, out: *mut *mut FDBDatabase) -> ErrorCode {
    if let Err(code) = network::check_version() {
        return code;
    }
    let client = Box::into_raw(Box::new(Client::new(connection)));
    // SAFETY: as promised by the caller.
    unsafe { out.write(client.cast()) };
    errors::SUCCESS
}

/// An unusable cluster file is an error of the operations on the database, as in FoundationDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_create_database(
    cluster_file_path: *const c_char,
    out_database: *mut *mut FDBDatabase,
) -> ErrorCode {
    let path = match cluster_file_path.is_null() {
        true => Ok(None),
        // SAFETY: a path is a string that ends in a zero byte.
        false => unsafe { CStr::from_ptr(cluster_file_path) }.to_str().map(Some),
    };
    let connection = path.map_err(|_| errors::NO_CLUSTER_FILE).and_then(Connection::read);
    // SAFETY: the caller's output parameter may be written to.
    unsafe { create(connection, out_database) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_create_database_from_connection_string(
    connection_string: *const c_char,
    out_database: *mut *mut FDBDatabase,
) -> ErrorCode {
    if connection_string.is_null() {
        return errors::CONNECTION_STRING_INVALID;
    }
    // SAFETY: a connection string ends in a zero byte.
    let text = unsafe { CStr::from_ptr(connection_string) }.to_str();
    let connection = text.map_err(|_| errors::CONNECTION_STRING_INVALID).and_then(Connection::parse);
    // SAFETY: the caller's output parameter may be written to.
    unsafe { create(connection, out_database) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_destroy(database: *mut FDBDatabase) {
    // SAFETY: the caller gives back what `create` handed out, once.
    drop(unsafe { Box::from_raw(database.cast::<Arc<Client>>()) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_set_option(
    database: *mut FDBDatabase,
    option: c_int,
    value: *const u8,
    value_length: c_int,
) -> ErrorCode {
    // SAFETY: the caller passes a database that it has not destroyed, and bytes with their length.
    let (client, value) = unsafe { (client(database), bytes(value, value_length)) };
    let option = u32::try_from(option).map_err(|_| errors::INVALID_OPTION);
    let set = option.and_then(|option| options::set_database(client, option, value));
    set.err().unwrap_or(errors::SUCCESS)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_create_transaction(
    database: *mut FDBDatabase,
    out_transaction: *mut *mut FDBTransaction,
) -> ErrorCode {
    // SAFETY: the caller passes a database that it has not destroyed.
    let transaction = Transaction::new(Arc::clone(unsafe { client(database) }));
    // SAFETY: the caller's output parameter may be written to.
    unsafe { out_transaction.write(Box::into_raw(Box::new(transaction)).cast()) };
    errors::SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_get_client_status(database: *mut FDBDatabase) -> *mut FDBFuture {
    // SAFETY: the caller passes a database that it has not destroyed.
    let healthy = unsafe { client(database) }.cluster.is_ok();
    future::into_raw(Future::done(Ok(Value::Key(format!(r#"{{"Healthy":{healthy}}}"#).into_bytes()))))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_database_get_main_thread_busyness(_database: *mut FDBDatabase) -> f64 {
    0.0
}

/// Not FoundationDB's: gives the client of this database a plan of faults, from now on. An empty plan is a calm one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_standin_set_faults(
    database: *mut FDBDatabase,
    plan: *const u8,
    plan_length: c_int,
) -> ErrorCode {
    // SAFETY: the caller passes a database that it has not destroyed, and bytes with their length.
    let (client, plan) = unsafe { (client(database), bytes(plan, plan_length)) };
    let plan = std::str::from_utf8(plan).map_err(|_| errors::INVALID_OPTION_VALUE).and_then(Faults::parse);
    match plan {
        Ok(faults) => {
            client.set_faults(faults);
            errors::SUCCESS
        }
        Err(code) => code,
    }
}
