//! Every setting, from `RELSUM_*` variables and an optional TOML file (`RELSUM_CONFIG`, or `relsum.toml` where it exists).
//! The variable wins over the file. Everything is checked at start, with the name of what is wrong; secrets are never printed.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use chrono_tz::Tz;
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

/// Development is for one developer on a laptop, production for everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Loopback only, a made-up secret, demo content, GraphiQL.
    Development,
    /// Asymmetric keys from a JWKS, no demo content, no GraphiQL.
    Production,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// The settings. The variable of a field is `RELSUM_` and its name in capitals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `development` (default) or `production`.
    pub mode: Mode,
    /// Where to listen; development takes loopback addresses only. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `sqlite://path`, `sqlite::memory:` or `postgres://…`. Default `sqlite://data/relsum.db`.
    pub database_url: Secret,
    /// Connections in the pool. Default 10.
    pub database_connections: u32,
    /// How long a request waits for a connection before 503, in milliseconds. Default 3000.
    pub database_acquire_timeout_ms: u64,
    /// How long one statement may take (PostgreSQL), in milliseconds. Default 15000.
    pub statement_timeout_ms: u64,
    /// How long a statement may wait for a lock, in milliseconds. Default 10000.
    pub lock_timeout_ms: u64,
    /// `iss` that tokens must carry. Default `relsum`.
    pub jwt_issuer: String,
    /// `aud` that tokens must carry. Default `relsum`.
    pub jwt_audience: String,
    /// HS256 secret, development only; made up and kept beside the database when not set.
    pub jwt_secret: Option<Secret>,
    /// JWKS: an `https://` (or loopback `http://`) address, or a file. Needed in production.
    pub jwt_jwks: Option<String>,
    /// Algorithms that tokens may use. Default `["RS256", "ES256", "EdDSA"]`; HS256 goes with `jwt_secret`.
    pub jwt_algorithms: Vec<String>,
    /// JSON pointer to the subject. Default `/sub`.
    pub jwt_subject: String,
    /// JSON pointer to the display name. Default `/name`.
    pub jwt_name: String,
    /// JSON pointer to the memberships: objects of `department` and `role`, or texts. Default `/memberships`.
    pub jwt_memberships: String,
    /// JSON pointer to the service-wide roles. Default `/roles`.
    pub jwt_roles: String,
    /// JSON pointer to the products that a PIPELINE is bound to. Default `/products`.
    pub jwt_products: String,
    /// What a text under `jwt_memberships` means, such as `{ "ops-leads" = "OPS:HEAD" }`. As a variable: `ops-leads=OPS:HEAD,ops=OPS:MEMBER`.
    #[serde(deserialize_with = "map_or_text")]
    pub jwt_membership_map: BTreeMap<String, String>,
    /// What a text under `jwt_roles` means, such as `{ "relsum-admin" = "ADMIN" }`.
    #[serde(deserialize_with = "map_or_text")]
    pub jwt_role_map: BTreeMap<String, String>,
    /// The business time zone, which answers every calendar question. Default `Asia/Shanghai`.
    pub time_zone: Tz,
    /// The company's name, printed before the department.
    pub organization_name: String,
    /// Currency of new reports. Default `CNY`.
    pub currency: String,
    /// Days that 立即执行 leaves after the first submission. Default 1.
    pub immediate_grace_days: u32,
    /// Demo content in an empty embedded database in development. Default on.
    #[serde(deserialize_with = "switch")]
    pub demo: bool,
    /// GraphiQL at `/`. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub graphiql: Option<bool>,
    /// Introspection. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub introspection: Option<bool>,
    /// "Did you mean" in validation errors. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub suggestions: Option<bool>,
    /// Largest body of a GraphQL request, in bytes. Default 2 MiB.
    pub body_limit_bytes: usize,
    /// How deep a GraphQL query may nest. Default 20.
    pub query_depth: usize,
    /// How many fields a GraphQL query may select after its fragments are spread. Default 2000.
    pub query_complexity: usize,
    /// Longest time for one request, in milliseconds. Default 30000.
    pub request_timeout_ms: u64,
    /// How long SIGTERM waits for requests under way, in milliseconds. Default 10000.
    pub drain_timeout_ms: u64,
    /// `text` or `json` log lines. Default: `text` in development, `json` in production.
    pub log_format: Option<String>,
    /// Log filter, such as `info,relsum=debug`. Default `info`.
    pub log: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Development,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: Secret("sqlite://data/relsum.db".into()),
            database_connections: 10,
            database_acquire_timeout_ms: 3_000,
            statement_timeout_ms: 15_000,
            lock_timeout_ms: 10_000,
            jwt_issuer: "relsum".into(),
            jwt_audience: "relsum".into(),
            jwt_secret: None,
            jwt_jwks: None,
            jwt_algorithms: ["RS256", "ES256", "EdDSA"].map(String::from).to_vec(),
            jwt_subject: "/sub".into(),
            jwt_name: "/name".into(),
            jwt_memberships: "/memberships".into(),
            jwt_roles: "/roles".into(),
            jwt_products: "/products".into(),
            jwt_membership_map: BTreeMap::new(),
            jwt_role_map: BTreeMap::new(),
            time_zone: chrono_tz::Asia::Shanghai,
            organization_name: "XX 公司".into(),
            currency: "CNY".into(),
            immediate_grace_days: 1,
            demo: true,
            graphiql: None,
            introspection: None,
            suggestions: None,
            body_limit_bytes: 2 * 1024 * 1024,
            query_depth: 20,
            query_complexity: 2_000,
            request_timeout_ms: 30_000,
            drain_timeout_ms: 10_000,
            log_format: None,
            log: "info".into(),
        }
    }
}

impl Settings {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// One line for each thing that is wrong, with its name.
    pub fn load() -> Result<Self, String> {
        let file = std::env::var("RELSUM_CONFIG").map_or_else(|_| PathBuf::from("relsum.toml"), PathBuf::from);
        let settings: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::file(file))
            .merge(Env::prefixed("RELSUM_").ignore(&["config"]))
            .extract()
            .map_err(|errors| {
                let lines = errors.into_iter().map(|e| {
                    let name = e.path.join(".").to_uppercase();
                    // The value may be a secret: say what was expected, not what was found.
                    match e.kind {
                        figment::error::Kind::UnknownField(field, _) => format!("RELSUM_{}: unknown setting", field.to_uppercase()),
                        kind => format!("RELSUM_{name}: {}", without_value(&kind)),
                    }
                });
                lines.collect::<Vec<_>>().join("\n")
            })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
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
        if self.log_format.as_deref().is_some_and(|f| f != "text" && f != "json") {
            wrong.push("RELSUM_LOG_FORMAT: text or json".into());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }

    /// Whether this is development mode.
    pub fn development(&self) -> bool {
        self.mode == Mode::Development
    }

    /// The file of an embedded database of our own, if it is one.
    pub fn database_file(&self) -> Option<PathBuf> {
        let rest = self.database_url.0.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

fn without_value(kind: &figment::error::Kind) -> String {
    use figment::error::Kind;
    match kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("expected {expected}"),
        Kind::Message(text) => text.clone(),
        other => other.to_string(),
    }
}

fn switch<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    optional_switch(from)?.ok_or_else(|| serde::de::Error::custom("expected on or off"))
}

/// `on`, `off`, `true`, `false`, or nothing.
fn optional_switch<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Bool(bool),
        Text(String),
    }
    match Option::<Switch>::deserialize(from)? {
        None => Ok(None),
        Some(Switch::Bool(on)) => Ok(Some(on)),
        Some(Switch::Text(text)) => match text.as_str() {
            "on" | "true" => Ok(Some(true)),
            "off" | "false" => Ok(Some(false)),
            _ => Err(serde::de::Error::custom("expected on or off")),
        },
    }
}

/// A table, or the text `a=b,c=d`.
fn map_or_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Map {
        Table(BTreeMap<String, String>),
        Text(String),
    }
    match Map::deserialize(from)? {
        Map::Table(map) => Ok(map),
        Map::Text(text) => text
            .split(',')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| pair.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(|| serde::de::Error::custom("expected pairs such as ops-leads=OPS:HEAD, separated by commas")),
    }
}
