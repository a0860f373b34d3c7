//! Agreeing upon permessage-deflate (RFC 7692, section 7.1). Always without context takeover, in both directions: a connection keeps no window between messages.

/// What we answer to an offer, and offer ourselves.
pub(crate) const WITHOUT_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Whether the offer of a client has something that we can do. `offers` are the values of its headers.
pub(crate) fn accepts<'a>(offers: impl Iterator<Item = &'a str>) -> bool {
    offers.flat_map(|header| header.split(',')).any(|offer| parse(offer).is_some_and(|found| found.is_possible))
}

/// Whether the workspace's answer to our offer is one. `None` when it is an answer that we did not ask for.
pub(crate) fn accepted<'a>(answers: impl Iterator<Item = &'a str>) -> Option<bool> {
    let mut all = answers.flat_map(|header| header.split(',')).filter(|answer| !answer.trim().is_empty());
    let Some(answer) = all.next() else { return Some(false) };
    // A smaller window of ours is not for the answer to choose, as we do not offer one (RFC 7692, section 7.1.2.2).
    let found = parse(answer).filter(|found| found.is_possible && found.server_forgets && !found.limits_client)?;
    all.next().is_none().then_some(found.is_possible)
}

struct Found {
    is_possible: bool,
    server_forgets: bool,
    limits_client: bool,
}

/// Parameters of one offer or answer; `None` for another extension, or one that is not well formed.
fn parse(text: &str) -> Option<Found> {
    let mut parts = text.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut found = Found { is_possible: true, server_forgets: false, limits_client: false };
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        let bits = value.map(|value| value.parse::<u8>().ok().filter(|bits| (8..=15).contains(bits)));
        match (name, bits) {
            ("server_no_context_takeover", None) => found.server_forgets = true,
            ("client_no_context_takeover", None) => {}
            ("client_max_window_bits", None | Some(Some(_))) => found.limits_client = true,
            // Our window has 15 bits. A client that wants a smaller one gets none.
            ("server_max_window_bits", Some(Some(bits))) => found.is_possible &= bits == 15,
            _ => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_taken_that_can_be_kept() {
        for fine in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10; server_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9, permessage-deflate",
            "Permessage-Deflate; server_max_window_bits=\"15\"",
        ] {
            assert!(accepts([fine].into_iter()), "{fine}");
        }
        for bad in [
            "",
            "permessage-bzip2",
            "permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; unknown",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        ] {
            assert!(!accepts([bad].into_iter()), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_what_was_asked_for_or_nothing() {
        assert_eq!(accepted([].into_iter()), Some(false));
        assert_eq!(accepted([WITHOUT_TAKEOVER].into_iter()), Some(true));
        assert_eq!(accepted(["permessage-deflate"].into_iter()), None);
        assert_eq!(accepted(["permessage-bzip2"].into_iter()), None);
        let limited = format!("{WITHOUT_TAKEOVER}; client_max_window_bits=9");
        assert_eq!(accepted([limited.as_str()].into_iter()), None);
    }
}
