//! One attempt at a webhook (`events.md` 16): Standard Webhooks, signed anew each time; 2xx is success, redirects are not followed.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use reqwest::{StatusCode, Url, header::RETRY_AFTER};
use sha2::Sha256;

use super::{envelope::MEDIA_TYPE, guard::Guard};

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Taken(StatusCode),
    /// It did not; perhaps it says when to try again.
    Refused {
        /// Its status, if it answered.
        status: Option<StatusCode>,
        /// What went wrong, for the log of deliveries.
        why: String,
        /// When to try again, as it asks.
        after: Option<TimeDelta>,
    },
    /// It wants no more.
    Gone,
}

/// Sends webhooks.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    guard: Guard,
}

/// The longest pause that a receiver may ask for.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// How much of an answer is read: enough to keep the connection, no more.
const ANSWER: usize = 16 * 1024;

impl Sender {
    /// A sender with its timeouts.
    ///
    /// # Errors
    /// What is wrong with TLS.
    pub fn new(guard: Guard, connect: Duration, all: Duration) -> Result<Self, String> {
        // One provider of TLS for everything that goes out; who comes first installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(guard.clone())
            .no_proxy()
            .connect_timeout(connect)
            .timeout(all)
            .pool_idle_timeout(Duration::from_secs(60))
            .user_agent(concat!("relsum/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { client, guard })
    }

    /// Where it may send to.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends a body once.
    pub async fn send(&self, url: &Url, id: &str, body: String, secrets: &[String], now: DateTime<Utc>) -> Outcome {
        if let Some(forbidden) = self.guard.refuses_literally(url) {
            return Outcome::Refused { status: None, why: forbidden.to_string(), after: None };
        }
        let timestamp = now.timestamp().to_string();
        let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret, id, &timestamp, body.as_bytes())).collect();
        let request = self
            .client
            .post(url.clone())
            .header("content-type", MEDIA_TYPE)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        match request.send().await {
            Ok(answer) => judge(answer, now).await,
            Err(error) => Outcome::Refused { status: None, why: reason(&error), after: None },
        }
    }
}

async fn judge(mut answer: reqwest::Response, now: DateTime<Utc>) -> Outcome {
    let status = answer.status();
    let after = answer.headers().get(RETRY_AFTER).and_then(|v| retry_after(v.to_str().ok()?, now));
    // The answer itself says nothing; one that drips is not waited for.
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read > ANSWER {
            break;
        }
    }
    match status {
        _ if status.is_success() => Outcome::Taken(status),
        StatusCode::GONE => Outcome::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Outcome::Refused { status: Some(status), why: status.to_string(), after }
        }
        _ if status.is_redirection() => {
            Outcome::Refused { status: Some(status), why: format!("{status}: redirects are not followed"), after: None }
        }
        _ => Outcome::Refused { status: Some(status), why: status.to_string(), after: None },
    }
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let pause = match text.trim().parse::<i64>() {
        Ok(seconds) => TimeDelta::try_seconds(seconds)?,
        Err(_) => DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now,
    };
    (pause > TimeDelta::zero()).then_some(pause.min(LONGEST))
}

/// Every cause of an error, the innermost last: the first says only that sending failed.
fn reason(error: &reqwest::Error) -> String {
    let mut all = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if all.last() != Some(&text) {
            all.push(text);
        }
        next = error.source();
    }
    // The address may hold a secret of its own.
    let text = all.into_iter().filter(|text| !text.contains("for url")).collect::<Vec<_>>().join(": ");
    let text = if text.is_empty() { "it could not be sent".to_owned() } else { text };
    text.chars().take(500).collect()
}

/// `v1,` and HMAC-SHA256 over `id.timestamp.body`, with the bytes that follow `whsec_`.
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_default();
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    let mac = mac.chain_update(id).chain_update(".").chain_update(timestamp).chain_update(".").chain_update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_official_libraries() {
        let body = br#"{"test": 2432232314}"#;
        let signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_pause_is_seconds_or_a_date_and_never_longer_than_a_day() {
        let now: DateTime<Utc> = "2026-03-31T16:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(TimeDelta::seconds(120)));
        assert_eq!(retry_after("Tue, 31 Mar 2026 16:02:00 GMT", now), Some(TimeDelta::seconds(120)));
        assert_eq!(retry_after("999999999", now), Some(LONGEST));
        for wrong in ["-1", "0", "soon", "", "Tue, 31 Mar 2026 15:00:00 GMT"] {
            assert_eq!(retry_after(wrong, now), None, "{wrong}");
        }
    }
}
