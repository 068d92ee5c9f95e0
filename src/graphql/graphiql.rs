//! GraphiQL from assets inside the binary: works with no internet. The page is open and holds no data; it asks for a token.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Own assets only. GraphiQL's editor sets styles inline and its fonts are in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its assets.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { plain("text/html; charset=utf-8", include_bytes!("../../assets/graphiql/index.html")) }))
        .route("/graphiql/page.js", get(|| async { plain(SCRIPT, include_bytes!("../../assets/graphiql/page.js")) }))
        .route("/graphiql/page.css", get(|| async { plain(STYLE, include_bytes!("../../assets/graphiql/page.css")) }))
        .route("/graphiql/graphiql.js", get(|| async { packed(SCRIPT, include_bytes!("../../assets/graphiql/graphiql.min.js.gz")) }))
        .route("/graphiql/graphiql.css", get(|| async { packed(STYLE, include_bytes!("../../assets/graphiql/graphiql.min.css.gz")) }))
        .route("/graphiql/react.js", get(|| async { packed(SCRIPT, include_bytes!("../../assets/graphiql/react.min.js.gz")) }))
        .route("/graphiql/react-dom.js", get(|| async { packed(SCRIPT, include_bytes!("../../assets/graphiql/react-dom.min.js.gz")) }))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

fn plain(kind: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (headers, bytes).into_response()
}

/// Every browser takes gzip; the assets are kept so.
fn packed(kind: &'static str, bytes: &'static [u8]) -> Response {
    let mut answer = plain(kind, bytes);
    let add =
        |name: HeaderName, value: &'static str, answer: &mut Response| answer.headers_mut().insert(name, HeaderValue::from_static(value));
    add(header::CONTENT_ENCODING, "gzip", &mut answer);
    add(header::CACHE_CONTROL, "public, max-age=86400", &mut answer);
    answer
}
