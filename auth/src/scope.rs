//! What a caller may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// A permission, as it is written in a token's `scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Searching and reading documents.
    KbRead,
    /// Writing and deleting documents and collections.
    KbWrite,
    /// Registering as an agent, and working on tasks.
    Agents,
    /// Users, invitations, service tokens, other people's sessions, the audit log.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::KbRead, Self::KbWrite, Self::Agents, Self::Admin];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KbRead => "kb:read",
            Self::KbWrite => "kb:write",
            Self::Agents => "agents",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            Error::invalid("/scopes", format!("there is no scope of that name, but {all}"))
        })
    }
}

/// A set of scopes. As text, their names between spaces (RFC 6749, section 3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// No scope.
    pub const NONE: Self = Self(0);

    /// These scopes.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | Self::bit(*scope)))
    }

    fn bit(scope: Scope) -> u8 {
        1 << scope as u8
    }

    /// Whether a scope is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Whether all of `others` are among them.
    #[must_use]
    pub fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are also among `others`.
    #[must_use]
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// The scopes that `text` names. Names of other services' scopes are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let named: Vec<Scope> = text.split(' ').filter_map(|name| name.parse().ok()).collect();
        Self::of(&named)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            let space = if position > 0 { " " } else { "" };
            write!(f, "{space}{}", scope.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// What a user is in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, writes and works with agents.
    #[default]
    Member,
    /// Also looks after users, tokens and the audit log.
    Administrator,
}

impl Role {
    /// What it may do.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Member => Scopes::of(&[Scope::KbRead, Scope::KbWrite, Scope::Agents]),
            Self::Administrator => Scopes::of(&Scope::ALL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_their_names() {
        let all = Scopes::of(&Scope::ALL);
        assert_eq!(all.to_string(), "kb:read kb:write agents admin");
        assert_eq!(Scopes::parse(&all.to_string()), all);
        assert_eq!(Scopes::parse("kb:read  other admin2 KB:WRITE"), Scopes::of(&[Scope::KbRead]));
        assert!(Scopes::NONE.is_empty() && !Scopes::NONE.has(Scope::KbRead));
        assert!(all.has_all(Role::Member.scopes()) && !Role::Member.scopes().has(Scope::Admin));
    }
}
