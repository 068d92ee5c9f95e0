//! `POST /api/v1/hooks/{source}`: webhooks. Authenticated on the bytes as they came, stored, answered; worked afterwards (`events.md`
//! 22). Statuses are such that senders neither lose an event nor switch their hook off.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, Utc};
use entity::{
    inbound_delivery,
    pipeline::{DeliveryFate, SourceKind},
};
use sea_orm::prelude::Uuid;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    cdevents, github, gitlab,
    signature::{hub_holds, standard_holds, token_holds},
    sources::Source,
    working::{json_in, way_of},
};
use crate::{
    app::App,
    error::{Error, Result, Said, say},
    graphql::http::drain,
    rest::{json, refuse, take},
    store::inbox::Receipt,
};

/// Headers that are kept with a delivery: those that say what it is, never those that prove who sent it.
const KEPT: [&str; 18] = [
    "content-type",
    "user-agent",
    "x-github-event",
    "x-github-delivery",
    "x-github-hook-id",
    "x-gitlab-event",
    "x-gitlab-instance",
    "x-gitlab-webhook-uuid",
    "x-gitlab-event-uuid",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "ce-id",
    "ce-source",
    "ce-type",
    "ce-serviceenvid",
    "ce-servicename",
    "ce-serviceversion",
];

/// Receives a webhook.
///
/// For GitHub (`deployment_status`), GitLab (deployment hooks) and CDEvents, under the name of an ingestion source. Authenticated by
/// the source's secret. 202 with a receipt the first time, 200 with the same receipt for a repeat, 200 for what is of no interest.
#[utoipa::path(
    post,
    path = "/api/v1/hooks/{source}",
    operation_id = "receiveWebhook",
    tag = "hooks",
    params(("source" = String, Path, description = "Name of the ingestion source")),
    request_body(content = Object, description = "As the sender sends it", content_type = "application/json"),
    responses(
        (status = 200, description = "Received before, or of no interest", body = HookAnswer),
        (status = 202, description = "Stored; it is worked now", body = HookAnswer),
        (status = 404, description = "There is no such source", body = crate::rest::Problem, content_type = "application/problem+json"),
        crate::rest::Refusals,
    ),
)]
pub async fn hook(State(app): State<Arc<App>>, name: std::result::Result<Path<String>, PathRejection>, request: Request) -> Response {
    // What is no text names no source.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    if let Err(error) = app.rates.address(&headers, &parts.extensions) {
        drain(body).await;
        return refuse(&error, &headers);
    }
    let body = match take(&headers, body, app.settings.hook_body_limit_bytes, false).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    // What is here whole is stored, whether or not the sender is still there when its turn has come.
    let stored = tokio::spawn({
        let headers = headers.clone();
        async move { receive(&app, &name, &headers, body).await }
    });
    match stored.await.unwrap_or_else(|dead| Err(Error::internal(dead))) {
        Ok(received) => received,
        Err(error) => refuse(&error, &headers),
    }
}

/// What a webhook is answered.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct HookAnswer {
    /// Under this id the delivery is kept (`inboundDeliveries`).
    receipt: Uuid,
    /// Whether it is of no interest here.
    ignored: bool,
}

async fn receive(app: &App, name: &str, headers: &HeaderMap, body: Vec<u8>) -> Result<Response> {
    let (store, now) = (&app.store, app.store.now());
    let none = || Error::NotFound(say("There is no ingestion source of this name", "不存在该名称的接入来源"));
    if name.len() > 100 || name.contains('\0') {
        return Err(none());
    }
    let mut source = app.sources.named(store, name).await?.ok_or_else(none)?;
    // What is kept may be old: who is refused by it is looked at with what is true now.
    if !source.row.active || !authentic(&source, headers, &body, now) {
        source = app.sources.fresh(store, name).await?.filter(|s| s.row.active).ok_or_else(none)?;
        if !authentic(&source, headers, &body, now) {
            return Err(forged(source.row.kind));
        }
    }
    let turn = app.ingest.turn().await?;
    for _ in 0..3 {
        let row = delivery(&source, headers, &body, now);
        let (id, ignored) = (row.id, row.fate == DeliveryFate::Ignored);
        match store.receive(row, (source.row.id, source.row.version)).await? {
            Receipt::Stored if ignored => return Ok(answer(StatusCode::OK, id, true)),
            Receipt::Stored => return Ok(answer(StatusCode::ACCEPTED, id, false)),
            Receipt::Repeated(before) => return Ok(answer(StatusCode::OK, before, ignored)),
            Receipt::SourceMoved => {
                source = app.sources.fresh(store, name).await?.filter(|s| s.row.active).ok_or_else(none)?;
                if !authentic(&source, headers, &body, now) {
                    return Err(forged(source.row.kind));
                }
            }
        }
    }
    drop(turn);
    Err(Error::Raced)
}

fn answer(status: StatusCode, receipt: Uuid, ignored: bool) -> Response {
    json(status, json!(HookAnswer { receipt, ignored }).to_string())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty())
}

/// Whether the sender proves to know a secret of the source. Where a signature is sent, it decides.
fn authentic(source: &Source, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> bool {
    let signed = || {
        let (id, at, signature) = (text(headers, "webhook-id")?, text(headers, "webhook-timestamp")?, text(headers, "webhook-signature")?);
        Some(source.secrets(now).any(|secret| standard_holds(secret, id, at, body, signature, now)))
    };
    let token = |given: Option<&str>| given.is_some_and(|given| source.secrets(now).any(|secret| token_holds(secret, given)));
    match source.row.kind {
        SourceKind::GitHub => {
            text(headers, "x-hub-signature-256").is_some_and(|given| source.secrets(now).any(|secret| hub_holds(secret, body, given)))
        }
        SourceKind::GitLab => signed().unwrap_or_else(|| token(text(headers, "x-gitlab-token"))),
        SourceKind::CdEvents => {
            let bearer = text(headers, "authorization").and_then(|v| v.strip_prefix("Bearer ").or_else(|| v.strip_prefix("bearer ")));
            signed().unwrap_or_else(|| token(bearer))
        }
    }
}

fn forged(kind: SourceKind) -> Error {
    let (en, zh) = match kind {
        SourceKind::GitHub => {
            ("X-Hub-Signature-256 does not hold for this body and the source's secret", "X-Hub-Signature-256 与请求体及来源密钥不符")
        }
        SourceKind::GitLab => (
            "Neither X-Gitlab-Token nor a recent webhook-signature proves the source's secret",
            "X-Gitlab-Token 或（近期的）webhook-signature 与来源密钥不符",
        ),
        SourceKind::CdEvents => (
            "Neither Authorization: Bearer nor a recent webhook-signature proves the source's secret",
            "Authorization: Bearer 或（近期的）webhook-signature 与来源密钥不符",
        ),
    };
    Error::Unauthenticated(say(en, zh))
}

/// The delivery as it is stored. What its headers alone show to be of no interest is not worked.
fn delivery(source: &Source, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> inbound_delivery::Model {
    let kept: BTreeMap<String, String> =
        KEPT.iter().filter_map(|name| Some(((*name).to_owned(), text(headers, name)?.chars().take(500).collect()))).collect();
    let header = |name: &str| kept.get(name).cloned();
    let content_type = header("content-type").map(|t| t.to_ascii_lowercase());
    let (event, key) = match source.row.kind {
        SourceKind::GitHub => (header("x-github-event"), header("x-github-delivery")),
        SourceKind::GitLab => (header("x-gitlab-event"), header("webhook-id").or_else(|| header("idempotency-key"))),
        SourceKind::CdEvents => {
            let event = json_in(content_type.as_deref(), body).ok();
            let kind = event.as_ref().and_then(|e| cdevents::type_of(e, &kept));
            (kind, event.as_ref().and_then(|e| cdevents::key_of(e, &kept)))
        }
    };
    let digest = format!("{:x}", Sha256::digest(body));
    let why = boring(source.row.kind, event.as_deref());
    inbound_delivery::Model {
        id: Uuid::now_v7(),
        source_id: Some(source.row.id),
        way: way_of(source.row.kind),
        reported_by: format!("source:{}", source.row.name),
        // A sender that names no delivery is told apart by what it says.
        dedupe_key: Some(key.unwrap_or_else(|| format!("sha256 {digest}"))),
        event_type: event,
        content_type,
        headers: json!(kept),
        body: Some(body.to_vec()),
        body_bytes: i32::try_from(body.len()).unwrap_or(i32::MAX),
        body_sha256: digest,
        fate: if why.is_some() { DeliveryFate::Ignored } else { DeliveryFate::Received },
        reason: why.as_ref().map(|said| said.en.clone()),
        reason_zh: why.map(|said| said.zh),
        deployment_id: None,
        attempts: 0,
        next_attempt_at: None,
        received_at: now,
        worked_at: None,
    }
}

/// Why an event of this type tells nothing of deployments, if it does not.
fn boring(kind: SourceKind, event: Option<&str>) -> Option<Said> {
    let interesting = match (kind, event) {
        (SourceKind::GitHub, Some(event)) => event == github::EVENT,
        (SourceKind::GitLab, Some(event)) => event == gitlab::EVENT || event == "System Hook",
        (SourceKind::CdEvents, Some(event)) => event.starts_with("dev.cdevents.service.") || event.starts_with("cd.service."),
        (_, None) => true,
    };
    let named: String = event.unwrap_or_default().chars().take(100).collect();
    (!interesting).then(|| say(format!("{named} tells of no deployment"), format!("{named} 与部署无关")))
}
