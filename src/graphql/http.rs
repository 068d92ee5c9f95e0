//! GraphQL over HTTP: `POST /graphql`, and `GET` for queries; by `Upgrade` a socket, by `Accept: text/event-stream` a stream. A
//! token before anything else, JSON bodies only, no batches; every error carries a code and the request id.

use std::{sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::{Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

use super::{
    answer::{Manner, refused},
    asked::Asked,
    context::Caller,
    front::execute,
    negotiate::{Media, accepted, is_json, is_plain, language},
    refusal::Refusal,
    socket, sse,
};
use crate::{app::App, error::Error, store::Origin};

/// The request id that the client sent, or that we made.
pub const REQUEST_ID: &str = "x-request-id";

/// `POST` and `GET /graphql`.
pub async fn graphql(
    State(app): State<Arc<App>>,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let media = accepted(&parts.headers);
    let manner = manner_of(&parts.headers, media.unwrap_or(Media::Json));
    if let Ok(upgrade) = upgrade {
        return socket::accept(app, upgrade, &parts, manner.clone()).unwrap_or_else(|error| refuse(&manner, &error.into()));
    }
    let patience = Duration::from_millis(app.settings.request_timeout_ms);
    match tokio::time::timeout(patience, answer(&app, &parts, body, media, &manner)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(refusal)) => refuse(&manner, &refusal),
        Err(_) => refuse(&manner, &Error::Timeout("the request took too long".into()).into()),
    }
}

fn manner_of(headers: &HeaderMap, media: Media) -> Manner {
    let request_id = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    Manner { media, lang: language(headers), request_id }
}

async fn answer(
    app: &Arc<App>,
    parts: &Parts,
    body: Body,
    media: Option<Media>,
    manner: &Manner,
) -> std::result::Result<Response, Refusal> {
    let identity = match app.admit(&parts.headers, &parts.extensions).await {
        Ok(identity) => identity,
        Err(error) => {
            drain(body).await;
            return Err(error.into());
        }
    };
    let body = read(body, app.settings.body_limit_bytes).await;
    let (ends_at, actor) = (identity.ends_at(app.store.now()), identity.actor);
    if media.is_none() {
        return Err(Refusal::transport(
            StatusCode::NOT_ACCEPTABLE,
            "BAD_USER_INPUT",
            "Accept application/graphql-response+json, application/json or text/event-stream",
            "请接受 application/graphql-response+json、application/json 或 text/event-stream",
        ));
    }
    let get = parts.method == Method::GET;
    let asked = if get {
        Asked::from_url(parts.uri.query().unwrap_or_default())?
    } else {
        if !is_json(&parts.headers) || !is_plain(&parts.headers) {
            let (en, zh) = ("The body must be application/json in UTF-8, not encoded", "请求体必须是未压缩的 UTF-8 编码 application/json");
            return Err(Refusal::transport(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT", en, zh));
        }
        Asked::from_json(&body?)?
    };
    let caller = Caller { origin: Origin { actor, request_id: manner.request_id.clone() }, lang: manner.lang };
    let ready = match app.front.prepare(asked) {
        Ok(ready) => ready,
        // A stream tells its request errors in its one event, as the protocol's clients expect.
        Err(refusal) if manner.media == Media::EventStream => return Ok(sse::once(&refused(manner, &refusal))),
        Err(refusal) => return Err(refusal),
    };
    if get && ready.kind == OperationType::Mutation {
        let (en, zh) = ("Mutations do not go over GET", "GET 不支持变更操作");
        return Err(Refusal::transport(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", en, zh));
    }
    if ready.kind == OperationType::Subscription {
        if manner.media == Media::EventStream {
            return sse::stream(app, ready, caller, ends_at, manner).await;
        }
        let en = "Subscriptions go over WebSocket (graphql-transport-ws), or with Accept: text/event-stream";
        return Err(Refusal::wrong_transport(en, "订阅请使用 WebSocket（graphql-transport-ws），或 Accept: text/event-stream"));
    }
    let answer = execute(app, ready, caller, manner).await;
    if manner.media == Media::EventStream {
        return Ok(sse::once(&answer.text()));
    }
    let status = match manner.media {
        _ if answer.busy => StatusCode::SERVICE_UNAVAILABLE,
        Media::GraphQl if answer.request_error => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    Ok(respond(manner.media, status, answer.body))
}

/// Bytes and time that are spent on a body that is not wanted: unread, it would break the client's next request on this connection,
/// or the answer to this one.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Reads what is not wanted, and forgets it.
pub async fn drain(body: Body) {
    let mut frames = body.into_data_stream();
    let unwanted = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = frames.next().await {
            left = left.saturating_sub(frame.len());
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, unwanted).await;
}

/// The body, as far as it may go.
///
/// # Errors
/// That it is too large, or ends too early.
pub async fn read(body: Body, most: usize) -> std::result::Result<Vec<u8>, Refusal> {
    let mut frames = body.into_data_stream();
    let mut all = Vec::new();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|_| Refusal::bad_request("The body ends too early", "请求体不完整"))?;
        if all.len() + frame.len() > most {
            drain(Body::from_stream(frames)).await;
            return Err(Refusal::transport(StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT", "The body is too large", "请求体过大"));
        }
        all.extend_from_slice(&frame);
    }
    Ok(all)
}

fn refuse(manner: &Manner, refusal: &Refusal) -> Response {
    let status = if manner.media == Media::GraphQl { refusal.status } else { refusal.status_as_json };
    // A stream that never began is an ordinary answer.
    let media = if manner.media == Media::EventStream { Media::Json } else { manner.media };
    let mut answer = respond(media, status, refused(manner, refusal).into());
    let headers = answer.headers_mut();
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = refusal.details.get("retryAfterSeconds").and_then(serde_json::Value::as_u64).unwrap_or(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        _ => {}
    }
    answer
}

fn respond(media: Media, status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, media.content_type()), (header::VARY, "Accept, Accept-Language, Authorization")];
    let mut answer = (status, headers, body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
}
