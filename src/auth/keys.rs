//! Where verification keys come from: a secret (development), a JWKS file, or a JWKS address. An address is cached, and
//! asked again for an unknown `kid`, but never more often than once in ten seconds, whoever sends tokens.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk},
};
use tokio::{sync::RwLock, time::Instant};

/// A key, and the one algorithm that it is for: the token's header does not choose (`stack.md`, trap 13).
#[derive(Clone)]
pub struct Key {
    /// The key's id, if it has one.
    pub kid: Option<String>,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// How often an address is asked at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long fetched keys are good without asking again.
const FRESH: Duration = Duration::from_secs(600);

/// The keys that tokens are verified with.
pub struct Keys {
    known: RwLock<Known>,
    address: Option<(reqwest::Url, reqwest::Client)>,
    allowed: Vec<Algorithm>,
}

struct Known {
    keys: Arc<Vec<Key>>,
    asked: Option<Instant>,
}

impl Keys {
    /// The HS256 key of a development secret.
    pub fn secret(secret: &[u8]) -> Self {
        let key = Key { kid: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) };
        Self::fixed(vec![key])
    }

    fn fixed(keys: Vec<Key>) -> Self {
        let known = RwLock::new(Known { keys: Arc::new(keys), asked: None });
        Self { known, address: None, allowed: Vec::new() }
    }

    /// The keys of a JWKS: a file is read at once, an address when the first token comes.
    ///
    /// # Errors
    /// What is wrong with the address or the file.
    pub fn jwks(place: &str, allowed: &[String]) -> Result<Self, String> {
        let allowed: Vec<Algorithm> = allowed.iter().filter_map(|name| algorithm(name)).collect();
        if !place.starts_with("http://") && !place.starts_with("https://") {
            let text = std::fs::read_to_string(place).map_err(|e| format!("RELSUM_JWT_JWKS: {place}: {e}"))?;
            let keys = read(&text, &allowed).map_err(|e| format!("RELSUM_JWT_JWKS: {place}: {e}"))?;
            if keys.is_empty() {
                return Err(format!("RELSUM_JWT_JWKS: {place}: no key of an allowed algorithm"));
            }
            return Ok(Self::fixed(keys));
        }
        let address: reqwest::Url = place.parse().map_err(|_| "RELSUM_JWT_JWKS: not an address".to_owned())?;
        let loopback =
            address.host_str().is_some_and(|h| h == "localhost" || h.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()));
        if address.scheme() != "https" && !loopback {
            return Err("RELSUM_JWT_JWKS: an address must begin with https://".into());
        }
        // Whoever came first installed the provider of TLS; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|e| format!("RELSUM_JWT_JWKS: {e}"))?;
        let known = RwLock::new(Known { keys: Arc::default(), asked: None });
        Ok(Self { known, address: Some((address, client)), allowed })
    }

    /// The keys for a token with this `kid`; an unknown one may lead to a fetch.
    pub async fn find(&self, kid: Option<&str>) -> Arc<Vec<Key>> {
        let Some((address, client)) = &self.address else { return Arc::clone(&self.known.read().await.keys) };
        {
            let known = self.known.read().await;
            let fits = kid.is_none_or(|kid| known.keys.iter().any(|k| k.kid.as_deref() == Some(kid)));
            let fresh = known.asked.is_some_and(|at| at.elapsed() < FRESH);
            let patient = known.asked.is_some_and(|at| at.elapsed() < PATIENCE);
            if (fits && fresh && !known.keys.is_empty()) || patient {
                return Arc::clone(&known.keys);
            }
        }
        let mut known = self.known.write().await;
        if known.asked.is_some_and(|at| at.elapsed() < PATIENCE) {
            return Arc::clone(&known.keys);
        }
        known.asked = Some(Instant::now());
        match self.fetch(address, client).await {
            Ok(keys) => known.keys = Arc::new(keys),
            // The keys we have stay good: an identity provider that is away must not lock everybody out.
            Err(error) => tracing::warn!(%error, "the JWKS could not be fetched; keeping the keys at hand"),
        }
        Arc::clone(&known.keys)
    }

    async fn fetch(&self, address: &reqwest::Url, client: &reqwest::Client) -> Result<Vec<Key>, String> {
        let answer = client.get(address.clone()).send().await.and_then(reqwest::Response::error_for_status);
        let text = answer.map_err(|e| e.to_string())?.text().await.map_err(|e| e.to_string())?;
        read(&text, &self.allowed)
    }
}

/// The algorithm with this name.
fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

fn read(text: &str, allowed: &[Algorithm]) -> Result<Vec<Key>, String> {
    // Keys of kinds we do not know are passed over, so the set is read one key at a time.
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).map_err(|e| format!("not a JWKS: {e}"))?;
    let keys = set.keys.into_iter().filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok()).filter_map(|jwk| {
        let algorithm = algorithm_of(&jwk).filter(|a| allowed.contains(a))?;
        Some(Key { kid: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(&jwk).ok()? })
    });
    Ok(keys.collect())
}

fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => Some(Algorithm::EdDSA),
        _ => None,
    }
}
