//! Log lines: readable alone, searchable, units in names, no personal data. JSON in production. And traces by OTLP, off unless there is
//! somebody to send them to: a span for the request, one for the operation, one for each of its root fields, one for each statement.

use std::{sync::OnceLock, time::SystemTime};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{Span as _, SpanKind, TraceContextExt, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use sea_orm::metric::Info;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Settings;

/// Spans that only traces read: the log never makes them.
pub const TRACES: &str = "relsum_traces";

/// Longest text of a statement in a span, in characters; it has no values in it.
const SQL: usize = 2_000;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends what is left of the traces when it is dropped.
#[derive(Default)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            let _ = provider.shutdown();
        }
    }
}

/// Starts logging to standard error, so that commands keep standard output to themselves; and traces, where configured.
///
/// # Errors
/// What is wrong with the filter or the endpoint.
pub fn start(settings: &Settings) -> Result<Telemetry, String> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|e| format!("RELSUM_LOG: {e}"))?;
    let json = settings.log_format.as_deref().map_or(!settings.development(), |format| format == "json");
    // Whoever reads the log may be gone; complaining about that to the same place would panic.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = if json { lines.json().flatten_event(true).boxed() } else { lines.with_target(false).boxed() };
    let provider = provider(settings)?;
    let traces = provider.as_ref().map(|provider| {
        let tracer = provider.tracer("relsum");
        let _ = TRACER.set(tracer.clone());
        tracing_opentelemetry::layer().with_tracer(tracer).with_filter(Targets::new().with_target(TRACES, tracing::Level::TRACE))
    });
    let started = tracing_subscriber::registry().with(traces).with(lines.with_filter(filter)).try_init();
    started.map_err(|e| e.to_string())?;
    Ok(Telemetry(provider))
}

fn provider(settings: &Settings) -> Result<Option<SdkTracerProvider>, String> {
    let Some(endpoint) = settings.otlp_endpoint.as_deref() else { return Ok(None) };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|e| format!("RELSUM_OTLP_ENDPOINT: {e}"))?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.otlp_sample)));
    let resource = Resource::builder().with_service_name("relsum").build();
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_sampler(sampler).with_resource(resource).build()))
}

/// Whether traces are on.
pub fn traces() -> bool {
    TRACER.get().is_some()
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// The span of a request; it continues the trace of a caller that has one (W3C `traceparent`).
pub fn request(method: &str, route: &str, request_id: &str, headers: &HeaderMap) -> Span {
    if !traces() {
        return Span::none();
    }
    let span = tracing::trace_span!(target: TRACES, "http", otel.name = format!("{method} {route}"), otel.kind = "server", request_id, status = tracing::field::Empty);
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    span
}

/// The span of a GraphQL operation.
pub fn operation(name: &str) -> Span {
    if traces() { tracing::trace_span!(target: TRACES, "graphql", otel.name = format!("graphql {name}")) } else { Span::none() }
}

/// A statement that was executed, as a span of its own below what is under way.
pub fn statement(info: &Info<'_>) {
    let Some(tracer) = TRACER.get() else { return };
    let parent: Context = Span::current().context();
    if !parent.span().span_context().is_sampled() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "when a span ended is not of the domain")]
    let ended = SystemTime::now();
    let text: String = info.statement.sql.chars().take(SQL).collect();
    let verb = text.split_whitespace().next().unwrap_or("SQL").to_owned();
    let began = ended.checked_sub(info.elapsed).unwrap_or(ended);
    let span = tracer.span_builder(verb).with_kind(SpanKind::Client).with_start_time(began);
    let mut span = span.with_attributes([KeyValue::new("db.query.text", text)]).start_with_context(tracer, &parent);
    span.end_with_timestamp(ended);
}

/// The span of a root field.
pub fn root_field(name: &str) -> Span {
    if traces() { tracing::trace_span!(target: TRACES, "resolve", otel.name = format!("resolve {name}")) } else { Span::none() }
}
