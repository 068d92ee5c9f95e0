//! Serving the pages that are in the binary: GraphiQL and the dashboard. Each has a content security policy of its own.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

/// Scripts.
pub const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Style sheets.
pub const STYLE: &str = "text/css; charset=utf-8";
/// Pages.
pub const PAGE: &str = "text/html; charset=utf-8";

/// A file of ours.
pub fn plain(policy: &'static str, kind: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-cache")];
    (headers, bytes).into_response()
}

/// A library. Every browser takes gzip; it is kept so.
pub fn packed(policy: &'static str, kind: &'static str, bytes: &'static [u8]) -> Response {
    let mut answer = plain(policy, kind, bytes);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    answer
}
