//! Every setting, from `RELSUM_*` variables and an optional TOML file (`RELSUM_CONFIG`, or `relsum.toml` where it exists).
//! The variable wins over the file. Everything is checked at start, with the name of what is wrong; secrets are never printed.

mod check;
mod read;

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use chrono_tz::Tz;
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use read::{Rate, RateLimit};
use read::{list_or_text, map_or_text, optional_switch, switch};

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
    /// Connections in the pool. Default: two, and two for each processor, up to 10.
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
    /// Keys that encrypt webhook secrets: 32 bytes in base64, the newest first, separated by commas; or `file:` and the path of a file that holds them. Needed in production; made up and kept beside the database in development.
    pub encryption_key: Option<Secret>,
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
    /// The page of figures at `/dashboard`, which asks for a token. Default on.
    #[serde(deserialize_with = "switch")]
    pub dashboard: bool,
    /// `/metrics` on the service's own address, without a token. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub metrics: Option<bool>,
    /// Another address that serves `/metrics` and nothing else, such as `127.0.0.1:9464`; `relsum work` has it too. Default none.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces go by OTLP over HTTP, such as `http://127.0.0.1:4318`. Default none: there are no traces.
    pub otlp_endpoint: Option<String>,
    /// Share of requests that are traced, 0 to 1, unless the caller's trace says otherwise. Default 1.
    pub otlp_sample: f64,
    /// Introspection. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub introspection: Option<bool>,
    /// "Did you mean" in validation errors. Default: on in development.
    #[serde(deserialize_with = "optional_switch")]
    pub suggestions: Option<bool>,
    /// Largest body of a GraphQL request, in bytes. Default 2 MiB.
    pub body_limit_bytes: usize,
    /// Largest body of a webhook, or of a call that reports one deployment or build, in bytes. Default 1 MiB.
    pub hook_body_limit_bytes: usize,
    /// Deliveries of pipelines that may be at the database at once; the others wait their turn, so that reading stays quick. Default 4.
    pub ingest_at_once: usize,
    /// How long a delivery waits for its turn before 503, in milliseconds. Default 20000.
    pub ingest_patience_ms: u64,
    /// How often the inbox is looked at when nothing rings, in milliseconds. Default 1000.
    pub inbox_poll_ms: u64,
    /// Days that the raw bodies of deliveries are kept. Default 90.
    pub inbox_body_days: u32,
    /// Days that idempotency keys are kept. Default 30.
    pub idempotency_key_days: u32,
    /// Days before a due date on which it is announced as due soon; each once, `0` is the day itself. Default `[3, 1]`; as a variable `3,1`.
    #[serde(deserialize_with = "list_or_text")]
    pub due_soon_days: Vec<u32>,
    /// Days between reminders of what is overdue; 0 for none. Default 0.
    pub reminder_days: u32,
    /// How often due dates are looked for, in milliseconds. Default 10000.
    pub due_poll_ms: u64,
    /// What stands before the type of every event. Default `org.relsum`.
    pub event_type_prefix: String,
    /// `source` of every event: which Relsum. Default `/relsum`.
    pub event_source: String,
    /// This service's own address, as receivers of events reach it; then events say where their schema is.
    pub public_url: Option<String>,
    /// When a webhook is tried: seconds after the attempt before, the first after the event. Default `0,5,300,1800,7200,18000,36000,50400,72000,86400`.
    #[serde(deserialize_with = "list_or_text")]
    pub webhook_schedule_seconds: Vec<u64>,
    /// How long a webhook may take to connect, in milliseconds. Default 5000.
    pub webhook_connect_timeout_ms: u64,
    /// How long a webhook may take in all, in milliseconds. Default 15000.
    pub webhook_timeout_ms: u64,
    /// Networks that are no public ones, to which webhooks may go nevertheless: `10.0.0.0/8`. Default none.
    #[serde(deserialize_with = "list_or_text")]
    pub sink_allow: Vec<IpNet>,
    /// Days of nothing but failures after which a sink is disabled. Default 5.
    pub sink_disable_days: u32,
    /// How often queues of deliveries are looked at when nothing rings, in milliseconds. Default 1000.
    pub delivery_poll_ms: u64,
    /// Days that deliveries and their attempts are kept once they are delivered. Default 90.
    pub delivery_days: u32,
    /// The NATS broker, `nats://…`, for sinks of the kind NATS.
    pub nats_url: Option<Secret>,
    /// How many tokens a GraphQL document may have. Default 10000.
    pub query_tokens: u64,
    /// How deep a GraphQL query may nest; introspection by the usual tools needs 16. Default 20.
    pub query_depth: u64,
    /// How many aliases a GraphQL document may have, after its fragments are spread. Default 200.
    pub query_aliases: u64,
    /// How many directives a GraphQL document may have, after its fragments are spread. Default 200.
    pub query_directives: u64,
    /// How many fields a GraphQL document may have, after its fragments are spread. Default 10000.
    pub query_fields: u64,
    /// What a GraphQL operation may cost: the values that its answer may have, lists taken at the size asked for. Default 500000.
    pub query_cost: u64,
    /// What one event of a subscription may cost: each is resolved for each subscriber. Default 10000.
    pub subscription_cost: u64,
    /// How many pages and totals a GraphQL operation may ask for, each a statement to the database. Default 1000.
    pub query_lookups: u64,
    /// Statements to the database that one request may have under way at once. Default 4.
    pub query_statements_at_once: usize,
    /// How many root fields a mutation may have. Default 20.
    pub mutation_fields: u64,
    /// Memory for parsed documents that are kept ready, in bytes, about; and as much for texts of automatic persisted queries. 0 keeps none. Default 8 MiB.
    pub document_cache_bytes: usize,
    /// Apollo's automatic persisted queries. Default on.
    #[serde(deserialize_with = "switch")]
    pub persisted_queries: bool,
    /// Registered documents: a manifest of graphql-codegen, Relay or Apollo.
    pub persisted_documents: Option<PathBuf>,
    /// Whether registered documents alone may run. Default off.
    #[serde(deserialize_with = "switch")]
    pub persisted_only: bool,
    /// Requests of one subject, per replica: `off`, `50/s`, `600/m`, or with a burst `50/s:500`. Default: `off` in development, else `50/s:500`.
    pub rate_limit: Option<RateLimit>,
    /// Requests of one address, before anybody knows who asks. Default: `off` in development, else `500/s:5000`.
    pub rate_limit_address: Option<RateLimit>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: networks such as `10.0.0.0/8`. Default none.
    #[serde(deserialize_with = "list_or_text")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of other sites whose pages may call the API, such as `https://portal.example.com`. Default none.
    #[serde(deserialize_with = "list_or_text")]
    pub cors_origins: Vec<String>,
    /// How long a socket may take to send `connection_init`, in milliseconds. Default 10000.
    pub socket_init_timeout_ms: u64,
    /// How often a quiet socket or stream is pinged, in milliseconds; one that has not answered by the next ping is closed. Default 15000.
    pub socket_ping_ms: u64,
    /// How long a client may take to read one message, in milliseconds, before it is dropped as too slow. Default 10000.
    pub socket_send_timeout_ms: u64,
    /// Largest frame of a client, in bytes. Default 256 KiB.
    pub socket_frame_bytes: usize,
    /// Subscriptions on one socket. Default 100.
    pub subscriptions_per_socket: usize,
    /// Sockets and streams of one subject, per replica. Default 50.
    pub sockets_per_subject: usize,
    /// Sockets and streams of one replica. Default 5000.
    pub sockets: usize,
    /// How often the event log is read when nothing rings, in milliseconds. Default 1000.
    pub feed_poll_ms: u64,
    /// Longest time for one request, in milliseconds. Default 30000.
    pub request_timeout_ms: u64,
    /// How long SIGTERM waits for requests under way, in milliseconds. Default 10000.
    pub drain_timeout_ms: u64,
    /// `text` or `json` log lines. Default: `text` in development, `json` in production.
    pub log_format: Option<String>,
    /// Log filter, such as `info,relsum=debug`. Default `info`.
    pub log: String,
}

/// Connections that a machine of this size makes use of. The driver takes them in turn, each with statements, plans and caches of its
/// own: more of them than can work at once only cost.
fn connections() -> u32 {
    let processors = std::thread::available_parallelism().map_or(4, std::num::NonZero::get);
    u32::try_from(2 + 2 * processors).unwrap_or(10).min(10)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Development,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: Secret("sqlite://data/relsum.db".into()),
            database_connections: connections(),
            database_acquire_timeout_ms: 3_000,
            statement_timeout_ms: 15_000,
            lock_timeout_ms: 10_000,
            jwt_issuer: "relsum".into(),
            jwt_audience: "relsum".into(),
            jwt_secret: None,
            jwt_jwks: None,
            encryption_key: None,
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
            dashboard: true,
            metrics: None,
            metrics_listen: None,
            otlp_endpoint: None,
            otlp_sample: 1.0,
            introspection: None,
            suggestions: None,
            body_limit_bytes: 2 * 1024 * 1024,
            hook_body_limit_bytes: 1024 * 1024,
            ingest_at_once: 4,
            ingest_patience_ms: 20_000,
            inbox_poll_ms: 1_000,
            inbox_body_days: 90,
            idempotency_key_days: 30,
            due_soon_days: vec![3, 1],
            reminder_days: 0,
            due_poll_ms: 10_000,
            event_type_prefix: "org.relsum".into(),
            event_source: "/relsum".into(),
            public_url: None,
            webhook_schedule_seconds: vec![0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            webhook_connect_timeout_ms: 5_000,
            webhook_timeout_ms: 15_000,
            sink_allow: Vec::new(),
            sink_disable_days: 5,
            delivery_poll_ms: 1_000,
            delivery_days: 90,
            nats_url: None,
            query_tokens: 10_000,
            query_depth: 20,
            query_aliases: 200,
            query_directives: 200,
            query_fields: 10_000,
            query_cost: 500_000,
            subscription_cost: 10_000,
            query_lookups: 1_000,
            query_statements_at_once: 4,
            mutation_fields: 20,
            document_cache_bytes: 8 * 1024 * 1024,
            persisted_queries: true,
            persisted_documents: None,
            persisted_only: false,
            rate_limit: None,
            rate_limit_address: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            socket_init_timeout_ms: 10_000,
            socket_ping_ms: 15_000,
            socket_send_timeout_ms: 10_000,
            socket_frame_bytes: 256 * 1024,
            subscriptions_per_socket: 100,
            sockets_per_subject: 50,
            sockets: 5_000,
            feed_poll_ms: 1_000,
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
            .merge(Env::prefixed("RELSUM_").ignore(&["config", "url", "token"]))
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

    /// Whether this is development mode.
    pub fn development(&self) -> bool {
        self.mode == Mode::Development
    }

    /// The limit on requests of one subject.
    pub fn subject_rate(&self) -> RateLimit {
        self.rate_limit.unwrap_or_else(|| self.rate_unless_development(50))
    }

    /// The limit on requests of one address.
    pub fn address_rate(&self) -> RateLimit {
        self.rate_limit_address.unwrap_or_else(|| self.rate_unless_development(500))
    }

    fn rate_unless_development(&self, times: u32) -> RateLimit {
        let (Some(times), Some(burst)) = (NonZeroU32::new(times), NonZeroU32::new(times * 10)) else { return RateLimit::Off };
        let rate = Rate { times, period: Duration::from_secs(1), burst };
        if self.development() { RateLimit::Off } else { RateLimit::Of(rate) }
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
