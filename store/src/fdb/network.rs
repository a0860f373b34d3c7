//! The client library's network thread: started once in a process, by the first store, and stopped once, at its end.

use std::thread::JoinHandle;

use foundationdb::api::{FdbApiBuilder, NetworkBuilder, NetworkRunner, NetworkStop, NetworkWait, get_max_api_version};
use foundationdb::options::NetworkOption;
use parking_lot::Mutex;

use super::errors;
use super::options::FdbTls;
use crate::error::{Error, ErrorKind, Result};

static NETWORK: Mutex<State> = Mutex::new(State::New);

/// API version that this code is written for.
const API_VERSION: i32 = 730;

enum State {
    New,
    Running(Running),
    /// The library starts only once.
    Over(Error),
}

struct Running {
    thread: JoinHandle<foundationdb::FdbResult<()>>,
    stop: NetworkStop,
    tls: FdbTls,
}

/// Starts the thread, unless it runs. TLS settings are the process's: those of the first call.
pub(super) fn start(tls: &FdbTls) -> Result<()> {
    let mut state = NETWORK.lock();
    match &*state {
        State::Running(running) if running.tls == *tls => return Ok(()),
        State::Running(_) => {
            return Err(Error::invalid("another store of this process uses FoundationDB with other TLS settings"));
        }
        State::Over(error) => return Err(error.clone()),
        State::New => {}
    }
    let started = select_version().and_then(|builder| set_tls(builder, tls)).and_then(run);
    match started {
        Ok((thread, stop)) => {
            *state = State::Running(Running { thread, stop, tls: tls.clone() });
            Ok(())
        }
        Err(error) => {
            *state = State::Over(error.clone());
            Err(error)
        }
    }
}

fn select_version() -> Result<NetworkBuilder> {
    FdbApiBuilder::default().set_runtime_version(API_VERSION).build().map_err(|error| {
        let newest = get_max_api_version();
        let what =
            format!("use libfdb_c with API version {API_VERSION} (it has up to {newest}: install a client of 7.3)");
        errors::from_fdb(what, error)
    })
}

fn set_tls(mut builder: NetworkBuilder, tls: &FdbTls) -> Result<NetworkBuilder> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
    let options = [
        path(&tls.ca).map(NetworkOption::TLSCaPath),
        tls.password.clone().map(NetworkOption::TLSPassword),
        path(&tls.certificate).map(NetworkOption::TLSCertPath),
        path(&tls.key).map(NetworkOption::TLSKeyPath),
        tls.verify_peers.clone().map(|rule| NetworkOption::TLSVerifyPeers(rule.into_bytes())),
    ];
    for option in options.into_iter().flatten() {
        builder = builder.set_option(option).map_err(|error| errors::from_fdb("set up TLS for FoundationDB", error))?;
    }
    Ok(builder)
}

fn run(builder: NetworkBuilder) -> Result<(JoinHandle<foundationdb::FdbResult<()>>, NetworkStop)> {
    let (runner, wait): (NetworkRunner, NetworkWait) =
        builder.build().map_err(|error| errors::from_fdb("set up FoundationDB's network", error))?;
    #[allow(unsafe_code, reason = "the one call of the client library that cannot be safe")]
    let run = move || {
        // SAFETY: the network must be stopped before the process ends: `stop_fdb_network` does, and its documentation
        // says who has to call it. It runs once, since `start` holds the lock and leaves `New` for good.
        unsafe { runner.run() }
    };
    let spawned = std::thread::Builder::new().name("fdb-network".into()).spawn(run);
    let thread =
        spawned.map_err(|error| Error::with_source(ErrorKind::Io, "start FoundationDB's network thread", error))?;
    Ok((thread, wait.wait()))
}

/// Whether operations can finish.
pub(super) fn is_running() -> bool {
    matches!(&*NETWORK.lock(), State::Running(running) if !running.thread.is_finished())
}

/// Stops FoundationDB's network thread and waits for its end; does nothing when it does not run.
///
/// A process that opened a store on FoundationDB calls this before it ends, after its stores were closed: the library does not
/// bear to be unloaded while its thread runs. Afterwards no such store can be opened in this process.
///
/// # Errors
/// What the library answers; `Io` when the thread ended by a panic.
pub fn stop_fdb_network() -> Result<()> {
    let mut state = NETWORK.lock();
    if !matches!(&*state, State::Running(_)) {
        return Ok(());
    }
    let over = State::Over(Error::new(ErrorKind::Closed, "FoundationDB's network was stopped in this process"));
    let State::Running(Running { thread, stop, .. }) = std::mem::replace(&mut *state, over) else {
        return Ok(());
    };
    stop.stop().map_err(|error| errors::from_fdb("stop FoundationDB's network", error))?;
    let ended = thread.join().map_err(|_| Error::new(ErrorKind::Io, "FoundationDB's network thread panicked"))?;
    ended.map_err(|error| errors::from_fdb("run FoundationDB's network", error))
}
