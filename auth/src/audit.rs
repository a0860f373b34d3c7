//! The audit log: who did what to which document, session, user or token. Entries are written in the same commit as what they tell of, ordered by it,
//! and never changed; old ones are taken away by the clean-up.

use coditect_store::tuple::Versionstamp;
use coditect_store::{AtomicOp, KeyValue, RangeQuery, Transaction, record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::acting::Acting;
use crate::caller::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::TenantKeys;
use crate::limits;
use crate::page;
use crate::scope::Scope;

/// What is written down of one act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, such as `document.put`.
    pub action: String,
    /// To what.
    pub target: String,
    /// Which request it was, as in the server's log.
    pub request_id: String,
}

/// An entry's place in the log: the versionstamp of its commit, and its order within. As text, 24 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition([u8; 12]);

/// Which entries to read.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only those before this one.
    pub before: Option<AuditPosition>,
    /// Only those whose action is this, or begins with it and a dot.
    pub action: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Some entries, newest first.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// The entries and their places.
    pub entries: Vec<(AuditPosition, AuditEntry)>,
    /// Where to go on; nothing at the end.
    pub next: Option<AuditPosition>,
}

/// Whoever writes entries: the actor and the request.
#[derive(Debug, Clone)]
pub struct Auditor {
    keys: TenantKeys,
    actor: Actor,
    request_id: String,
    at: Timestamp,
}

impl Auditor {
    pub(crate) fn new(keys: TenantKeys, actor: Actor, request_id: String, at: Timestamp) -> Self {
        Self { keys, actor, request_id, at }
    }

    /// Writes an entry in the commit of `tx`. `order` tells entries of one commit apart. Also in a retried transaction there is one.
    ///
    /// # Errors
    /// `Internal` for an entry that cannot be encoded.
    pub fn note(&self, tx: &Transaction, order: u16, action: &str, target: &str) -> Result<()> {
        let entry = AuditEntry {
            at: self.at,
            actor: self.actor.clone(),
            action: action.to_owned(),
            target: clipped(target).to_owned(),
            request_id: self.request_id.clone(),
        };
        tx.atomic(AtomicOp::SetVersionstampedKey, &self.keys.audit_entry(order), &record::encode(&entry)?);
        Ok(())
    }
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::AUDIT_TARGET_BYTES)]
}

impl Acting {
    /// Reads a page of the tenant's audit log, newest first. A page may be short where few of many entries are of the wanted kind: `next` says whether that was all.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `Invalid` for a limit out of range; store failures.
    pub async fn audit(&self, query: &AuditQuery) -> Result<AuditPage> {
        self.must(Scope::Admin)?;
        page::check_limit(query.limit)?;
        let (keys, mut next, mut entries) = (&self.keys, query.before, Vec::new());
        for _ in 0..limits::AUDIT_PAGES {
            let range = &range_before(keys, next, limits::PAGE);
            let page = self.auth.run(|tx| async move { Ok(tx.snapshot().get_range(range.clone()).await?) }).await?;
            for item in &page.items {
                let (position, entry) = decoded(keys, item)?;
                next = Some(position);
                if query.is_for(&entry) {
                    entries.push((position, entry));
                }
                if entries.len() == query.limit {
                    return Ok(AuditPage { entries, next });
                }
            }
            if !page.more {
                return Ok(AuditPage { entries, next: None });
            }
        }
        Ok(AuditPage { entries, next })
    }
}

impl AuditQuery {
    fn is_for(&self, entry: &AuditEntry) -> bool {
        self.action.as_ref().is_none_or(|wanted| {
            entry.action.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

fn range_before(keys: &TenantKeys, before: Option<AuditPosition>, limit: usize) -> RangeQuery {
    let (begin, end) = keys.audit().range();
    let end = before.map_or(end, |before| keys.audit().pack(&Versionstamp::from(before.0)));
    RangeQuery::from((begin, end)).limit(limit).reverse()
}

pub(crate) fn decoded(keys: &TenantKeys, item: &KeyValue) -> Result<(AuditPosition, AuditEntry)> {
    let stamp: Versionstamp = keys
        .audit()
        .unpack(&item.key)
        .map_err(|error| Error::new(ErrorKind::Corrupt, "read a key of the audit log").caused_by(error))?;
    Ok((AuditPosition(*stamp.as_bytes()), record::decode(&item.value, "an entry of the audit log")?))
}

impl std::fmt::Display for AuditPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for AuditPosition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::invalid("/cursor", "not a cursor of this listing: send next_cursor as it was given");
        if text.len() != 24 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(refused());
        }
        let mut bytes = [0; 12];
        for (position, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * position..2 * position + 2], 16).map_err(|_| refused())?;
        }
        Ok(Self(bytes))
    }
}
