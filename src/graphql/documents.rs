//! Documents by text and by name: parsed ones are kept ready (half of a request's cost, `stack.md`), Apollo's automatic persisted
//! queries by their hash, and registered ones from a manifest of graphql-codegen, Relay or Apollo.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::parser::parse_query;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    again::Ready,
    asked::Asked,
    gate::{Document, Gate, Passed},
    kept::Kept,
    refusal::Refusal,
};
use crate::config::Settings;

/// Bytes that what passed takes beside its key and its variables.
const PASSED: usize = 400;
/// What a token becomes in a parsed document, about: a field of one letter is half a kilobyte.
const BYTES_PER_TOKEN: usize = 300;

/// The documents that this process knows. Nothing of it matters: another replica answers the same, if slower.
pub struct Documents {
    parsed: Kept<Arc<Document>>,
    /// What proved valid, by document, operation and variables.
    passed: Kept<Arc<Passed>>,
    /// The same, ready to run again.
    ready: Kept<Arc<Ready>>,
    automatic: Option<Kept<Arc<str>>>,
    registered: HashMap<String, Arc<str>>,
    /// Where set, the only texts that run.
    only: Option<HashSet<Arc<str>>>,
}

/// A document's text, and the hash under which it is to be kept once it has proved valid.
pub struct Found {
    /// The text.
    pub text: Arc<str>,
    /// Its hash, if the client wants it kept.
    pub keep_as: Option<String>,
}

impl Documents {
    /// Reads the manifest, if there is one; each of its documents must parse.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let registered = match &settings.persisted_documents {
            Some(path) => {
                let told = |why: String| format!("RELSUM_PERSISTED_DOCUMENTS: {}: {why}", path.display());
                let text = std::fs::read_to_string(path).map_err(|e| told(e.to_string()))?;
                manifest(&text).map_err(told)?
            }
            None => HashMap::new(),
        };
        let only = settings.persisted_only.then(|| registered.values().cloned().collect());
        Ok(Self {
            parsed: Kept::new(settings.document_cache_bytes),
            passed: Kept::new(settings.document_cache_bytes / 8),
            ready: Kept::new(settings.document_cache_bytes / 4),
            automatic: (settings.persisted_queries && !settings.persisted_only).then(|| Kept::new(settings.document_cache_bytes)),
            registered,
            only,
        })
    }

    /// The text that a request names or brings.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_FOUND`, or `BAD_USER_INPUT`.
    pub fn find(&self, asked: &Asked) -> Result<Found, Refusal> {
        let hash = asked.persisted_hash()?;
        match (&asked.query, hash, asked.document_id.as_deref()) {
            (Some(query), Some(hash), _) => {
                if !sha256(query).eq_ignore_ascii_case(hash) {
                    return Err(Refusal::bad_request(
                        "provided sha does not match query: sha256Hash is not the SHA-256 of query",
                        "sha256Hash 与 query 的 SHA-256 不符",
                    ));
                }
                let text: Arc<str> = query.as_str().into();
                self.may_run(&text)?;
                let new = self.automatic.as_ref().is_some_and(|automatic| automatic.get(hash).is_none());
                Ok(Found { text, keep_as: new.then(|| hash.to_lowercase()) })
            }
            (Some(query), None, _) => {
                let text: Arc<str> = query.as_str().into();
                self.may_run(&text)?;
                Ok(Found { text, keep_as: None })
            }
            (None, Some(name), _) | (None, None, Some(name)) => self.named(name),
            (None, None, None) => Err(Refusal::bad_request("query is missing", "缺少 query")),
        }
    }

    fn named(&self, name: &str) -> Result<Found, Refusal> {
        let name = bare(name);
        let registered = self.registered.get(name).cloned();
        let automatic = || self.automatic.as_ref()?.get(&name.to_lowercase());
        match registered.or_else(automatic) {
            Some(text) => Ok(Found { text, keep_as: None }),
            None => Err(Refusal::persisted_query_not_found()),
        }
    }

    fn may_run(&self, text: &Arc<str>) -> Result<(), Refusal> {
        match &self.only {
            Some(only) if !only.contains(text) => Err(Refusal::not_registered()),
            _ => Ok(()),
        }
    }

    /// Keeps a text under its hash; called when the document has proved valid.
    pub fn keep(&self, hash: String, text: Arc<str>) {
        if let Some(automatic) = &self.automatic {
            let size = text.len() + hash.len();
            automatic.put(hash.into(), text, size);
        }
    }

    /// The parsed document, if it was parsed lately.
    pub fn parsed(&self, text: &str) -> Option<Arc<Document>> {
        self.parsed.get(text)
    }

    /// What passed the gate and proved valid before: the same document, operation and variables always do.
    pub fn passed(&self, key: &str) -> Option<Arc<Passed>> {
        self.passed.get(key)
    }

    /// Keeps what passed; called when it has proved valid.
    pub fn keep_passed(&self, key: Arc<str>, passed: Arc<Passed>) {
        // The variables are kept twice: as text, and as values.
        let size = PASSED + key.len() * 8;
        self.passed.put(key, passed, size);
    }

    /// What passed before, ready to run.
    pub fn ready(&self, key: &str) -> Option<Arc<Ready>> {
        self.ready.get(key)
    }

    /// Keeps it ready; `tokens` is how many its document has.
    pub fn keep_ready(&self, key: Arc<str>, ready: Arc<Ready>, tokens: usize) {
        self.ready.put(key, ready, tokens * BYTES_PER_TOKEN);
    }

    /// Parses a text, behind the gate's first look at it.
    ///
    /// # Errors
    /// `GRAPHQL_PARSE_FAILED`, `QUERY_TOO_COMPLEX`.
    pub fn parse(gate: &Gate, text: &str) -> Result<Document, Refusal> {
        let tokens = gate.text(text)?;
        Ok(gate.mend(parse_query(text).map_err(|error| Refusal::syntax(&error))?, tokens))
    }

    /// Keeps a parsed document ready.
    pub fn keep_parsed(&self, text: Arc<str>, document: Arc<Document>) {
        let size = text.len() + document.tokens * BYTES_PER_TOKEN;
        self.parsed.put(text, document, size);
    }
}

/// An id without the `sha256:` that graphql-codegen puts before it.
fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `{ "<id>": "<document>" }` as graphql-codegen and Relay emit it, or Apollo's `{ "operations": [{ "id", "body" }] }`.
fn manifest(text: &str) -> Result<HashMap<String, Arc<str>>, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let object = value.as_object().ok_or("expected a JSON object")?;
    let documents: Option<Vec<(&str, &str)>> = match object.get("operations").and_then(Value::as_array) {
        Some(operations) => operations.iter().map(|o| Some((o.get("id")?.as_str()?, o.get("body")?.as_str()?))).collect(),
        None => object.iter().map(|(id, body)| Some((id.as_str(), body.as_str()?))).collect(),
    };
    let mut all = HashMap::new();
    for (id, body) in documents.ok_or("every document needs an id and a text")? {
        parse_query(body).map_err(|error| format!("document {id}: {}", Refusal::syntax(&error).said.en))?;
        all.insert(bare(id).to_owned(), Arc::from(body));
    }
    if all.is_empty() { Err("it registers no document".into()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::manifest;

    #[test]
    fn manifests_of_three_tools_are_read() {
        for text in [
            r#"{ "abc": "query A { __typename }" }"#,
            r#"{ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [{ "id": "abc", "name": "A", "type": "query", "body": "query A { __typename }" }] }"#,
        ] {
            assert_eq!(&*manifest(text).unwrap()["abc"], "query A { __typename }");
        }
        for (wrong, told) in
            [("[]", "object"), ("{}", "no document"), (r#"{ "a": 1 }"#, "text"), (r#"{ "a": "{" }"#, "document a"), ("x", "expected")]
        {
            assert!(manifest(wrong).unwrap_err().contains(told), "{wrong}: {}", manifest(wrong).unwrap_err());
        }
    }
}
