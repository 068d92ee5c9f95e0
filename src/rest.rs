//! What the REST routes share: bodies as they may come, and errors as RFC 9457 problems (`api.md`, Surface).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{Error, Lang, UserErrorCode},
    graphql::{
        http::{REQUEST_ID, drain, read},
        negotiate::{is_json, is_plain, language},
    },
};

/// When to try again after 503, in seconds.
const RETRY_SECONDS: u64 = 2;

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong and what to do, in the language of the request.
    detail: String,
    /// The code that clients decide by, as in GraphQL.
    #[schema(example = "BAD_USER_INPUT")]
    code: &'static str,
    /// `x-request-id` of the request: quote it when you report the problem.
    request_id: String,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

/// A field of the body that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldProblem {
    /// Its path: `finishedAt`, or `deployments.3.finishedAt` of a batch.
    field: String,
    /// What kind of failure.
    #[schema(example = "INVALID")]
    code: String,
    /// What is wrong and what to do.
    message: String,
}

fn code_name(code: UserErrorCode) -> String {
    <UserErrorCode as async_graphql::resolver_utils::EnumType>::items()
        .iter()
        .find(|item| item.value == code)
        .map_or_else(String::new, |item| item.name.to_owned())
}

/// The status of an error over REST.
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::User(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::BadInput(_) | Error::PositionExpired => StatusCode::BAD_REQUEST,
        Error::UnderWay => StatusCode::CONFLICT,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        // A statement that waited too long did nothing: to try again is right.
        Error::Unavailable(_) | Error::Raced | Error::Timeout(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to what went wrong.
pub fn refuse(error: &Error, headers: &HeaderMap) -> Response {
    let status = status_of(error);
    if let Some(cause) = error.cause() {
        tracing::error!(request_id = request_id(headers), code = error.code(), cause, "a call over REST failed");
    }
    let lang = language(headers);
    let mut answer = problem(status, error.code(), error.message().text(lang), headers, fields(error, lang));
    let seconds = match error {
        Error::RateLimited { seconds } => Some(*seconds),
        Error::UnderWay => Some(1),
        _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_SECONDS),
        _ => None,
    };
    if let Some(seconds) = seconds {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

fn fields(error: &Error, lang: Lang) -> Vec<FieldProblem> {
    let Error::User(errors) = error else { return Vec::new() };
    let field = |e: &crate::error::UserError| match e.code {
        UserErrorCode::IdempotencyMismatch => "Idempotency-Key".to_owned(),
        _ if e.field == ["idempotencyKey"] => "Idempotency-Key".to_owned(),
        _ => e.field.join("."),
    };
    errors.iter().map(|e| FieldProblem { field: field(e), code: code_name(e.code), message: e.message.text(lang).to_owned() }).collect()
}

/// A problem of the transport.
pub fn problem(status: StatusCode, code: &'static str, detail: &str, headers: &HeaderMap, errors: Vec<FieldProblem>) -> Response {
    crate::observe::erred(code);
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        code,
        request_id: request_id(headers),
        errors,
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json"), (header::VARY, "Accept-Language, Authorization")], body).into_response()
}

/// `x-request-id`, which every request has by then.
pub fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// JSON as it is answered.
pub fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A body that is not encoded and not too large; of JSON alone, if so.
///
/// # Errors
/// The answer that refuses it, the body read to its end.
pub async fn take(headers: &HeaderMap, body: Body, most: usize, json_only: bool) -> Result<Vec<u8>, Box<Response>> {
    let unsupported = |detail: &str| problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT", detail, headers, Vec::new());
    if headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity") {
        drain(body).await;
        let mut answer = unsupported("The body must not be encoded");
        answer.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        return Err(Box::new(answer));
    }
    if json_only && !(is_json(headers) && is_plain(headers)) {
        drain(body).await;
        return Err(Box::new(unsupported("The body must be application/json in UTF-8")));
    }
    read(body, most).await.map_err(|refusal| {
        let said = refusal.said.text(language(headers));
        Box::new(problem(refusal.status, "BAD_USER_INPUT", said, headers, Vec::new()))
    })
}

/// What every call over REST may be refused with.
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The request is broken: its body ends too early.
    #[response(status = 400, content_type = "application/problem+json")]
    Broken(#[to_schema] Problem),
    /// No token, or one that does not hold.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
    /// The token lacks the permission; the answer says which.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The same call, by its key, is still running.
    #[response(status = 409, content_type = "application/problem+json")]
    UnderWay(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body is not JSON in UTF-8, or encoded.
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(#[to_schema] Problem),
    /// Fields are wrong, each named in `errors`; or the idempotency key was used with another body.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// Too many calls; `Retry-After` says when to try again.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
    /// A fault of the service; nothing was done.
    #[response(status = 500, content_type = "application/problem+json")]
    Fault(#[to_schema] Problem),
    /// The database is away or busy; nothing was done, try again after `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(#[to_schema] Problem),
    /// It took too long, and was given up: perhaps it was done. Try again, with the same key.
    #[response(status = 504, content_type = "application/problem+json")]
    TookTooLong(#[to_schema] Problem),
}
