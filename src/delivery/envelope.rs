//! An event as it leaves (`events.md` 13): CloudEvents 1.0, JSON structured mode.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::event;
use serde_json::{Value, json};

use super::event::EventType;
use crate::config::Settings;

/// What every event says of where it comes from.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Before every type: `org.relsum`.
    pub prefix: String,
    /// `source`: which Relsum.
    pub source: String,
    /// Where schemas are served, if the service knows its own address.
    pub public_url: Option<String>,
}

/// The media type of a body.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Envelope {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        Self { prefix: settings.event_type_prefix.clone(), source: settings.event_source.clone(), public_url: settings.public_url.clone() }
    }

    /// The type as receivers see it: `org.relsum.action.overdue.v1`.
    pub fn kind(&self, kind: &str) -> String {
        format!("{}.{kind}", self.prefix)
    }

    /// The event. Equal for every receiver, every attempt and every replay.
    pub fn of(&self, event: &event::Model) -> Value {
        let mut out = json!({
            "specversion": "1.0",
            "id": event.id,
            "source": self.source,
            "type": self.kind(&event.kind),
            "subject": event.subject,
            "time": time(event.at),
            "datacontenttype": "application/json",
            "recordedtime": time(event.recorded_at),
            "subjectseq": event.subject_sequence.to_string(),
            "data": event.data,
        });
        // A ping is no event of the log, and has no schema.
        let schema = self.public_url.as_ref().filter(|_| EventType::of(&event.kind).is_some());
        if let (Some(url), Some(out)) = (schema, out.as_object_mut()) {
            out.insert("dataschema".into(), json!(format!("{}/schemas/events/{}.json", url.trim_end_matches('/'), event.kind)));
        }
        out
    }
}
