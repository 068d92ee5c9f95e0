//! From a bearer token to an [`Actor`]: signature by the key's own algorithm, `iss`, `aud` and `exp` required, a minute of leeway.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::{MemberRole, ServiceRole};
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use serde_json::Value;

use super::{
    Actor, Membership,
    accepted::Accepted,
    actor::{membership_from, role_from},
    keys::{Key, Keys},
};
use crate::{
    config::Settings,
    error::{Error, Result, say},
};

/// Who a token says the caller is, and for how long.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller.
    pub actor: Actor,
    /// When the token expires: sockets and streams end then.
    pub expires_at: DateTime<Utc>,
}

impl Identity {
    /// When a socket or stream of this identity ends. A token that was accepted within the leeway lasts for all of it.
    pub fn ends_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if self.expires_at > now { self.expires_at } else { self.expires_at + TimeDelta::seconds(LEEWAY_SECONDS) }
    }
}

/// How far clocks may differ.
pub(super) const LEEWAY_SECONDS: i64 = 60;

/// Verifies tokens.
pub struct Verifier {
    keys: Keys,
    accepted: Accepted,
    settings: Settings,
}

fn refused(why: &str) -> Error {
    Error::Unauthenticated(say(format!("The token is not accepted: {why}"), format!("令牌无效：{why}")))
}

impl Verifier {
    /// A verifier with these keys.
    pub fn new(keys: Keys, settings: &Settings) -> Self {
        Self { keys, accepted: Accepted::default(), settings: settings.clone() }
    }

    /// The caller of a request, from its `Authorization` header.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn identity_of(&self, authorization: Option<&str>) -> Result<Identity> {
        let missing = || {
            Error::Unauthenticated(say(
                "A bearer token is needed: Authorization: Bearer <token>; in development `relsum token` mints one",
                "需要访问令牌：Authorization: Bearer <token>；开发模式下可用 relsum token 生成",
            ))
        };
        let (scheme, token) = authorization.and_then(|a| a.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        self.identity(token.trim()).await
    }

    /// The caller that a token names.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn identity(&self, token: &str) -> Result<Identity> {
        if token.len() > 16_384 {
            return Err(refused("it is too long"));
        }
        if let Some(known) = self.accepted.find(token, &self.keys, get_current_timestamp()).await {
            return Ok(known);
        }
        let header = decode_header(token).map_err(|_| refused("it is not a JWT"))?;
        let keys = self.keys.find(header.kid.as_deref()).await;
        let fits = |key: &&Key| header.kid.is_none() || key.kid.is_none() || key.kid == header.kid;
        let mut last = refused("no key fits it");
        for key in keys.iter().filter(fits) {
            let mut rules = Validation::new(key.algorithm);
            rules.set_required_spec_claims(&["exp", "iss", "aud"]);
            rules.set_issuer(&[&self.settings.jwt_issuer]);
            rules.set_audience(&[&self.settings.jwt_audience]);
            rules.leeway = LEEWAY_SECONDS.unsigned_abs();
            match decode::<Value>(token, &key.key, &rules) {
                Ok(data) => {
                    let identity = Identity { actor: self.read(&data.claims)?, expires_at: expiry(&data.claims) };
                    self.accepted.keep(token, header.kid, Arc::clone(&keys), identity.clone());
                    return Ok(identity);
                }
                Err(error) => last = refused(reason(error.kind())),
            }
        }
        Err(last)
    }

    fn read(&self, claims: &Value) -> Result<Actor> {
        let settings = &self.settings;
        // A list of issuers is accepted by the library; a token has one.
        if !claims.get("iss").is_some_and(Value::is_string) {
            return Err(refused("iss is not a text"));
        }
        let text = |pointer: &str| claims.pointer(pointer).and_then(Value::as_str);
        let subject = text(&settings.jwt_subject).filter(|s| !s.trim().is_empty() && !s.contains('\0') && s.len() <= 200);
        let subject = subject.ok_or_else(|| refused("it names no subject"))?;
        if subject.starts_with("relsum:") || subject.starts_with("source:") {
            return Err(refused("the subject belongs to the service itself"));
        }
        let name = text(&settings.jwt_name).unwrap_or(subject);
        let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
        let list = |pointer: &str| claims.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut memberships: Vec<Membership> = Vec::new();
        for membership in list(&settings.jwt_memberships).iter().filter_map(|v| self.membership(v)) {
            match memberships.iter_mut().find(|m| m.department == membership.department) {
                Some(known) if membership.role == MemberRole::Head => known.role = MemberRole::Head,
                Some(_) => {}
                None => memberships.push(membership),
            }
        }
        let mut roles: Vec<ServiceRole> = Vec::new();
        for role in list(&settings.jwt_roles).iter().filter_map(Value::as_str) {
            let role = settings.jwt_role_map.get(role).map_or(role, String::as_str);
            if let Some(role) = role_from(role).filter(|r| !roles.contains(r)) {
                roles.push(role);
            }
        }
        let products = list(&settings.jwt_products).iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Actor { subject: subject.to_owned(), name, memberships, roles, products })
    }

    /// `{ "department": "OPS", "role": "HEAD" }`, or a text: by the map, else `OPS:HEAD`.
    fn membership(&self, value: &Value) -> Option<Membership> {
        match value {
            Value::String(text) => membership_from(self.settings.jwt_membership_map.get(text).map_or(text.as_str(), String::as_str)),
            Value::Object(object) => {
                let department = object.get("department")?.as_str()?;
                let role = object.get("role").and_then(Value::as_str).unwrap_or("MEMBER");
                membership_from(&format!("{department}:{role}"))
            }
            _ => None,
        }
    }
}

/// `exp`, which was checked: seconds since 1970, perhaps with a fraction.
fn expiry(claims: &Value) -> DateTime<Utc> {
    let exp = claims.get("exp").and_then(|exp| exp.as_i64().or_else(|| exp.to_string().split('.').next()?.parse().ok()));
    exp.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Why, without repeating anything of the token.
fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidIssuer => "iss is another",
        ErrorKind::InvalidAudience => "aud is another",
        ErrorKind::MissingRequiredClaim(_) => "exp, iss and aud are required",
        ErrorKind::InvalidAlgorithm => "its algorithm is not that of the key",
        _ => "it is malformed",
    }
}
