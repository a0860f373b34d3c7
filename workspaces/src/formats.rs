//! Every form that a record has ever had in the store must still be read: the bytes of each are kept in `workspaces/fixtures`.

use std::fmt::Debug;

use coditect_auth::{UserId, WorkspaceId};
use coditect_store::TenantId;
use coditect_store::testing::check_form;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::names::Owner;
use crate::tally::Tally;
use crate::workspace::{State, Wanted, Workspace};

/// `UPDATE_FIXTURES=1 cargo test -p coditect-workspaces formats` writes those of today's form.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, expected: &T) {
    check_form(env!("CARGO_MANIFEST_DIR"), name, expected);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn records_of_every_form_are_read() {
    let (tenant, user) = (TenantId::new("acme").unwrap(), UserId::new("u-1").unwrap());
    let workspace = Workspace {
        id: WorkspaceId::new("0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e").unwrap(),
        tenant: tenant.clone(),
        user: user.clone(),
        name: "Main".into(),
        state: State::Failed,
        wanted: Wanted::Running,
        pod_namespace: "user-u-1".into(),
        pod_name: "workspace-0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e".into(),
        service: "workspace-u-1".into(),
        message: Some("its image cannot be had".into()),
        failures: 5,
        anew: true,
        created_at: at(1),
        updated_at: at(2),
        since: at(3),
        last_active_at: at(4),
        revision: 6,
    };
    check("workspace", &workspace);
    check("owner", &Owner { tenant, user });
    check("tally", &Tally { workspaces: 7 });
}
