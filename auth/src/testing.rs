//! What the tests of the crates above cannot do otherwise.

use coditect_store::TenantId;
use jiff::Timestamp;

use crate::auth::Auth;
use crate::error::Result;
use crate::ids::UserId;
use crate::scope::Role;
use crate::users::{self, User};

/// A member of a tenant whose id is chosen, and who cannot log in.
///
/// # Errors
/// Store failures.
pub async fn user(auth: &Auth, tenant: &TenantId, id: &UserId) -> Result<()> {
    let keys = &auth.inner.keys.tenant(tenant);
    let user = &User {
        user_id: id.clone(),
        email: format!("{id}@example.com"),
        name: String::new(),
        password_hash: String::new(),
        role: Role::Member,
        disabled: false,
        created_at: Timestamp::UNIX_EPOCH,
    };
    auth.inner.run(|tx| async move { users::write(&tx, keys, user) }).await
}
