//! Users, passwords, sessions and tokens on the shared store: who asks, whether it may, and what it did.
//!
//! A request carries a JWT, which names a session, or a service token. [`Auth::authenticate`] makes a [`Caller`] of it, with one read of the
//! store and without any cache: whatever was ended is refused by the next request on every replica. [`Acting`] is what a caller can do, bound
//! to its tenant by type. The record of a session is an interface that other services share: see [`Session`].
//!
//! It knows nothing of HTTP: what a refusal looks like is its caller's affair. It does not send mail, and it is no identity provider for others.

mod acting;
mod audit;
mod auth;
mod caller;
mod cleanup;
mod connections;
mod email;
mod error;
#[cfg(test)]
mod formats;
mod guard;
mod ids;
mod invitations;
mod jwt;
mod keyring;
mod keys;
pub mod limits;
mod login;
mod page;
mod password;
mod pod_access;
mod pod_tokens;
mod refresh;
mod register;
mod scope;
mod secret;
mod service;
pub mod session;
mod sessions;
mod standing;
mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
mod throttle;
mod touch;
mod users;

pub use acting::Acting;
pub use audit::{AuditEntry, AuditPage, AuditPosition, AuditQuery, Auditor};
pub use auth::{Auth, AuthOptions, Registration};
pub use caller::{Actor, Caller};
pub use cleanup::{CleanupReport, Deleted, Reason};
pub use connections::{Connection, Sidecar};
pub use error::{Error, ErrorKind, Refusal, Result};
pub use guard::bearer;
pub use ids::{ConnectionId, InvitationId, SessionId, SidecarId, TokenId, UserId, WorkspaceId};
pub use invitations::InvitationInfo;
pub use jwt::{Audience, Claims, Issuing};
pub use keyring::KeyRing;
pub use login::{Credentials, Granted, Origin};
pub use page::{Page, check_limit};
pub use password::HashCost;
pub use pod_access::{NewConnection, NewSidecar, PodAccess};
pub use pod_tokens::Pod;
pub use register::NewUser;
pub use scope::{Role, Scope, Scopes};
pub use service::{NewServiceToken, ServiceTokenInfo};
pub use session::{Session, SessionStatus};
pub use sessions::SessionDetails;
pub use standing::Orders;
pub use throttle::{Limiter, Rate};
pub use users::{UserChange, UserInfo};
