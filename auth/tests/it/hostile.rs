//! Tokens that somebody made up: structure, encodings, algorithms, key ids, times, claims. Each is refused, none is a failure, and no bytes pass but the minted.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use coditect_auth::Granted;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{Rig, SECRET};

/// A minted token, taken apart, and how to make others like it.
struct Forge {
    kid: String,
    header: Value,
    claims: Value,
    parts: [String; 3],
}

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn signed_with(secret: &[u8], algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Signed as ours are.
fn signed(header: &str, claims: &str) -> String {
    signed_with(SECRET.as_bytes(), Algorithm::HS256, header, claims)
}

impl Forge {
    fn new(granted: &Granted) -> Self {
        let token = granted.token.expose_secret();
        let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let (header, claims): (Value, Value) = (json(&parts[0]), json(&parts[1]));
        let kid = header["kid"].as_str().unwrap().to_owned();
        Self { kid, header, claims, parts: parts.try_into().unwrap() }
    }

    fn header_with(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        header.to_string()
    }

    fn claims_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        claims.to_string()
    }

    fn without(value: &Value, name: &str) -> String {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove(name);
        value.to_string()
    }

    /// The minted token.
    fn minted(&self) -> String {
        self.parts.join(".")
    }

    fn structures(&self) -> Vec<String> {
        let [header, claims, signature] = &self.parts;
        let minted = self.minted();
        let mut all: Vec<String> =
            ["", ".", "..", "...", "....", "a", "a.b", "a.b.c", "null", "undefined", "{}", "Bearer", "\0", "\u{feff}"]
                .map(str::to_owned)
                .into();
        all.extend([
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!(".{claims}.{signature}"),
            format!("{header}..{signature}"),
            format!("{minted}."),
            format!(".{minted}"),
            format!("{minted}.{signature}"),
            format!("{minted}.x.y"),
            format!("{claims}.{header}.{signature}"),
            format!("{signature}.{claims}.{header}"),
            format!("{header}.{claims}.{header}"),
            format!("{minted}{minted}"),
            format!("{minted} "),
            format!(" {minted}"),
            format!("{minted}\n"),
            format!("{minted}\0"),
            minted.replace('.', "。"),
            minted.replace('.', ","),
            minted.to_uppercase(),
            minted.to_lowercase(),
            minted.chars().rev().collect(),
            format!("{minted}{}", "A".repeat(5_000)),
            "A".repeat(100_000),
            format!("{}.{claims}.{signature}", "A".repeat(4_000)),
        ]);
        all.extend((1..20).map(|cut| minted[..minted.len() - cut].to_owned()));
        all.extend((1..20).map(|cut| minted[cut..].to_owned()));
        all
    }

    fn encodings(&self) -> Vec<String> {
        let [header, claims, signature] = &self.parts;
        let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut all = vec![
            format!("{header}.{claims}.{}", URL_SAFE.encode(&raw)),
            format!("{header}.{claims}.{}=", signature),
            format!("{header}=.{claims}.{signature}"),
            format!("{header}.{claims}==.{signature}"),
            format!("{header}.{claims}.{}", hex(&raw)),
            format!("{header}.{claims}.{}", STANDARD.encode(&raw)),
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(&raw[..31])),
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([&raw[..], &[0]].concat())),
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 32])),
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0xff; 32])),
            format!("{header}.{}.{signature}", part("\u{feff}{}")),
        ];
        // The last character of a signature has two bits that belong to nothing.
        let last = signature.chars().last().unwrap();
        let others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| *c != last);
        all.extend(others.map(|c| format!("{header}.{claims}.{}{c}", &signature[..signature.len() - 1])));
        for at in (0..signature.len()).step_by(4) {
            let mut flipped = signature.clone().into_bytes();
            flipped[at] = if flipped[at] == b'x' { b'y' } else { b'x' };
            all.push(format!("{header}.{claims}.{}", String::from_utf8(flipped).unwrap()));
        }
        all
    }

    fn algorithms(&self) -> Vec<String> {
        let claims = self.claims.to_string();
        let names = [
            "none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "PS256",
            "PS384", "PS512", "EdDSA", "hs256", "HS256 ", "HS1", "dir", "A128KW",
        ];
        let mut all = Vec::new();
        for name in names {
            let header = self.header_with("alg", json!(name));
            all.push(signed(&header, &claims));
            all.push(format!("{}.{}.", part(&header), part(&claims)));
            all.push(format!("{}.{}.{}", part(&header), part(&claims), self.parts[2]));
        }
        for (algorithm, name) in [(Algorithm::HS384, "HS384"), (Algorithm::HS512, "HS512")] {
            all.push(signed_with(SECRET.as_bytes(), algorithm, &self.header_with("alg", json!(name)), &claims));
            all.push(signed_with(SECRET.as_bytes(), algorithm, &self.header.to_string(), &claims));
        }
        for value in [json!(null), json!(256), json!(["HS256"]), json!({"name": "HS256"}), json!(true)] {
            all.push(signed(&self.header_with("alg", value), &claims));
        }
        all.push(signed(&Self::without(&self.header, "alg"), &claims));
        all
    }

    fn keys(&self) -> Vec<String> {
        let claims = self.claims.to_string();
        let mut all: Vec<String> = [
            json!(null),
            json!(""),
            json!("0"),
            json!("../../dev/null"),
            json!("' OR 1=1 --"),
            json!(7),
            json!([self.kid]),
            json!({"kid": self.kid}),
            json!(format!("{} ", self.kid)),
            json!(self.kid.to_lowercase()),
            json!("k".repeat(2_000)),
            json!("\u{0}"),
            json!("http://localhost/key"),
        ]
        .into_iter()
        .map(|kid| signed(&self.header_with("kid", kid), &claims))
        .collect();
        all.push(signed(&Self::without(&self.header, "kid"), &claims));
        let secrets: [&[u8]; 6] = [
            b"",
            b"secret",
            &SECRET.as_bytes()[1..],
            self.kid.as_bytes(),
            b"a secret of somebody else, 32 bytes",
            &[0; 32],
        ];
        all.extend(secrets.map(|secret| signed_with(secret, Algorithm::HS256, &self.header.to_string(), &claims)));
        let embedded = json!({"kty": "oct", "k": part("a secret of somebody else, 32 bytes"), "alg": "HS256"});
        let header = self.header_with("jwk", embedded);
        all.push(signed_with(b"a secret of somebody else, 32 bytes", Algorithm::HS256, &header, &claims));
        all.push(signed(&self.header_with("crit", json!(["exp"])), &claims));
        all.push(signed(&self.header_with("crit", json!([])), &claims));
        all
    }

    fn times(&self) -> Vec<String> {
        let header = self.header.to_string();
        let now = self.claims["iat"].as_i64().unwrap();
        let ends = [
            json!(now),
            json!(now - 1),
            json!(0),
            json!(-1),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e300),
            json!(-1e300),
            json!(now as f64 + 0.5),
            json!("tomorrow"),
            json!((now + 60).to_string()),
            json!(null),
            json!(true),
            json!([now + 60]),
            json!({"at": now + 60}),
        ];
        let begins = [json!(now + 31), json!(now + 3_600), json!(i64::MAX), json!("now"), json!([]), json!(1e300)];
        let mut all: Vec<String> = ends.map(|end| signed(&header, &self.claims_with("exp", end))).into();
        for name in ["nbf", "iat"] {
            all.extend(begins.iter().map(|begin| signed(&header, &self.claims_with(name, begin.clone()))));
        }
        all.push(signed(&header, &Self::without(&self.claims, "exp")));
        all
    }

    fn claims(&self) -> Vec<String> {
        let header = self.header.to_string();
        let odd = [
            json!(null),
            json!(""),
            json!(0),
            json!(true),
            json!([]),
            json!({}),
            json!(["acme"]),
            json!("../acme"),
            json!("acme/session/x"),
            json!("acme\u{0}"),
            json!("аcme"),
            json!("acme "),
            json!("x".repeat(1_000)),
            json!("\u{202e}acme"),
        ];
        let mut all = Vec::new();
        for name in ["tenantId", "userId", "sessionId"] {
            all.extend(odd.iter().map(|value| signed(&header, &self.claims_with(name, value.clone()))));
            all.push(signed(&header, &Self::without(&self.claims, name)));
            all.push(signed(&header, &self.claims_with(name, json!("somebody-else"))));
            let twice = self.claims.to_string().replacen('{', &format!("{{\"{name}\":\"somebody\","), 1);
            all.push(signed(&header, &twice));
            let after = self.claims.to_string();
            all.push(signed(&header, &format!("{},\"{name}\":\"somebody\"}}", &after[..after.len() - 1])));
        }
        for issuer in [json!(null), json!(""), json!("Coditect"), json!(["somebody"]), json!("coditect ")] {
            all.push(signed(&header, &self.claims_with("iss", issuer)));
        }
        all.push(signed(&header, &Self::without(&self.claims, "iss")));
        for audience in [json!("somebody"), json!(["a", "b"]), json!(7), json!({})] {
            all.push(signed(&header, &self.claims_with("aud", audience)));
        }
        for scope in [json!(7), json!(["admin"]), json!({"admin": true})] {
            all.push(signed(&header, &self.claims_with("scope", scope)));
        }
        let bodies =
            ["", "null", "[]", "7", "\"x\"", "{", "{}", "{\"exp\":}", "[[[[[[[[", "{\"userId\":\"a\"}", "\u{0}", "NaN"];
        all.extend(bodies.map(|body| signed(&header, body)));
        all.extend(bodies.map(|body| signed(body, &self.claims.to_string())));
        all.push(signed(&header, &format!("{}{}", "[".repeat(900), "]".repeat(900))));
        all
    }

    fn all(&self) -> Vec<String> {
        let groups = [self.structures(), self.encodings(), self.algorithms(), self.keys(), self.times(), self.claims()];
        groups.concat()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn hostile_tokens_are_refused_and_none_is_a_failure() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let forge = Forge::new(&granted);
    assert_eq!(
        rig.refused(&signed(&forge.header.to_string(), &forge.claims.to_string()).into()).await,
        None,
        "the forge works"
    );
    let all: BTreeSet<String> = forge.all().into_iter().collect();
    assert!(all.len() >= 300, "{}", all.len());
    for token in &all {
        // It panics where the refusal is of another kind.
        assert!(rig.refused(&token.as_str().into()).await.is_some(), "{token}");
    }
    assert_eq!(rig.refused(&granted.token).await, None);
}

#[tokio::test]
async fn claims_of_other_services_that_do_no_harm_are_passed_over() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let forge = Forge::new(&granted);
    let more = [("name", json!("Ada")), ("scope", json!("kb:read theirs")), ("jti", json!("x")), ("nbf", json!(0))];
    for (name, value) in more {
        let token = signed(&forge.header.to_string(), &forge.claims_with(name, value));
        assert_eq!(rig.refused(&token.as_str().into()).await, None, "{name}");
    }
    for name in ["iat", "jti", "scope"] {
        let token = signed(&forge.header.to_string(), &Forge::without(&forge.claims, name));
        let caller = rig.auth.authenticate(&token).await.unwrap();
        assert!(name != "scope" || !caller.may(coditect_auth::Scope::Admin), "the least where nothing is said");
    }
}

#[test]
fn no_bytes_pass_but_the_minted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (rig, granted) = runtime.block_on(async {
        let rig = Rig::new().await;
        let granted = rig.ada().await;
        (rig, granted)
    });
    let minted: Arc<str> = granted.token.expose_secret().into();
    let positions = 0..minted.len();
    let changes = prop::collection::vec((positions, any::<u8>()), 1..4);
    let text = prop_oneof![
        any::<String>(),
        "[A-Za-z0-9_=-]{0,80}(\\.[A-Za-z0-9_=-]{0,200}){0,4}",
        changes.prop_map({
            let minted = minted.clone();
            move |changes| {
                let mut bytes = minted.as_bytes().to_vec();
                changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
                String::from_utf8_lossy(&bytes).into_owned()
            }
        }),
        ("coditect_token_", "[A-Za-z0-9_-]{0,120}").prop_map(|(prefix, rest)| format!("{prefix}{rest}")),
    ];
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 2_000, ..ProptestConfig::default() });
    let passed = runner.run(&text, |text| {
        let refused = runtime.block_on(rig.refused(&text.as_str().into()));
        prop_assert_eq!(refused.is_none(), *text == *minted, "{}", text);
        Ok(())
    });
    passed.unwrap();
    runtime.block_on(rig.auth.stop());
}
