//! Who sent it: signatures over the bytes as they came (`events.md` 21, 22), and tokens.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// How far a signature's time may lie from now, in seconds (Standard Webhooks).
const TOLERANCE: i64 = 300;

fn mac(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok()
}

/// GitHub: `sha256=` and the HMAC in hex; the secret's text is the key.
pub fn hub_holds(secret: &str, body: &[u8], header: &str) -> bool {
    let Some(given) = header.strip_prefix("sha256=").and_then(unhex) else { return false };
    mac(secret.as_bytes()).is_some_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|i| u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()).collect()
}

/// Standard Webhooks: one of the signatures `v1,` and base64 over `id.timestamp.body`, made not long ago.
pub fn standard_holds(secret: &str, id: &str, timestamp: &str, body: &[u8], header: &str, now: DateTime<Utc>) -> bool {
    let recent = timestamp.parse::<i64>().is_ok_and(|at| (now.timestamp() - at).abs() <= TOLERANCE);
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_else(|_| secret.as_bytes().to_vec());
    let holds = |signature: &str| {
        let Some(given) = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok()) else { return false };
        let Some(mac) = mac(&key) else { return false };
        mac.chain_update(id).chain_update(".").chain_update(timestamp).chain_update(".").chain_update(body).verify_slice(&given).is_ok()
    };
    recent && header.split(' ').any(holds)
}

/// A token that is sent as it is. Digests are compared, so that time tells nothing of the secret.
pub fn token_holds(secret: &str, given: &str) -> bool {
    Sha256::digest(secret) == Sha256::digest(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_own_example_holds() {
        // From GitHub's documentation, "Validating webhook deliveries".
        let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(hub_holds("It's a Secret to Everybody", b"Hello, World!", header));
        assert!(!hub_holds("It's a Secret to Everybody", b"Hello, World?", header));
        for wrong in ["", "sha256=", "sha1=757107", "sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"] {
            assert!(!hub_holds("It's a Secret to Everybody", b"Hello, World!", wrong), "{wrong}");
        }
    }

    #[test]
    fn the_example_of_standard_webhooks_holds_while_it_is_recent() {
        // The test vector of the official libraries.
        let (secret, id, at) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let (body, header) = (br#"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let now = DateTime::from_timestamp(1_614_265_400, 0).unwrap();
        assert!(standard_holds(secret, id, at, body, header, now));
        assert!(standard_holds(secret, id, at, body, &format!("v1,AAAA v2,x {header}"), now));
        assert!(!standard_holds(secret, id, at, body, header, now + chrono::TimeDelta::minutes(6)), "too old");
        assert!(!standard_holds(secret, id, at, br#"{"test":2432232314}"#, header, now), "re-serialised");
        assert!(!standard_holds(secret, "msg_other", at, body, header, now));
    }

    #[test]
    fn a_token_is_the_whole_token() {
        assert!(token_holds("abc", "abc"));
        assert!(!token_holds("abc", "ab"));
    }
}
