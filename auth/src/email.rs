//! E-mail addresses as names of accounts: one spelling for each.

use unicode_normalization::UnicodeNormalization as _;

use crate::error::{Error, Result};
use crate::limits;

/// An address in the spelling by which an account is found: NFKC, lower case, without space around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Normalises an address. Whether anybody reads mail there is not known: only what could never be one is refused.
    pub(crate) fn new(text: &str) -> Result<Self> {
        let refused = || Error::invalid("/email", "an e-mail address looks like name@example.com");
        if text.len() > limits::EMAIL_BYTES {
            return Err(refused());
        }
        let email: String = text.trim().nfkc().collect::<String>().to_lowercase().nfkc().collect();
        let (local, domain) = email.rsplit_once('@').ok_or_else(refused)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',' | ';' | '\\');
        let labels_ok = domain.split('.').all(|label| !label.is_empty());
        let is_fine = !local.is_empty() && !local.contains('@') && labels_ok && !email.chars().any(is_odd);
        match is_fine && email.len() <= limits::EMAIL_BYTES {
            true => Ok(Self(email)),
            false => Err(refused()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        for spelling in [" Ada@Example.COM ", "ada@example.com", "ＡＤＡ@example.com", "ada@EXAMPLE.com"] {
            assert_eq!(Email::new(spelling).unwrap().as_str(), "ada@example.com", "{spelling}");
        }
        assert_eq!(Email::new("ÅSA@exämple.se").unwrap(), Email::new("a\u{30a}sa@exa\u{308}mple.se").unwrap());
        let long = format!("{}@example.com", "x".repeat(300));
        for bad in
            ["", "ada", "@example.com", "ada@", "a b@c.d", "a@b@c", "a@b..c", "<a@b.c>", "a\0@b.c", long.as_str()]
        {
            assert!(Email::new(bad).is_err(), "{bad:?}");
        }
    }
}
