//! Everything that can be wrong with the settings, told at start, each with its name.

use super::{Mode, Settings};

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// One line for each thing that is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let url = &self.database_url.0;
        if !(url.starts_with("sqlite:") || url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            wrong.push("RELSUM_DATABASE_URL: must begin with sqlite: or postgres://".to_owned());
        }
        match self.mode {
            Mode::Development => {
                if !self.listen.ip().is_loopback() {
                    wrong.push(
                        "RELSUM_LISTEN: development mode listens on loopback only; set RELSUM_MODE=production to listen elsewhere".into(),
                    );
                }
            }
            Mode::Production => {
                if self.jwt_jwks.is_none() {
                    wrong.push("RELSUM_JWT_JWKS: production mode needs a JWKS address or file (`relsum keys` makes one)".into());
                }
                if self.encryption_key.is_none() {
                    wrong.push("RELSUM_ENCRYPTION_KEY: production mode needs it (`relsum keys` makes one)".into());
                }
                if self.jwt_secret.is_some() {
                    wrong.push("RELSUM_JWT_SECRET: production mode takes asymmetric keys only; use RELSUM_JWT_JWKS".into());
                }
            }
        }
        for name in &self.jwt_algorithms {
            if !["RS256", "ES256", "EdDSA"].contains(&name.as_str()) {
                wrong.push(format!("RELSUM_JWT_ALGORITHMS: {name} is not one of RS256, ES256, EdDSA"));
            }
        }
        for (name, pointer) in [
            ("SUBJECT", &self.jwt_subject),
            ("NAME", &self.jwt_name),
            ("MEMBERSHIPS", &self.jwt_memberships),
            ("ROLES", &self.jwt_roles),
            ("PRODUCTS", &self.jwt_products),
        ] {
            if !pointer.starts_with('/') {
                wrong.push(format!("RELSUM_JWT_{name}: a JSON pointer begins with /"));
            }
        }
        if self.jwt_secret.as_ref().is_some_and(|s| s.0.len() < 32) {
            wrong.push("RELSUM_JWT_SECRET: must have at least 32 bytes".into());
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            wrong.push("RELSUM_CURRENCY: three capital letters, as in CNY".into());
        }
        if self.database_connections == 0 {
            wrong.push("RELSUM_DATABASE_CONNECTIONS: at least 1".into());
        }
        for (name, number) in [
            ("FEED_POLL_MS", self.feed_poll_ms),
            ("INBOX_POLL_MS", self.inbox_poll_ms),
            ("DUE_POLL_MS", self.due_poll_ms),
            ("DELIVERY_POLL_MS", self.delivery_poll_ms),
            ("INGEST_AT_ONCE", u64::try_from(self.ingest_at_once).unwrap_or(u64::MAX)),
            ("QUERY_STATEMENTS_AT_ONCE", u64::try_from(self.query_statements_at_once).unwrap_or(u64::MAX)),
            ("SOCKET_PING_MS", self.socket_ping_ms),
            ("SOCKET_INIT_TIMEOUT_MS", self.socket_init_timeout_ms),
            ("SOCKET_SEND_TIMEOUT_MS", self.socket_send_timeout_ms),
        ] {
            if number == 0 {
                wrong.push(format!("RELSUM_{name}: at least 1"));
            }
        }
        if self.webhook_schedule_seconds.is_empty() || self.webhook_schedule_seconds.len() > 30 {
            wrong.push("RELSUM_WEBHOOK_SCHEDULE_SECONDS: 1 to 30 attempts".into());
        }
        if self.due_soon_days.len() > 10 || self.due_soon_days.iter().any(|days| *days > 366) {
            wrong.push("RELSUM_DUE_SOON_DAYS: at most 10 numbers of days, each at most 366".into());
        }
        if self.due_poll_ms > 60_000 {
            wrong.push("RELSUM_DUE_POLL_MS: at most 60000, so that what is overdue is told within a minute".into());
        }
        let typed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if self.event_type_prefix.is_empty() || !self.event_type_prefix.chars().all(typed) {
            wrong.push("RELSUM_EVENT_TYPE_PREFIX: letters, digits, . and - only".into());
        }
        if self.event_source.is_empty() || self.event_source.chars().any(|c| c.is_whitespace() || c.is_control()) {
            wrong.push("RELSUM_EVENT_SOURCE: a URI or a path, such as /relsum".into());
        }
        if self.public_url.as_ref().is_some_and(|url| !reqwest::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))) {
            wrong.push("RELSUM_PUBLIC_URL: an address that begins with http:// or https://".into());
        }
        if self.nats_url.as_ref().is_some_and(|url| !(url.0.starts_with("nats://") || url.0.starts_with("tls://"))) {
            wrong.push("RELSUM_NATS_URL: must begin with nats:// or tls://".into());
        }
        if self.query_depth > 60 {
            wrong.push("RELSUM_QUERY_DEPTH: at most 60, the parser's own limit".into());
        }
        for origin in &self.cors_origins {
            let whole = reqwest::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !whole {
                wrong.push(format!("RELSUM_CORS_ORIGINS: {origin} is not an origin such as https://portal.example.com"));
            }
        }
        if self.persisted_only && self.persisted_documents.is_none() {
            wrong.push("RELSUM_PERSISTED_ONLY: needs RELSUM_PERSISTED_DOCUMENTS, the manifest of what may run".into());
        }
        if self.log_format.as_deref().is_some_and(|f| f != "text" && f != "json") {
            wrong.push("RELSUM_LOG_FORMAT: text or json".into());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}
