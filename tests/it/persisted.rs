//! Persisted queries: Apollo's automatic ones, and registered documents.

use relsum::{app::App, config::Settings, graphql::documents::sha256};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, database::Database};

async fn app(change: impl FnOnce(Settings) -> Settings) -> TestApp {
    TestApp::on(Database::sqlite().await, change).await
}

fn hashed(query: &str, hash: &str) -> Value {
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    if query.is_empty() { json!({ "extensions": extensions }) } else { json!({ "query": query, "extensions": extensions }) }
}

/// The name in the data, or the code of the error.
async fn told(person: &Person<'_>, body: Value) -> String {
    let answer = person.post(body).await;
    let error = answer["errors"][0]["extensions"]["code"].as_str();
    error.or(answer["data"]["viewer"]["name"].as_str()).unwrap_or("nothing").to_owned()
}

const QUERY: &str = "query Who { viewer { name } }";

#[tokio::test]
async fn a_hash_is_known_once_its_text_has_proved_valid() {
    let app = app(|s| s).await;
    let person = app.product();
    let hash = sha256(QUERY);
    assert_eq!(told(&person, hashed("", &hash)).await, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(
        person.post(hashed("", &hash)).await["errors"][0]["message"],
        "PersistedQueryNotFound",
        "what Apollo's older clients look for"
    );
    assert_eq!(told(&person, hashed(QUERY, &hash)).await, "张伟");
    assert_eq!(told(&person, hashed("", &hash)).await, "张伟");
    assert_eq!(told(&person, hashed("", &hash.to_uppercase())).await, "张伟");
    assert_eq!(told(&person, json!({ "documentId": format!("sha256:{hash}") })).await, "张伟");
    assert_eq!(told(&app.person("王芳", &["PRODUCT"]), hashed("", &hash)).await, "王芳", "a document is not of a subject");
    for wrong in ["{", "{ nope }", "query($a: Nope) { __typename }", "query($id: ID!) { node(id: $id) { id } }"] {
        let hash = sha256(wrong);
        assert_ne!(told(&person, hashed(wrong, &hash)).await, "nothing");
        assert_eq!(told(&person, hashed("", &hash)).await, "PERSISTED_QUERY_NOT_FOUND", "{wrong}: kept before it proved valid");
    }
    for wrong in [json!({ "version": 2, "sha256Hash": hash }), json!({ "version": 1, "sha256Hash": "x" }), json!({}), json!(1)] {
        assert_eq!(told(&person, json!({ "extensions": { "persistedQuery": wrong } })).await, "BAD_USER_INPUT");
    }
    app.end().await;
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let app = app(|s| Settings { document_cache_bytes: 2_000, ..s }).await;
    let person = app.product();
    let first = sha256(QUERY);
    told(&person, hashed(QUERY, &first)).await;
    for n in 0..20 {
        let query = format!("query Who{n:020} {{ viewer {{ name }} }}");
        assert_eq!(told(&person, hashed(&query, &sha256(&query))).await, "张伟");
    }
    assert_eq!(told(&person, hashed("", &first)).await, "PERSISTED_QUERY_NOT_FOUND");
    app.end().await;
}

#[tokio::test]
async fn registered_documents_run_by_name_and_alone_where_that_is_asked_for() {
    let file = std::env::temp_dir().join(format!("relsum-manifest-{}.json", std::process::id()));
    let hash = sha256(QUERY);
    for manifest in [
        json!({ format!("sha256:{hash}"): QUERY }),
        json!({ hash.clone(): QUERY }),
        json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [{ "id": hash, "name": "Who", "type": "query", "body": QUERY }] }),
    ] {
        std::fs::write(&file, manifest.to_string()).unwrap();
        for only in [false, true] {
            let app = app(|s| Settings { persisted_documents: Some(file.clone()), persisted_only: only, ..s }).await;
            let person = app.product();
            for named in [
                json!({ "documentId": hash }),
                json!({ "doc_id": hash }),
                json!({ "documentId": format!("sha256:{hash}") }),
                hashed("", &hash),
            ] {
                assert_eq!(told(&person, named.clone()).await, "张伟", "{named}");
            }
            assert_eq!(told(&person, json!({ "query": QUERY })).await, "张伟", "its text is registered");
            assert_eq!(told(&person, json!({ "documentId": "other" })).await, "PERSISTED_QUERY_NOT_FOUND");
            let free = "{ viewer { name } }";
            let wanted = if only { "PERSISTED_QUERY_NOT_FOUND" } else { "张伟" };
            assert_eq!(told(&person, json!({ "query": free })).await, wanted);
            assert_eq!(told(&person, hashed(free, &sha256(free))).await, wanted);
            app.end().await;
        }
    }
    std::fs::write(&file, "{ \"x\": \"query {\" }").unwrap();
    let database = Database::sqlite().await;
    let settings = Settings { persisted_documents: Some(file.clone()), ..crate::support::settings(database.url()) };
    let refused = App::open(settings, Default::default()).await.err().unwrap();
    assert!(refused.starts_with("RELSUM_PERSISTED_DOCUMENTS: ") && refused.contains("document x"), "{refused}");
    std::fs::remove_file(file).unwrap();
    database.remove().await;
}
