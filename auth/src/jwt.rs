//! JSON Web Tokens (RFC 7519), HS256 alone: minting, and believing none but the minted.
//!
//! A token is a claim about a session. It is valid only together with the session's record, which [`crate::guard`] looks up.

use coditect_store::{Clock, TenantId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind as JwtError};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal, Result};
use crate::ids::{SessionId, UserId};
use crate::keyring::KeyRing;
use crate::limits;
use crate::scope::{Role, Scopes};

/// How much the clocks of two machines may differ: a token may be this much younger than now.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// What a token claims. The names are those that other services read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The user.
    pub user_id: UserId,
    /// The user's tenant.
    pub tenant_id: TenantId,
    /// The session that the token stands for.
    pub session_id: SessionId,
    /// End of its life, seconds since 1970.
    pub exp: i64,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// When its life begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Its own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// What it allows, names between spaces. What a member may when another service left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scopes>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Whom it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
}

/// One audience or several (RFC 7519, section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// As a text.
    One(String),
    /// As a list.
    Several(Vec<String>),
}

impl Claims {
    /// What the token allows.
    pub(crate) fn scopes(&self) -> Scopes {
        self.scope.unwrap_or_else(|| Role::Member.scopes())
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.exp).unwrap_or(Timestamp::MAX)
    }
}

/// Who makes tokens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuing {
    /// The claim `iss`: tokens of others are refused.
    pub issuer: String,
    /// The claim `aud`: without one, tokens that were made for somebody are refused.
    pub audience: Option<String>,
    /// Life of a token.
    pub life: std::time::Duration,
}

impl Default for Issuing {
    fn default() -> Self {
        Self { issuer: "coditect".into(), audience: None, life: limits::TOKEN_LIFE }
    }
}

/// Mints and verifies.
#[derive(Debug, Clone)]
pub(crate) struct Jwt {
    keys: KeyRing,
    issuing: Issuing,
    validation: Validation,
    clock: Clock,
}

impl Jwt {
    pub(crate) fn new(keys: KeyRing, issuing: Issuing, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.set_issuer(&[&issuing.issuer]);
        if let Some(audience) = &issuing.audience {
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            validation.set_audience(&[audience]);
        }
        // Times are compared with the clock that everything here goes by.
        validation.validate_exp = false;
        Self { keys, issuing, validation, clock }
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// A token for a session.
    pub(crate) fn mint(
        &self,
        (tenant_id, user_id, session_id): (TenantId, UserId, SessionId),
        scopes: Scopes,
    ) -> Result<(String, Claims)> {
        let now = self.clock.now().as_second();
        let life = i64::try_from(self.issuing.life.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            user_id,
            tenant_id,
            session_id,
            exp: now.saturating_add(life),
            iat: Some(now),
            nbf: None,
            jti: Some(self.clock.uuid().to_string()),
            scope: Some(scopes),
            iss: Some(self.issuing.issuer.clone()),
            aud: self.issuing.audience.clone().map(Audience::One),
        };
        let key = self.keys.signing();
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map_err(|error| Error::internal("sign a token").caused_by(error))?;
        Ok((token, claims))
    }

    /// What a token claims, if it was minted with one of the ring's keys and its time is now. Not whether its session is still there.
    pub(crate) fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        if token.len() > limits::BEARER_BYTES {
            return Err(Refusal::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Malformed)?;
        // An extension that must be understood is none that is (RFC 7515, section 4.1.11).
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let key = header.kid.as_deref().and_then(|id| self.keys.find(id)).ok_or(Refusal::Malformed)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = decoded.map_err(|error| refusal(error.kind()))?.claims;
        self.check_times(&claims)?;
        Ok(claims)
    }

    fn check_times(&self, claims: &Claims) -> Result<(), Refusal> {
        let now = self.clock.now();
        let soon = now.saturating_add(SKEW).unwrap_or(Timestamp::MAX).as_second();
        if claims.exp <= now.as_second() {
            return Err(Refusal::Expired);
        }
        let is_early = |begin: Option<i64>| begin.is_some_and(|begin| begin > soon);
        match is_early(claims.nbf) || is_early(claims.iat) {
            true => Err(Refusal::Malformed),
            false => Ok(()),
        }
    }
}

fn refusal(kind: &JwtError) -> Refusal {
    match kind {
        JwtError::ExpiredSignature => Refusal::Expired,
        _ => Refusal::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::scope::Scope;

    /// What other services read. It cannot change.
    const PINNED: &str = "{\"userId\":\"u-1\",\"tenantId\":\"acme\",\"sessionId\":\"s-1\",\"exp\":1772443800,\"iat\":1772357400,\
        \"jti\":\"019ca8bb-b5c0-7000-8000-000000000001\",\"scope\":\"kb:read admin\",\"iss\":\"coditect\"}";

    #[test]
    fn the_claims_are_the_interface_byte_for_byte() {
        let clock = Clock::manual("2026-03-01T09:30:00Z".parse().unwrap());
        let keys = KeyRing::new(&"a secret of the tests, 32 bytes and more".into(), &[]).unwrap();
        let jwt = Jwt::new(keys, Issuing::default(), clock);
        let of = (TenantId::new("acme").unwrap(), UserId::new("u-1").unwrap(), SessionId::new("s-1").unwrap());
        let (token, claims) = jwt.mint(of, Scopes::of(&[Scope::KbRead, Scope::Admin])).unwrap();
        let part = |number| URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap();
        assert_eq!(String::from_utf8(part(1)).unwrap(), PINNED);
        let header: serde_json::Value = serde_json::from_slice(&part(0)).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&"HS256".into(), &"JWT".into()));
        assert_eq!(jwt.verify(&token), Ok(claims));
    }

    #[test]
    fn a_service_that_knows_the_secret_alone_believes_the_token() {
        let secret = "a secret of the tests, 32 bytes and more";
        let jwt = Jwt::new(KeyRing::new(&secret.into(), &[]).unwrap(), Issuing::default(), Clock::system());
        let of = (TenantId::new("acme").unwrap(), UserId::new("u-1").unwrap(), SessionId::new("s-1").unwrap());
        let (token, _) = jwt.mint(of, Scopes::NONE).unwrap();
        // As the other services check tokens: by the library's defaults, knowing three claims and the end.
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        let decoded = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &Validation::default()).unwrap();
        assert_eq!(decoded.claims["sessionId"], "s-1");
    }
}
