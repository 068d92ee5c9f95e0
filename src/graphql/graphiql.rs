//! GraphiQL from assets inside the binary: works with no internet. The page is open and holds no data; it asks for a token.

use axum::{Router, routing::get};

use crate::pages::{PAGE, SCRIPT, STYLE, packed, plain};

/// Own assets only. GraphiQL's editor sets styles inline and its fonts are in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its assets.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { plain(POLICY, PAGE, include_bytes!("../../assets/graphiql/index.html")) }))
        .route("/graphiql/page.js", get(|| async { plain(POLICY, SCRIPT, include_bytes!("../../assets/graphiql/page.js")) }))
        .route("/graphiql/page.css", get(|| async { plain(POLICY, STYLE, include_bytes!("../../assets/graphiql/page.css")) }))
        .route(
            "/graphiql/graphiql.js",
            get(|| async { packed(POLICY, SCRIPT, include_bytes!("../../assets/graphiql/graphiql.min.js.gz")) }),
        )
        .route(
            "/graphiql/graphiql.css",
            get(|| async { packed(POLICY, STYLE, include_bytes!("../../assets/graphiql/graphiql.min.css.gz")) }),
        )
        .route("/graphiql/react.js", get(|| async { packed(POLICY, SCRIPT, include_bytes!("../../assets/graphiql/react.min.js.gz")) }))
        .route(
            "/graphiql/react-dom.js",
            get(|| async { packed(POLICY, SCRIPT, include_bytes!("../../assets/graphiql/react-dom.min.js.gz")) }),
        )
}
