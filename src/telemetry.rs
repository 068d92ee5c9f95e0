//! Log lines: readable alone, searchable, units in names, no personal data. JSON in production.

use tracing_subscriber::EnvFilter;

use crate::config::Settings;

/// Starts logging to standard error, so that commands keep standard output to themselves.
///
/// # Errors
/// What is wrong with the filter.
pub fn start(settings: &Settings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|e| format!("RELSUM_LOG: {e}"))?;
    let json = settings.log_format.as_deref().map_or(!settings.development(), |format| format == "json");
    // Whoever reads the log may be gone; complaining about that to the same place would panic.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = if json { lines.json().flatten_event(true).try_init() } else { lines.with_target(false).try_init() };
    started.map_err(|e| e.to_string())
}
