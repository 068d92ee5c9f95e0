//! JSON Schemas of every type of event: `docs/events/`, and served at `/schemas/events/{type}.json`. Tests hold what is really sent
//! against them.

use serde_json::{Map, Value, json};

use super::{envelope::Envelope, event::EventType};

/// An object with these fields and no others, all of them always there.
fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = fields.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
}

fn or_null(of: Value) -> Value {
    json!({ "anyOf": [of, { "type": "null" }] })
}

fn one_of(values: &[&str]) -> Value {
    json!({ "enum": values })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn integer() -> Value {
    json!({ "type": "integer" })
}

fn truth() -> Value {
    json!({ "type": "boolean" })
}

fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn digest() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

const STATES: [&str; 6] = ["DRAFT", "RETURNED", "SUBMITTED", "SIGNED", "FILED", "DISCARDED"];

fn report() -> Value {
    object(&[
        ("number", json!({ "type": "string", "pattern": "^REL-SUM-[0-9]{4}-[0-9]{3,}$" })),
        ("applicationNumber", json!({ "type": "string", "pattern": "^REL-APP-[0-9]{4}-[0-9]{3,}$" })),
        ("product", or_null(object(&[("key", text()), ("name", text())]))),
        ("version", or_null(text())),
        ("state", one_of(&STATES)),
    ])
}

fn action() -> Value {
    let schedule = object(&[
        ("kind", or_null(one_of(&["DATE", "IMMEDIATE", "RECURRING"]))),
        ("on", or_null(date())),
        ("rule", or_null(text())),
        ("text", or_null(text())),
    ]);
    object(&[
        ("id", uuid()),
        ("measure", text()),
        ("area", one_of(&["TESTING", "COLLABORATION", "CAPABILITY", "PROCESS", "OTHER"])),
        ("departments", texts()),
        ("lead", or_null(text())),
        ("schedule", schedule),
        ("verification", or_null(text())),
    ])
}

fn occurrence() -> Value {
    object(&[
        ("id", uuid()),
        ("number", integer()),
        ("dueOn", date()),
        ("originalDueOn", date()),
        ("status", one_of(&["OPEN", "COMPLETED", "VERIFIED", "CANCELLED"])),
        ("overdueSince", or_null(time())),
    ])
}

fn deployment() -> Value {
    let standing = one_of(&["ATTACHED", "HELD", "PARKED", "DISMISSED"]);
    let reason = one_of(&["NO_REPORT", "UNKNOWN_PRODUCT", "NO_PRODUCT", "NO_VERSION", "AMBIGUOUS", "NOT_ALLOWED"]);
    object(&[
        ("id", uuid()),
        ("sourceKey", text()),
        ("deploymentId", text()),
        ("source", text()),
        ("environment", text()),
        ("environmentClass", one_of(&["PRODUCTION", "STAGING", "OTHER"])),
        ("status", one_of(&["QUEUED", "RUNNING", "CANCELED", "FAILED", "SUCCEEDED", "ROLLED_BACK"])),
        ("attempt", integer()),
        ("startedAt", or_null(time())),
        ("finishedAt", or_null(time())),
        ("rolledBackAt", or_null(time())),
        ("inconsistent", truth()),
        ("applicationNumber", or_null(text())),
        ("version", or_null(text())),
        ("commit", or_null(text())),
        ("url", or_null(text())),
        ("standing", standing),
        ("parkedReason", or_null(reason)),
    ])
}

fn sink(more: &[(&str, Value)]) -> Value {
    let fields = [("id", uuid()), ("name", text()), ("kind", one_of(&["WEBHOOK", "NATS"]))];
    object(&[&fields, more].concat())
}

/// Fields with their schemas.
type Fields = Vec<(&'static str, Value)>;

/// The fields of `data`, and those that need not be there.
fn data(kind: EventType) -> (Fields, Fields) {
    use EventType::*;
    let of_report = |field: &'static str, of: Value| (vec![("report", report()), (field, of)], vec![]);
    let of_action = |more: Fields| ([vec![("report", report()), ("action", action())], more].concat(), vec![]);
    let announcement = object(&[("kind", one_of(&["DUE_SOON", "OVERDUE", "REMINDER"])), ("step", integer()), ("attempt", integer())]);
    match kind {
        ReportCreated | ReportWithdrawn => (vec![("report", report())], vec![]),
        ReportChanged => of_report("change", object(&[("section", text()), ("row", text()), ("version", integer())])),
        ReportSubmitted => of_report("submission", object(&[("round", integer()), ("digest", digest())])),
        ReportSigned => of_report("signature", object(&[("round", integer()), ("digest", digest())])),
        ReportFiled => {
            let filing = object(&[("round", integer()), ("digest", digest()), ("department", text()), ("date", date())]);
            of_report("filing", filing)
        }
        ReportReturned => {
            of_report("return", object(&[("round", integer()), ("from", one_of(&["SUBMITTED", "SIGNED"])), ("reason", text())]))
        }
        ReportDiscarded => of_report("discard", object(&[("reason", text())])),
        ReportSuperseded => of_report("successor", object(&[("number", text())])),
        ProblemRecorded => {
            let problem = object(&[
                ("code", text()),
                ("description", text()),
                ("phase", or_null(text())),
                ("impact", or_null(one_of(&["HIGH", "MEDIUM", "LOW"]))),
                ("triggeredRollback", truth()),
                ("owners", texts()),
            ]);
            of_report("problem", problem)
        }
        DeploymentRecorded => (vec![("deployment", deployment())], vec![("report", report())]),
        ActionDueSoon | ActionOverdue | ActionReminder => of_action(vec![("occurrence", occurrence()), ("announcement", announcement)]),
        ActionCompleted => {
            let completion = object(&[("completedOn", date()), ("lateDays", integer()), ("recordedLate", truth())]);
            of_action(vec![("occurrence", occurrence()), ("completion", completion)])
        }
        ActionVerified => of_action(vec![("occurrence", occurrence()), ("verification", verification())]),
        ActionReopened => {
            let always = vec![("report", report()), ("action", action()), ("occurrence", occurrence())];
            (always, vec![("verification", verification()), ("cause", one_of(&["WITHDRAWN"]))])
        }
        ActionRescheduled => {
            let moved = object(&[("from", date()), ("to", date()), ("reason", text())]);
            of_action(vec![("occurrence", occurrence()), ("rescheduling", moved)])
        }
        ActionReassigned => {
            let from = object(&[("departments", texts()), ("lead", or_null(text()))]);
            of_action(vec![("reassignment", object(&[("from", from), ("reason", or_null(text()))]))])
        }
        ActionEnded | ActionCancelled => of_action(vec![("reason", text())]),
        OpsSinkDisabled => (vec![("sink", sink(&[("reason", one_of(&["GONE", "FAILING"])), ("lastError", or_null(text()))]))], vec![]),
        OpsDeliveryExhausted => {
            let delivery = object(&[("id", uuid()), ("eventId", text()), ("attempts", integer()), ("lastError", or_null(text()))]);
            (vec![("sink", sink(&[])), ("delivery", delivery)], vec![])
        }
    }
}

fn verification() -> Value {
    object(&[("verdict", one_of(&["PASSED", "FAILED"])), ("attempt", integer()), ("comment", or_null(text()))])
}

/// The schema of a type's whole event, under the prefix that is configured.
pub fn schema(kind: EventType, envelope: &Envelope) -> Value {
    let (always, sometimes) = data(kind);
    let mut data = object(&always);
    for (name, of) in sometimes {
        if let Some(properties) = data.pointer_mut("/properties").and_then(Value::as_object_mut) {
            properties.insert(name.to_owned(), of);
        }
    }
    let mut event = object(&[
        ("specversion", json!({ "const": "1.0" })),
        ("id", json!({ "type": "string", "pattern": "^[^.]+$" })),
        ("source", json!({ "type": "string", "format": "uri-reference" })),
        ("type", json!({ "const": envelope.kind(kind.name()) })),
        ("subject", json!({ "type": "string", "pattern": "^(reports|deployments|sinks)/" })),
        ("time", time()),
        ("datacontenttype", json!({ "const": "application/json" })),
        ("recordedtime", time()),
        ("subjectseq", json!({ "type": "string", "pattern": "^[1-9][0-9]*$" })),
        ("data", data),
    ]);
    if let Some(event) = event.as_object_mut() {
        event.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        event.insert("$id".into(), json!(format!("/schemas/events/{}.json", kind.name())));
        event.insert("title".into(), json!(envelope.kind(kind.name())));
    }
    if let Some(properties) = event.pointer_mut("/properties").and_then(Value::as_object_mut) {
        properties.insert("dataschema".into(), json!({ "type": "string", "format": "uri" }));
    }
    event
}

/// The schema of a type as a file.
pub fn file(kind: EventType, envelope: &Envelope) -> String {
    format!("{:#}\n", schema(kind, envelope))
}
