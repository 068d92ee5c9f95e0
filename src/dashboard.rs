//! `/dashboard`: a read-only page of figures from assets inside the binary, the reference client of `metrics`. The page is open and
//! holds no data; it asks for a token, and shows what that token may see.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Own assets only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page and its assets.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/dashboard", get(|| async { plain("text/html; charset=utf-8", include_bytes!("../assets/dashboard/index.html")) }))
        .route("/dashboard/page.js", get(|| async { plain(SCRIPT, include_bytes!("../assets/dashboard/page.js")) }))
        .route("/dashboard/page.css", get(|| async { plain("text/css; charset=utf-8", include_bytes!("../assets/dashboard/page.css")) }))
        .route("/dashboard/chart.js", get(charts))
}

fn plain(kind: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (headers, bytes).into_response()
}

/// Every browser takes gzip; the library is kept so.
async fn charts() -> Response {
    let mut answer = plain(SCRIPT, include_bytes!("../assets/dashboard/chart.min.js.gz"));
    answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    answer
}
