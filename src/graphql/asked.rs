//! What a request asks for, whichever way it came: as JSON, in a URL, in a frame of a socket.

use async_graphql::{Request, Variables};
use serde_json::Map;

use super::refusal::Refusal;

/// The parameters of a request.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The document.
    pub query: Option<String>,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Option<Map<String, serde_json::Value>>,
    /// Of all extensions only `persistedQuery` is read.
    pub extensions: Option<Map<String, serde_json::Value>>,
    /// Name of a registered document (Relay's clients say `doc_id`).
    #[serde(alias = "doc_id")]
    pub document_id: Option<String>,
}

impl Asked {
    /// From a JSON body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        let value = serde_json::from_slice(body).map_err(|_| Refusal::bad_request("The body is not JSON", "请求体不是有效的 JSON"))?;
        Self::from_value(value)
    }

    /// From a JSON value: a body, or the payload of a frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Refusal> {
        if !value.is_object() {
            let (en, zh) = ("The request must be one JSON object; batches are not taken", "请求必须是单个 JSON 对象，不支持批量请求");
            return Err(Refusal::bad_request(en, zh));
        }
        serde_json::from_value(value).map_err(|_| {
            Refusal::bad_request(
                "query, operationName and documentId must be texts, variables and extensions objects",
                "query、operationName 与 documentId 必须是字符串，variables 与 extensions 必须是对象",
            )
        })
    }

    /// From the query string of a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_url(query: &str) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        let object = |text: &str| match serde_json::from_str::<Option<Map<_, _>>>(text) {
            Ok(object) => Ok(object),
            Err(_) => {
                Err(Refusal::bad_request("variables and extensions must be JSON objects", "variables 与 extensions 必须是 JSON 对象"))
            }
        };
        let Ok(url) = reqwest::Url::parse(&format!("http://localhost/?{query}")) else {
            return Err(Refusal::bad_request("The query string is malformed", "查询字符串格式错误"));
        };
        for (name, value) in url.query_pairs() {
            match &*name {
                "query" => asked.query = Some(value.into_owned()),
                "operationName" => asked.operation_name = Some(value.into_owned()).filter(|n| !n.is_empty()),
                "documentId" | "doc_id" => asked.document_id = Some(value.into_owned()),
                "variables" if !value.is_empty() => asked.variables = object(&value)?,
                "extensions" if !value.is_empty() => asked.extensions = object(&value)?,
                _ => {}
            }
        }
        Ok(asked)
    }

    /// The hash of Apollo's `persistedQuery` extension.
    ///
    /// # Errors
    /// What is wrong with the extension.
    pub fn persisted_hash(&self) -> Result<Option<&str>, Refusal> {
        let Some(persisted) = self.extensions.as_ref().and_then(|extensions| extensions.get("persistedQuery")) else { return Ok(None) };
        let version = persisted.get("version").and_then(serde_json::Value::as_i64);
        let hash = persisted.get("sha256Hash").and_then(serde_json::Value::as_str);
        match (persisted, version, hash) {
            (serde_json::Value::Null, ..) => Ok(None),
            (_, Some(1), Some(hash)) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Some(hash)),
            _ => Err(Refusal::bad_request(
                "extensions.persistedQuery needs version 1 and a sha256Hash of 64 hexadecimal digits",
                "extensions.persistedQuery 需要 version 1 和 64 位十六进制的 sha256Hash",
            )),
        }
    }

    /// The variables as the executor takes them.
    pub fn variables(&mut self) -> Variables {
        Variables::from_json(serde_json::Value::Object(self.variables.take().unwrap_or_default()))
    }

    /// The request for the executor, without its document.
    pub fn request(self, variables: Variables) -> Request {
        let mut request = Request::new(String::new()).variables(variables);
        request.operation_name = self.operation_name;
        request
    }
}
