//! Answers as clients read them: errors with code and request id, in their language, in the order of the document; faults keep
//! their text to the log.

use std::borrow::Cow;

use async_graphql::{Response as Executed, ServerError, Value};
use serde_json::json;

use super::{gate::Cost, negotiate::Media, refusal::Refusal, text, translate::translate};
use crate::{
    error::{Error, Lang},
    observe,
};

/// Errors of one answer that are told: a document can have thousands.
const TOLD: usize = 50;
/// Longest message, in characters: some echo what the client sent.
const MESSAGE: usize = 500;

/// How the answer is written.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Media type.
    pub media: Media,
    /// Language.
    pub lang: Lang,
    /// `x-request-id`.
    pub request_id: String,
}

/// An answer in JSON, and what became of the request.
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// Nothing was executed: there is no `data`.
    pub request_error: bool,
    /// The database is away: `data` is null, and a client may try again.
    pub busy: bool,
}

/// What was executed, as an answer; with `cost` told in `extensions` beside what is allowed. `opening`: a subscription's first,
/// where a root field that fails means that there is no stream.
pub fn executed(manner: &Manner, answer: Executed, cost: Option<(Cost, Cost)>, opening: bool) -> Answer {
    let Executed { data, mut errors, .. } = answer;
    errors.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.message.cmp(&b.message)));
    errors.dedup_by(|a, b| a.message == b.message && a.path == b.path && place(a) == place(b));
    let request_error = data == Value::Null && !errors.is_empty() && errors.iter().all(|e| e.path.len() <= usize::from(opening));
    let busy = data == Value::Null && errors.iter().any(|e| matches!(fault(e), Some(Error::Unavailable(_))));
    let errors: Vec<_> = errors.iter().take(TOLD).map(|error| told(manner, error)).collect();
    let cost = cost.map(|(cost, allowed)| {
        json!({ "cost": { "cost": cost.cost, "costLimit": allowed.cost, "depth": cost.depth, "depthLimit": allowed.depth } })
    });
    let errors = (!errors.is_empty()).then(|| Value::from_json(errors.into()).unwrap_or_default());
    let extensions = cost.map(|cost| Value::from_json(cost).unwrap_or_default());
    let parts = [("errors", errors.as_ref()), ("data", (!request_error).then_some(&data)), ("extensions", extensions.as_ref())];
    Answer { body: text::whole(parts.into_iter().filter_map(|(name, part)| Some((name, part?)))), request_error, busy }
}

/// A refusal as an answer.
pub fn refused(manner: &Manner, refusal: &Refusal) -> String {
    json!({ "errors": [refusal.told(manner.lang, &manner.request_id)] }).to_string()
}

impl Answer {
    /// The body as text, for what carries texts.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Its errors alone, as a frame `error` carries them.
    pub fn errors(&self) -> serde_json::Value {
        let parsed: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        parsed.get("errors").cloned().unwrap_or_else(|| json!([]))
    }
}

fn place(error: &ServerError) -> (Option<(usize, usize)>, String) {
    let path: Vec<String> = error.path.iter().map(|part| format!("{part:?}")).collect();
    (error.locations.first().map(|pos| (pos.line, pos.column)), path.join("."))
}

fn fault(error: &ServerError) -> Option<&Error> {
    error.source.as_deref().and_then(|source| source.downcast_ref::<Error>())
}

/// An error as the client reads it. Faults are logged here, once.
fn told(manner: &Manner, error: &ServerError) -> serde_json::Value {
    let ours = fault(error);
    if let Some(cause) = ours.and_then(Error::cause) {
        tracing::error!(request_id = manner.request_id, path = ?error.path, cause, "a request met a fault");
    }
    let code = match ours {
        Some(ours) => ours.code(),
        None if error.path.is_empty() => "GRAPHQL_VALIDATION_FAILED",
        None => "BAD_USER_INPUT",
    };
    observe::erred(code);
    let said = ours.map_or_else(|| translate(&error.message), Error::message);
    let message: String = said.text(manner.lang).chars().take(MESSAGE).collect();
    let mut out = json!({ "message": message, "extensions": { "code": code, "requestId": manner.request_id } });
    if let Some(out) = out.as_object_mut() {
        // An argument that is not there has no place.
        let locations: Vec<_> = error.locations.iter().filter(|pos| pos.line > 0).collect();
        if !locations.is_empty() {
            out.insert("locations".into(), json!(locations));
        }
        if !error.path.is_empty() {
            out.insert("path".into(), json!(error.path));
        }
    }
    out
}
