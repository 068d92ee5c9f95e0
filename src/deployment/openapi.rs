//! The OpenAPI document of the REST routes, generated from the routes themselves; `openapi.json` is its copy, held by a test.

use std::sync::Arc;

use axum::Router;
use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{hooks, ways};
use crate::app::App;

/// The document's head.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Relsum",
        description = "How pipelines report deployments and builds. Everything else is GraphQL (`/graphql`, `/schema.graphql`).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "deployments", description = "Deployments, reported by any pipeline with one call"),
        (name = "builds", description = "Which release a commit was built for"),
        (name = "hooks", description = "Webhooks of GitHub, GitLab and CDEvents senders"),
    ),
    modifiers(&Token),
)]
struct Head;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi.components.get_or_insert_with(Default::default).add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn all() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(ways::deployments))
        .routes(routes!(ways::batch))
        .routes(routes!(ways::builds))
        .routes(routes!(hooks::hook))
}

/// The routes.
pub fn router() -> Router<Arc<App>> {
    all().split_for_parts().0
}

/// The document, as it is checked in.
pub fn document() -> String {
    let (_, document) = all().split_for_parts();
    let mut value = serde_json::to_value(&document).unwrap_or_default();
    for operation in value.pointer_mut("/paths").and_then(Value::as_object_mut).into_iter().flat_map(|paths| paths.values_mut()) {
        let parameters = operation.pointer_mut("/post/parameters").and_then(Value::as_array_mut);
        parameters.into_iter().flatten().for_each(never_null);
    }
    format!("{value:#}\n")
}

/// A header that may be left out is described as one that may be null, which no header can be.
fn never_null(parameter: &mut Value) {
    let schema = parameter.pointer("/schema/oneOf/0").cloned();
    if let (Some(schema), Some(place)) = (schema, parameter.get_mut("schema")) {
        *place = schema;
    }
}
