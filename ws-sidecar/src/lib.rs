//! The sidecar of a workspace pod: the IDE's connections to the workspace beside it, authenticated, stable, and closed when their session ends.
//!
//! It is the only thing that the pod exposes. It listens for WebSockets and plain HTTP, lets in the workspace's own user with a session that is in
//! force ([`coditect_auth`]), and relays to the workspace on the loopback interface. It knows nothing of documents, and it does not look into messages.
//!
//! A connection is one task with two sockets (`relay`). It holds memory only for what is under way.

mod access;
mod channel;
pub mod forwarded;
mod http;
pub mod limits;
mod listen;
mod live;
pub mod lookup;
mod meters;
mod open;
mod place;
mod relay;
pub mod settings;
mod side;
mod sidecar;
pub mod start;
pub mod token;
mod wire;

pub use lookup::Source;
pub use settings::Settings;
pub use sidecar::Sidecar;
