//! GraphQL over HTTP: `POST /graphql`, and `GET` for queries. A token before anything else, JSON bodies only, no batches;
//! every error carries a code and the request id, and faults keep their text to the log.

use std::sync::Arc;

use async_graphql::{
    Request, Response as GraphQlResponse, ServerError, Value, Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationType},
    },
};
use axum::{
    body::{Body, to_bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    context::{Caller, Loaders},
    drive::drive,
    negotiate::{Media, accepted, is_json, language},
};
use crate::{
    app::App,
    error::{Error, Lang, Said, say},
    store::Origin,
};

/// The request id that the client sent, or that we made.
pub const REQUEST_ID: &str = "x-request-id";

/// What a request asks for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Why a request is refused before it is executed.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    said: Said,
}

fn refuse(status: StatusCode, code: &'static str, en: &str, zh: &str) -> Refusal {
    Refusal { status, code, said: say(en, zh) }
}

/// The answer; fields come in the order in which they were selected, which a JSON map of ours would lose.
#[derive(serde::Serialize)]
struct Answered<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: std::collections::BTreeMap<String, Value>,
}

/// How the answer is written.
#[derive(Clone)]
struct Manner {
    media: Media,
    lang: Lang,
    request_id: String,
}

/// `POST` and `GET /graphql`.
pub async fn graphql(State(app): State<Arc<App>>, method: Method, headers: HeaderMap, RawQuery(query): RawQuery, body: Body) -> Response {
    let request_id = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let media = accepted(&headers);
    let manner = Manner { media: media.unwrap_or(Media::Json), lang: language(&headers), request_id };
    // Drained even when refused: an unread body would break the client's next request on this connection.
    let body = to_bytes(body, app.settings.body_limit_bytes).await;
    let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let actor = match app.verifier.actor_of(authorization).await {
        Ok(actor) => actor,
        Err(error) => {
            let mut answer = refused(&manner, &Refusal { status: StatusCode::UNAUTHORIZED, code: error.code(), said: error.message() });
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return answer;
        }
    };
    if media.is_none() {
        let en = "Accept application/graphql-response+json or application/json";
        return refused(
            &manner,
            &refuse(StatusCode::NOT_ACCEPTABLE, "BAD_USER_INPUT", en, "请接受 application/graphql-response+json 或 application/json"),
        );
    }
    let asked = if method == Method::GET {
        from_url(query.as_deref().unwrap_or_default())
    } else if !is_json(&headers) {
        let (en, zh) = ("The body must be application/json in UTF-8", "请求体必须是 UTF-8 编码的 application/json");
        Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_USER_INPUT", en, zh))
    } else {
        match body {
            Err(_) => {
                let (en, zh) = ("The body is too large", "请求体过大");
                Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT", en, zh))
            }
            Ok(body) => from_json(&body),
        }
    };
    let prepared = asked.and_then(|asked| prepare(asked, &manner, method == Method::GET));
    let request = match prepared {
        Ok(request) => request,
        Err(refusal) => return refused(&manner, &refusal),
    };
    let caller = Caller { origin: Origin { actor, request_id: manner.request_id.clone() }, lang: manner.lang };
    let (loaders, asked) = Loaders::new(app.store.clone());
    let request = request.data(caller).data(loaders).data(app.store.clone());
    let answer = drive(app.schema.execute(request), asked).await;
    written(&manner, answer)
}

fn bad_request(en: &str, zh: &str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, "BAD_USER_INPUT", en, zh)
}

fn from_json(body: &[u8]) -> Result<Asked, Refusal> {
    let value: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| bad_request("The body is not JSON", "请求体不是有效的 JSON"))?;
    if !value.is_object() {
        return Err(bad_request("The body must be one JSON object; batches are not taken", "请求体必须是单个 JSON 对象，不支持批量请求"));
    }
    serde_json::from_value(value).map_err(|_| {
        bad_request(
            "query and operationName must be texts, variables and extensions objects",
            "query 与 operationName 必须是字符串，variables 与 extensions 必须是对象",
        )
    })
}

fn from_url(query: &str) -> Result<Asked, Refusal> {
    let mut asked = Asked::default();
    let object = |text: &str| match serde_json::from_str::<Option<serde_json::Map<_, _>>>(text) {
        Ok(object) => Ok(object),
        Err(_) => Err(bad_request("variables and extensions must be JSON objects", "variables 与 extensions 必须是 JSON 对象")),
    };
    let Ok(url) = reqwest::Url::parse(&format!("http://localhost/?{query}")) else {
        return Err(bad_request("The query string is malformed", "查询字符串格式错误"));
    };
    for (name, value) in url.query_pairs() {
        match &*name {
            "query" => asked.query = Some(value.into_owned()),
            "operationName" => asked.operation_name = Some(value.into_owned()).filter(|n| !n.is_empty()),
            "variables" if !value.is_empty() => asked.variables = object(&value)?,
            "extensions" if !value.is_empty() => asked.extensions = object(&value)?,
            _ => {}
        }
    }
    Ok(asked)
}

/// Parses the document, and refuses a mutation over GET.
fn prepare(asked: Asked, manner: &Manner, get: bool) -> Result<Request, Refusal> {
    let Asked { query, operation_name, variables, extensions } = asked;
    let query = query.ok_or_else(|| bad_request("query is missing", "缺少 query"))?;
    // A request that cannot be parsed is 400 for `application/graphql-response+json`, and 200 for `application/json`.
    let status = if manner.media == Media::GraphQl { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let document = parse_query(&query).map_err(|e| Refusal {
        status,
        code: "GRAPHQL_PARSE_FAILED",
        said: say(format!("Syntax error: {e}"), format!("语法错误：{e}")),
    })?;
    if get && chosen(&document, operation_name.as_deref()).is_some_and(|kind| kind != OperationType::Query) {
        let (en, zh) = ("Only queries go over GET", "GET 仅支持查询");
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "BAD_USER_INPUT", en, zh));
    }
    let mut request = Request::new(query);
    request.set_parsed_query(document);
    request.operation_name = operation_name;
    request.variables = Variables::from_json(serde_json::Value::Object(variables.unwrap_or_default()));
    request.extensions.extend(extensions.unwrap_or_default().into_iter().filter_map(|(k, v)| Some((k, Value::from_json(v).ok()?))));
    Ok(request)
}

fn chosen(document: &ExecutableDocument, name: Option<&str>) -> Option<OperationType> {
    match &document.operations {
        DocumentOperations::Single(operation) => Some(operation.node.ty),
        DocumentOperations::Multiple(operations) => operations.iter().find(|(n, _)| Some(n.as_str()) == name).map(|(_, o)| o.node.ty),
    }
}

fn refused(manner: &Manner, refusal: &Refusal) -> Response {
    let error = json!({
        "message": refusal.said.text(manner.lang),
        "extensions": { "code": refusal.code, "requestId": manner.request_id },
    });
    let mut answer = respond(manner, refusal.status, json!({ "errors": [error] }).to_string());
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

fn written(manner: &Manner, answer: GraphQlResponse) -> Response {
    let GraphQlResponse { data, errors, extensions, .. } = answer;
    // Nothing was executed: no `data` key at all.
    let request_error = data == Value::Null && !errors.is_empty() && errors.iter().all(|e| e.path.is_empty());
    let busy = errors.iter().any(|e| matches!(fault(e), Some(Error::Unavailable(_))));
    let errors: Vec<serde_json::Value> = errors.iter().map(|e| told(manner, e)).collect();
    let body = Answered { errors, data: (!request_error).then_some(&data), extensions };
    let body = serde_json::to_string(&body).unwrap_or_default();
    let status = if busy && data == Value::Null {
        StatusCode::SERVICE_UNAVAILABLE
    } else if request_error && manner.media == Media::GraphQl {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let mut answer = respond(manner, status, body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
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
        None if !error.path.is_empty() => "BAD_USER_INPUT",
        None if error.message.contains("too complex") || error.message.contains("too deep") => "QUERY_TOO_COMPLEX",
        None => "GRAPHQL_VALIDATION_FAILED",
    };
    let message = ours.map_or_else(|| error.message.clone(), |ours| ours.message().text(manner.lang).to_owned());
    let mut out = json!({ "message": message, "extensions": { "code": code, "requestId": manner.request_id } });
    if let Some(out) = out.as_object_mut() {
        if !error.locations.is_empty() {
            out.insert("locations".into(), json!(error.locations));
        }
        if !error.path.is_empty() {
            out.insert("path".into(), json!(error.path));
        }
    }
    out
}

fn respond(manner: &Manner, status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, manner.media.content_type()), (header::VARY, "Accept, Accept-Language, Authorization")];
    (status, headers, body).into_response()
}
