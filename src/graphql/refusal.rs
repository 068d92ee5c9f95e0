//! Why a request is not executed: which status, media type and code (`docs/graphql-http.md` has the table), in both languages.

use async_graphql::{Pos, parser};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::gate::{Refused, TooMuch};
use crate::error::{Error, Said, say};

/// A request error: nothing was executed.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status, where the status tells (`application/graphql-response+json`).
    pub status: StatusCode,
    /// The status for `application/json`, where 200 is the answer to any well-formed request.
    pub status_as_json: StatusCode,
    /// The code of `api.md`.
    pub code: &'static str,
    /// What the client reads.
    pub said: Said,
    /// Where in the document.
    pub locations: Vec<Pos>,
    /// More for `extensions`.
    pub details: Map<String, Value>,
}

impl Refusal {
    fn new(status: StatusCode, status_as_json: StatusCode, code: &'static str, said: Said) -> Self {
        Self { status, status_as_json, code, said, locations: Vec::new(), details: Map::new() }
    }

    /// A failure of the transport: the same status for every media type.
    pub fn transport(status: StatusCode, code: &'static str, en: &str, zh: &str) -> Self {
        Self::new(status, status, code, say(en, zh))
    }

    /// The request is malformed.
    pub fn bad_request(en: &str, zh: &str) -> Self {
        Self::transport(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", en, zh)
    }

    /// A well-formed request whose document or variables cannot be executed.
    fn request(code: &'static str, said: Said) -> Self {
        Self::new(StatusCode::BAD_REQUEST, StatusCode::OK, code, said)
    }

    /// The document does not parse. The parser's own text repeats the whole line, which may be all of the document.
    pub fn syntax(error: &parser::Error) -> Self {
        if matches!(error, parser::Error::RecursionLimitExceeded) {
            return TooMuch { limit: "depth", allowed: 64, found: 65 }.into();
        }
        let text = error.to_string();
        let why = text.lines().next_back().and_then(|line| line.split_once(" = ")).map_or(text.as_str(), |(_, why)| why);
        let why: String = why.chars().take(300).collect();
        let locations: Vec<Pos> = error.positions().collect();
        let (en, zh) = match locations.first() {
            Some(Pos { line, column }) => (format!(" at line {line}, column {column}"), format!("（第 {line} 行第 {column} 列）")),
            None => (String::new(), String::new()),
        };
        let said = say(format!("Syntax error{en}: {why}"), format!("语法错误{zh}：{why}"));
        Self { locations, ..Self::request("GRAPHQL_PARSE_FAILED", said) }
    }

    /// No document is known by that name. 200 in every media type, as Apollo's clients expect.
    pub fn persisted_query_not_found() -> Self {
        let said = say("PersistedQueryNotFound", "PersistedQueryNotFound");
        Self::new(StatusCode::OK, StatusCode::OK, "PERSISTED_QUERY_NOT_FOUND", said)
    }

    /// Registered documents alone may run, and this is none.
    pub fn not_registered() -> Self {
        let said = say("Only registered documents run here, and this is none of them", "此服务只执行已登记的文档，该文档未登记");
        Self::request("PERSISTED_QUERY_NOT_FOUND", said)
    }

    /// An operation that this transport does not take.
    pub fn wrong_transport(en: &str, zh: &str) -> Self {
        Self::request("BAD_USER_INPUT", say(en, zh))
    }

    /// The error object, as it stands in `errors`.
    pub fn told(&self, lang: crate::error::Lang, request_id: &str) -> Value {
        let mut extensions = json!({ "code": self.code, "requestId": request_id });
        if let Some(extensions) = extensions.as_object_mut() {
            extensions.extend(self.details.clone());
        }
        let mut error = json!({ "message": self.said.text(lang), "extensions": extensions });
        if let (false, Some(error)) = (self.locations.is_empty(), error.as_object_mut()) {
            error.insert("locations".into(), json!(self.locations));
        }
        error
    }
}

impl From<TooMuch> for Refusal {
    fn from(TooMuch { limit, allowed, found }: TooMuch) -> Self {
        let said = say(
            format!(
                "The document is too much for one request: {limit} {found}, at most {allowed} are allowed; ask for less, or in several requests"
            ),
            format!("单个请求过大：{limit} 为 {found}，最多允许 {allowed}；请减少内容或分多次请求"),
        );
        let mut refusal = Self::request("QUERY_TOO_COMPLEX", said);
        refusal.details.extend([
            ("limit".to_owned(), json!(limit)),
            ("allowed".to_owned(), json!(allowed)),
            ("found".to_owned(), json!(found)),
        ]);
        refusal
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMuch(too_much) => too_much.into(),
            Refused::Syntax(said) => Self::request("GRAPHQL_PARSE_FAILED", said),
            Refused::Invalid(said) => Self::request("GRAPHQL_VALIDATION_FAILED", said),
            Refused::Input(said) => Self::request("BAD_USER_INPUT", said),
            Refused::Introspection => {
                let said =
                    say("Introspection is off here; the schema is at /schema.graphql", "此服务已关闭内省，可在 /schema.graphql 获取模式");
                Self::request("INTROSPECTION_DISABLED", said)
            }
        }
    }
}

/// Who asks, how often: errors before anything is read.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Unavailable(_) | Error::Raced => StatusCode::SERVICE_UNAVAILABLE,
            Error::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Error::UnderWay => StatusCode::CONFLICT,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Forbidden(_) | Error::NotFound(_) | Error::BadInput(_) | Error::User(_) | Error::PositionExpired => {
                StatusCode::BAD_REQUEST
            }
        };
        let mut refusal = Self::new(status, status, error.code(), error.message());
        if let Error::RateLimited { seconds } = error {
            refusal.details.insert("retryAfterSeconds".into(), json!(seconds));
        }
        refusal
    }
}
