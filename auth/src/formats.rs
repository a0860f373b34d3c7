//! Every form that a record has ever had in the store must still be read: the bytes of each are kept in `auth/fixtures`.

use std::collections::BTreeSet;
use std::fmt::Debug;

use coditect_store::testing::check_form;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::audit::AuditEntry;
use crate::caller::Actor;
use crate::ids::{InvitationId, SessionId, TokenId, UserId, WorkspaceId};
use crate::refresh::Family;
use crate::scope::{Role, Scope, Scopes};
use crate::tenants::Tenant;
use crate::users::User;
use crate::{invitations, pod_tokens, service};

/// `UPDATE_FIXTURES=1 cargo test -p coditect-auth formats` writes those of today's form.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, expected: &T) {
    check_form(env!("CARGO_MANIFEST_DIR"), name, expected);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn user_id() -> UserId {
    UserId::new("0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e").unwrap()
}

#[test]
fn records_of_every_form_are_read() {
    let by_user = Actor::User { user: user_id(), session: Some(SessionId::new("s-1").unwrap()) };
    check("tenant", &Tenant { created_at: at(1) });
    check(
        "user",
        &User {
            user_id: user_id(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            password_hash: "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaA".into(),
            role: Role::Administrator,
            disabled: false,
            created_at: at(2),
        },
    );
    check("family", &Family { number: 7, rotated_at: at(3) });
    check(
        "service-token",
        &service::Record {
            id: TokenId(Uuid::from_u128(4)),
            name: "pipeline".into(),
            hash: [5; 32],
            scopes: Scopes::of(&[Scope::KbRead, Scope::KbWrite]),
            collections: Some(BTreeSet::from(["docs".to_owned()])),
            created_by: by_user,
            created_at: at(6),
            expires_at: Some(at(7)),
        },
    );
    check(
        "pod-token",
        &pod_tokens::Record {
            hash: [14; 32],
            workspace: WorkspaceId::new("ws-1").unwrap(),
            user: user_id(),
            created_at: at(15),
            expires_at: Some(at(16)),
        },
    );
    check(
        "invitation",
        &invitations::Record {
            id: InvitationId(Uuid::from_u128(8)),
            hash: [9; 32],
            email: Some("bob@example.com".into()),
            role: Role::Member,
            created_by: Actor::Operator,
            created_at: at(10),
            expires_at: at(11),
        },
    );
}

#[test]
fn entries_of_the_audit_log_of_every_form_are_read() {
    let by_user = Actor::User { user: user_id(), session: Some(SessionId::new("s-1").unwrap()) };
    check(
        "audit-entry",
        &AuditEntry {
            at: at(12),
            actor: Actor::Token { token: TokenId(Uuid::from_u128(13)) },
            action: "document.put".into(),
            target: "docs/a.md".into(),
            request_id: "r-1".into(),
        },
    );
    check(
        "audit-entry-of-a-user",
        &AuditEntry {
            at: at(12),
            actor: by_user,
            action: "session.login".into(),
            target: "session s-1".into(),
            request_id: "r-2".into(),
        },
    );
}
