//! API version, network thread, errors.

use std::ffi::{c_char, c_int};

use crate::abi::{Boolean, ErrorCode};
use crate::{errors, network, options};

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_error(code: ErrorCode) -> *const c_char {
    errors::text(code).as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_error_predicate(predicate: c_int, code: ErrorCode) -> Boolean {
    Boolean::from(errors::holds(predicate, code))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_select_api_version_impl(runtime_version: c_int, header_version: c_int) -> ErrorCode {
    network::select_api_version(runtime_version, header_version)
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_max_api_version() -> c_int {
    network::API_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_client_version() -> *const c_char {
    c"7.3.0,standin,0".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_network_set_option(option: c_int, _value: *const u8, _value_length: c_int) -> ErrorCode {
    let known = u32::try_from(option).map_err(|_| errors::INVALID_OPTION).and_then(options::check_network);
    known.err().unwrap_or_else(network::check_option)
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_setup_network() -> ErrorCode {
    network::set_up()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_run_network() -> ErrorCode {
    network::run()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_stop_network() -> ErrorCode {
    network::stop()
}
