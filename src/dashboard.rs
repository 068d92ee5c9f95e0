//! `/dashboard`: a read-only page of figures from assets inside the binary, the reference client of `metrics`. The page is open and
//! holds no data; it asks for a token, and shows what that token may see.

use axum::{Router, routing::get};

use crate::pages::{PAGE, SCRIPT, STYLE, packed, plain};

/// Own assets only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The page and its assets.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/dashboard", get(|| async { plain(POLICY, PAGE, include_bytes!("../assets/dashboard/index.html")) }))
        .route("/dashboard/page.js", get(|| async { plain(POLICY, SCRIPT, include_bytes!("../assets/dashboard/page.js")) }))
        .route("/dashboard/page.css", get(|| async { plain(POLICY, STYLE, include_bytes!("../assets/dashboard/page.css")) }))
        .route("/dashboard/chart.js", get(|| async { packed(POLICY, SCRIPT, include_bytes!("../assets/dashboard/chart.min.js.gz")) }))
}
