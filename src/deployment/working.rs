//! Works the inbox: reads what was received and records it, each delivery once, whatever crashes (`events.md` 22). The delivery is
//! locked and settled in the transaction of what it does.

use std::{collections::BTreeMap, sync::Arc};

use entity::{
    inbound_delivery,
    pipeline::{DeliveryFate, DeliveryWay, SourceKind},
};
use futures_util::StreamExt;
use sea_orm::{EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    attach::look_again,
    cdevents, github, gitlab, native,
    payload::{Heard, unreadable},
    record::{Delivery, Reporter, Saying, record},
    sources::{Source, Sources},
};
use crate::{
    app::App,
    auth::{
        Act,
        actor::{service_pipeline, source_actor},
    },
    error::{Error, Result, Said, say},
    store::{Change, Origin, Store, inbox, retrying},
};

/// Works what waits, until nothing does or it is told to stop; gives how much was done.
///
/// # Errors
/// A fault of the database that is no matter of one delivery.
pub async fn work(app: &App, stop: &CancellationToken) -> Result<usize> {
    let (store, sources) = (&app.store, &app.sources);
    let at_once = app.settings.ingest_at_once.max(1);
    let mut done = 0;
    loop {
        let waiting = store.waiting(store.now()).await?;
        let rechecks = store.to_recheck().await?;
        if stop.is_cancelled() || (waiting.is_empty() && rechecks.is_empty()) {
            return Ok(done);
        }
        done += waiting.len() + rechecks.len();
        let worked = futures_util::stream::iter(waiting).map(|(id, source)| async move {
            if stop.is_cancelled() {
                return Ok(());
            }
            match retrying(|| one(store, sources, id, source)).await {
                Err(error @ (Error::Unavailable(_) | Error::Timeout(_))) => Err(error),
                Err(error) => {
                    tracing::error!(delivery = %id, cause = error.cause().unwrap_or(error.code()), "a delivery could not be worked");
                    store.put_off(id, store.now()).await
                }
                Ok(()) => Ok(()),
            }
        });
        let mut worked = worked.buffer_unordered(at_once);
        while let Some(result) = worked.next().await {
            result?;
        }
        for id in rechecks {
            retrying(|| look_again(store, id)).await?;
        }
    }
}

/// Works one delivery, unless another worker has it.
async fn one(store: &Store, sources: &Arc<Sources>, id: Uuid, source: Option<Uuid>) -> Result<()> {
    let source = match source {
        Some(source) => Some(sources.by_id(store, source).await?),
        None => None,
    };
    let actor = source.as_ref().map_or_else(|| service_pipeline("replay"), |s| source_actor(&s.row.name));
    let origin = Origin { actor, request_id: format!("delivery-{id}") };
    let mut permitted = store.create(&origin, Act::DeploymentRecord).await?;
    let Some(delivery) = inbox::take(&permitted, id).await? else { return Ok(()) };
    let change = Change::of(super::record::ACT);
    match heard(source.as_deref(), &delivery) {
        Err(why) => inbox::settle(&permitted, id, DeliveryFate::Failed, Some(&why), None).await?,
        Ok(Heard::Nothing(why)) => inbox::settle(&permitted, id, DeliveryFate::Ignored, Some(&why), None).await?,
        Ok(Heard::Deployment { id: external, told, withdraws }) => {
            let reporter = match &source {
                Some(source) => Reporter {
                    key: format!("source:{}", source.row.id),
                    name: source.row.name.clone(),
                    source_id: Some(source.row.id),
                    bound_to: Vec::new(),
                    strict: false,
                },
                None => Reporter::native(&delivery.reported_by, Vec::new(), false),
            };
            let rules = source.as_ref().map(|s| s.rules.as_slice()).unwrap_or_default();
            // Replayed: what this delivery said before is taken back, as another rule may read it otherwise now.
            entity::observation::Entity::delete_many()
                .filter(sea_orm::ColumnTrait::eq(&entity::observation::Column::DeliveryId, id))
                .exec(permitted.conn())
                .await?;
            let again = delivery.worked_at.is_some();
            let (kept, received_at) = (Delivery::Stored(id), delivery.received_at);
            let saying = Saying { id: external, told: *told, withdraws, delivery: kept, received_at, again };
            let recorded = Box::pin(record(&mut permitted, &reporter, rules, saying, None)).await?;
            let why = recorded.repeated.then(|| say("Said before by another delivery", "其他推送已报告过相同内容"));
            recorded.untold.note(&mut permitted).await?;
            inbox::settle(&permitted, id, DeliveryFate::Worked, why.as_ref(), Some(recorded.deployment.id)).await?;
        }
    }
    permitted.commit(change).await
}

/// The headers that were kept with a delivery.
pub fn headers_of(delivery: &inbound_delivery::Model) -> BTreeMap<String, String> {
    serde_json::from_value(delivery.headers.clone()).unwrap_or_default()
}

/// The JSON in a body: as it is, or in the form field `payload`, as GitHub sends it unless told otherwise.
///
/// # Errors
/// That it is none.
pub fn json_in(content_type: Option<&str>, body: &[u8]) -> Result<Value, Said> {
    let form = content_type.is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    let text = if form {
        let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        field.map(|(_, value)| value.into_owned().into_bytes()).ok_or_else(|| unreadable("payload", "is missing", "缺失"))?
    } else {
        body.to_vec()
    };
    let value: Value = serde_json::from_slice(&text).map_err(|e| unreadable("body", &format!("is no JSON ({e})"), "不是有效的 JSON"))?;
    if value.is_object() { Ok(value) } else { Err(unreadable("body", "is no JSON object", "不是 JSON 对象")) }
}

fn heard(source: Option<&Source>, delivery: &inbound_delivery::Model) -> Result<Heard, Said> {
    let body = delivery.body.as_deref().ok_or_else(|| say("Its body is no longer kept", "原始内容已超过保留期"))?;
    let body = json_in(delivery.content_type.as_deref(), body)?;
    let heard = match source {
        Some(source) => match source.row.kind {
            SourceKind::GitHub => github::read(&body, &source.version_rule)?,
            SourceKind::GitLab => gitlab::read(&body, &source.version_rule)?,
            SourceKind::CdEvents => cdevents::read(&body, &headers_of(delivery), &source.version_rule)?,
        },
        None => native::again(&body, delivery.received_at)?,
    };
    if let Heard::Deployment { told, .. } = &heard
        && let Some((field, said)) = told.implausible(delivery.received_at)
    {
        return Err(say(format!("{field}: {}", said.en), format!("{field}：{}", said.zh)));
    }
    Ok(heard)
}

/// The way in of a source.
pub fn way_of(kind: SourceKind) -> DeliveryWay {
    match kind {
        SourceKind::GitHub => DeliveryWay::GitHub,
        SourceKind::GitLab => DeliveryWay::GitLab,
        SourceKind::CdEvents => DeliveryWay::CdEvents,
    }
}
