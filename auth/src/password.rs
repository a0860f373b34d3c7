//! Passwords: which are taken, and hashing them with Argon2id (RFC 9106) on a bounded number of threads of their own, so that logins never stand
//! in the way of other work.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use coditect_store::Clock;
use rayon::{ThreadPool, ThreadPoolBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, oneshot};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::secret::random_bytes;

/// Refuses a password that is too short, too long, or the account's own name.
pub(crate) fn check(password: &SecretString, email: &str) -> Result<()> {
    let text = password.expose_secret();
    let (least, most) = (limits::PASSWORD_CHARS, limits::PASSWORD_BYTES);
    if text.chars().count() < least || text.len() > most {
        return Err(Error::invalid(
            "/password",
            format!("a password has {least} characters at least, {most} bytes at most"),
        ));
    }
    if text.to_lowercase().contains(email) {
        return Err(Error::invalid("/password", "the e-mail address must not be part of the password"));
    }
    let first = text.chars().next();
    if text.chars().all(|next| Some(next) == first) {
        return Err(Error::invalid("/password", "a password must not be one character again and again"));
    }
    Ok(())
}

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    /// What a password of nobody is compared with, so that it takes as long as that of somebody.
    nobody: Arc<str>,
    threads: Arc<ThreadPool>,
    /// Those that hash and those that wait for a thread.
    places: Arc<Semaphore>,
    clock: Clock,
}

/// What one password hash costs. The default is OWASP's first choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Hashes at once.
    pub threads: usize,
}

impl Default for HashCost {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_kib: limits::ARGON2_MEMORY_KIB,
            passes: limits::ARGON2_PASSES,
            lanes: limits::ARGON2_LANES,
            threads: (processors / 2).max(1),
        }
    }
}

impl Hasher {
    pub(crate) fn new(cost: HashCost, clock: Clock) -> Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| Error::internal("set up Argon2").caused_by(error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, b"nobody's password", &random_bytes::<16>(&clock))?.into();
        let threads = ThreadPoolBuilder::new()
            .num_threads(cost.threads)
            .thread_name(|number| format!("passwords-{number}"))
            .start_handler(|_| give_way())
            .build()
            .map_err(|error| Error::internal("start the threads that hash passwords").caused_by(error))?;
        Ok(Self {
            argon2,
            nobody,
            threads: Arc::new(threads),
            places: Arc::new(Semaphore::new(limits::HASHES_WAITING)),
            clock,
        })
    }

    /// The hash that is kept of a password, as a PHC string.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String> {
        let (argon2, salt, password) = (self.argon2.clone(), random_bytes::<16>(&self.clock), password.clone());
        self.on_thread(move || hash(&argon2, password.expose_secret().as_bytes(), &salt)).await?
    }

    /// Whether a password is the one that `hash` was made of. Without a hash it takes as long, and is not.
    pub(crate) async fn verify(&self, password: &SecretString, hash: Option<&str>) -> Result<bool> {
        let (argon2, password, is_somebody) = (self.argon2.clone(), password.clone(), hash.is_some());
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let verified =
            self.on_thread(move || argon2.verify_password(password.expose_secret().as_bytes(), &*hash).is_ok()).await?;
        Ok(verified && is_somebody)
    }

    /// Whether a hash was made at another cost than today's, so that it should be made anew.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        let ours = self.argon2.params();
        params.is_none_or(|theirs| {
            (theirs.m_cost(), theirs.t_cost(), theirs.p_cost()) != (ours.m_cost(), ours.t_cost(), ours.p_cost())
        })
    }

    async fn on_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy = |_| Error::new(ErrorKind::Busy, "too many logins at once, try again");
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(busy)?;
        let (sender, done) = oneshot::channel();
        self.threads.spawn(move || {
            // Work that nobody waits for any more is not done.
            if !sender.is_closed() {
                let _ = sender.send(work());
            }
            drop(place);
        });
        done.await.map_err(|error| Error::internal("hash a password").caused_by(error))
    }
}

/// Lets the threads that serve go first. On Linux priorities are of threads; elsewhere they would be of the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let niceness = rustix::process::getpriority_process(None)
            .map_or(limits::HASH_NICENESS, |now| now.max(limits::HASH_NICENESS));
        // A refusal leaves it as fast as the others.
        let _ = rustix::process::setpriority_process(None, niceness);
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String> {
    let hash = argon2.hash_password_with_salt(password, salt);
    Ok(hash.map_err(|error| Error::internal("hash a password").caused_by(error))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 2 };

    #[tokio::test]
    async fn a_password_is_its_own_alone() {
        let hasher = Hasher::new(CHEAP, Clock::system()).unwrap();
        let hash = hasher.hash(&"correct horse battery".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(hasher.verify(&"correct horse battery".into(), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&"correct horse batterY".into(), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&"nobody's password".into(), None).await.unwrap());
        assert!(!hasher.verify(&"x".into(), Some("no hash")).await.unwrap());
        assert!(!hasher.is_outdated(&hash));
        let dearer = Hasher::new(HashCost { passes: 2, ..CHEAP }, Clock::system()).unwrap();
        assert!(dearer.is_outdated(&hash) && dearer.is_outdated("no hash"));
    }

    #[test]
    fn weak_passwords_are_refused() {
        let email = "ada@example.com";
        let long = "x".repeat(1_025);
        for weak in ["", "elevenchars", "aaaaaaaaaaaaaaaa", "my Ada@Example.com 1", long.as_str()] {
            assert!(check(&weak.into(), email).is_err(), "{weak}");
        }
        for fine in ["twelve chars", "пароль-и-ключ", &long[1..].replace("xx", "xy")] {
            assert!(check(&fine.into(), email).is_ok(), "{fine}");
        }
    }
}
