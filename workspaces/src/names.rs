//! What a workspace is called in the cluster.
//!
//! Ids have up to 128 characters of `A-Z a-z 0-9 - _ .`; a name in the cluster is a DNS label: up to 63 of `a-z 0-9 -`, with neither end a `-` (RFC 1123). An id
//! that is *plain*, which is one of up to [`limits::LABEL_CHARS`] characters that is such a label and has no `--` in it, stays as it is: UUIDs are. Any other becomes what is
//! left of its first characters, `--` and a hash. A plain id has no `--`, so none is the short form of another, and two short forms are the same only where 80 bits of
//! BLAKE3 are.
//!
//! | part | name |
//! |---|---|
//! | namespace | `user-{user_id}` |
//! | Service | `workspace-{user_id}`; `workspace-{workspace_id}` while another workspace of the user has that one |
//! | pod, disk, NetworkPolicy | `workspace-{workspace_id}`: never used again, so a late request for an old workspace cannot meet a new one |
//! | Secret of the token | `workspace-{workspace_id}-token` |
//!
//! User ids are unique within their tenant alone. No function of the user's id could tell two tenants apart and leave the id as it is, so the store decides: a namespace
//! is its first user's for ever ([`Owner`] under the name), and the user of another tenant that has the same id gets the form with the hash, taken over tenant and user.

use coditect_auth::{UserId, WorkspaceId};
use coditect_store::tuple::pack;
use coditect_store::{TenantId, Transaction, record};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::limits;

/// Whose namespace it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
}

/// The labels that a user's namespace may have, the preferred one first.
pub(crate) fn candidates(tenant: &TenantId, user: &UserId) -> Vec<String> {
    let plain = is_plain(user.as_str()).then(|| user.as_str().to_owned());
    let hashed = shortened(user.as_str(), &pack(&(tenant.as_str(), user.as_str())));
    plain.into_iter().chain([hashed]).collect()
}

pub(crate) fn namespace(label: &str) -> String {
    format!("user-{label}")
}

pub(crate) fn service(label: &str) -> String {
    format!("workspace-{label}")
}

pub(crate) fn pod(workspace: &WorkspaceId) -> String {
    format!("workspace-{}", label(workspace.as_str()))
}

/// An id as a DNS label.
fn label(id: &str) -> String {
    if is_plain(id) { id.to_owned() } else { shortened(id, &pack(&id)) }
}

/// An id as the value of a label of an object, whose characters may also be upper-case letters, `_` and `.`.
pub(crate) fn label_value(id: &str) -> String {
    let is_end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let is_value = id.len() <= 63 && is_end(id.bytes().next()) && is_end(id.bytes().last()) && !id.contains("--");
    if is_value { id.to_owned() } else { shortened(id, &pack(&id)) }
}

fn is_plain(id: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=limits::LABEL_CHARS).contains(&id.len())
        && id.bytes().all(is_inner)
        && !id.starts_with('-')
        && !id.ends_with('-')
        && !id.contains("--")
}

/// What is left of the first characters of `id`, and a hash over `whole`.
fn shortened(id: &str, whole: &[u8]) -> String {
    let mut head = String::new();
    for b in id.bytes().map(|b| b.to_ascii_lowercase()) {
        let is_kept = b.is_ascii_lowercase() || b.is_ascii_digit();
        if is_kept {
            head.push(char::from(b));
        } else if !head.is_empty() && !head.ends_with('-') {
            head.push('-');
        }
        if head.len() == limits::LABEL_HEAD_CHARS {
            break;
        }
    }
    let head = head.trim_end_matches('-');
    let head = if head.is_empty() { "x" } else { head };
    let hash = blake3::hash(whole).to_hex();
    format!("{head}--{}", &hash[..2 * limits::LABEL_HASH_BYTES])
}

/// The label of a user's namespace: the one that it has, or the first of its candidates that nobody has, which is its own from this commit on.
pub(crate) async fn claim(tx: &Transaction, keys: &Keys, tenant: &TenantId, user: &UserId) -> Result<String> {
    let me = Owner { tenant: tenant.clone(), user: user.clone() };
    for label in candidates(tenant, user) {
        let key = keys.namespace(&namespace(&label));
        match tx.get(&key).await? {
            None => {
                tx.set(&key, &record::encode(&me)?);
                return Ok(label);
            }
            Some(bytes) if record::decode::<Owner>(&bytes, "the owner of a namespace")? == me => return Ok(label),
            Some(_) => {}
        }
    }
    Err(Error::conflict("the cluster has no namespace for this user: its id is too much like another's"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn of(tenant: &str, id: &str) -> Vec<String> {
        candidates(&TenantId::new(tenant).unwrap(), &user(id))
    }

    fn is_dns_label(name: &str) -> bool {
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&name.len()) && name.bytes().all(is_inner) && !name.starts_with('-') && !name.ends_with('-')
    }

    #[test]
    fn plain_ids_stay_as_they_are() {
        for id in ["ada", "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "a", "7"] {
            assert_eq!(of("acme", id)[0], id);
        }
        for id in ["Ada", "ada.l", "ada_l", "-ada", "ada-", "a--b", &"a".repeat(41), "---", "_"] {
            assert_eq!(of("acme", id).len(), 1, "{id}");
            assert!(of("acme", id)[0].contains("--"), "{id}");
        }
        assert_eq!(of("acme", "Ada.Lovelace@1".trim_end_matches("@1"))[0].split_once("--").unwrap().0, "ada-lovelace");
    }

    proptest! {
        #[test]
        fn every_id_becomes_a_name(tenant in "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", id in "[A-Za-z0-9._-]{1,128}") {
            for label in of(&tenant, &id) {
                prop_assert!(is_dns_label(&namespace(&label)) && is_dns_label(&service(&label)), "{label}");
            }
            let token = crate::manifests::token_name(&pod(&WorkspaceId::new(id.as_str()).unwrap()));
            prop_assert!(is_dns_label(&token), "{token}");
            let value = label_value(&id);
            let is_end = |b: Option<char>| b.is_some_and(|b| b.is_ascii_alphanumeric());
            prop_assert!(value.len() <= 63 && is_end(value.chars().next()) && is_end(value.chars().last()), "{value}");
        }

        /// Ids that are likely to be taken for each other: few characters, much alike.
        #[test]
        fn no_two_have_the_same(ids in proptest::collection::hash_set(("[ab]", "[aA.-]{1,4}"), 2..40)) {
            let mut seen = BTreeMap::new();
            for (tenant, id) in &ids {
                // The form with the hash is of one user of one tenant; the plain one of one id.
                let all = of(tenant, id);
                let (plain, hashed) = (all.first().filter(|_| all.len() == 2), all.last().unwrap());
                let owner = (Some(tenant.as_str()), id.as_str());
                prop_assert_eq!(*seen.entry(hashed.clone()).or_insert(owner), owner);
                if let Some(plain) = plain {
                    let owner = (None, id.as_str());
                    prop_assert_eq!(*seen.entry(plain.clone()).or_insert(owner), owner);
                }
            }
        }

        #[test]
        fn no_two_ids_have_the_same_label(one in "[aA._-]{1,6}", other in "[aA._-]{1,6}") {
            prop_assume!(one != other);
            prop_assert_ne!(label(&one), label(&other));
            prop_assert_ne!(label_value(&one), label_value(&other));
        }
    }
}
