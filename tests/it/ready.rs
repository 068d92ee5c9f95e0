//! What is ready at once is answered as what must be waited for: fields selected twice, fragments, directives, errors below lists; and
//! what proved valid once is not taken for what is asked with other variables.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    statements::FULL,
    support::{TestApp, each_database, guide::play},
};

/// `data` of a query by a member of PRODUCT.
async fn data(app: &TestApp, query: &str, variables: Value) -> Value {
    let answer = app.product().ask(query, variables).await;
    assert_eq!(answer.get("errors"), None, "{query:.200}: {answer}");
    answer["data"].clone()
}

#[tokio::test]
async fn a_field_with_a_directive_is_answered_as_one_without() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let by = json!({ "id": kept["reportId"] });
        let plain = data(app, &format!("{FULL} query($id: ID!) {{ report(by: {{id: $id}}) {{ ...Full }} }}"), by.clone()).await;
        // One level after the other goes the library's own way, which every field with a directive does.
        for field in ["participants", "milestones", "owners", "problems", "improvementActions", "occurrences", "completeness", "id"] {
            let marked = FULL.replace(&format!(" {field} {{"), &format!(" {field} @include(if: true) {{"));
            let marked = marked.replace(&format!(" {field} number"), &format!(" {field} @skip(if: false) number"));
            assert_ne!(marked, FULL, "{field}");
            let answer = data(app, &format!("{marked} query($id: ID!) {{ report(by: {{id: $id}}) {{ ...Full }} }}"), by.clone()).await;
            assert_eq!(answer.to_string(), plain.to_string(), "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_selected_twice_is_one_in_the_order_of_the_document() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let query = "
            query($id: ID!) { a: report(by: {id: $id}) { __typename ...More milestones { kind } ... on Node { id } milestones { owners { code } kind } }
                              a: report(by: {id: $id}) { state milestones { owners { name } } } }
            fragment More on Report { number ... { version number } milestones { id } }";
        let product = app.product();
        let request = Request::post("/graphql").header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", product.token));
        let body = json!({ "query": query, "variables": { "id": kept["reportId"] } }).to_string();
        let (_, _, body) = app.send(request.body(Body::from(body)).unwrap()).await;
        let mut text = std::str::from_utf8(&body).unwrap();
        // As it is written: a JSON value of ours would sort the names.
        let milestone = ["id", "kind", "owners", "code", "name"];
        for name in ["__typename", "number", "version", "milestones"].into_iter().chain(milestone).chain(milestone).chain(["state"]) {
            let (_, rest) = text.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} is not where it belongs: {text}"));
            text = rest;
        }
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let report = answer["data"]["a"].as_object().unwrap();
        assert_eq!((report.len(), &report["__typename"]), (6, &json!("Report")));
        let milestones = report["milestones"].as_array().unwrap();
        assert_eq!(milestones.len(), 6);
        for milestone in milestones {
            assert_eq!(milestone.as_object().unwrap().len(), 3, "{milestone}");
            assert!(milestone["owners"].as_array().unwrap().iter().all(|o| o["code"].is_string() && o["name"].is_string()), "{milestone}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_document_that_is_known_is_looked_at_again_with_other_variables() {
    each_database(async |app| {
        let product = app.product();
        let query =
            "query A($n: Int, $s: ReportState) { reports(first: $n, where: {state: {eq: $s}}) { totalCount } } query B { __typename }";
        let ask = async |variables: Value| {
            let mut answer = product.post(json!({ "query": query, "operationName": "A", "variables": variables })).await;
            for error in answer.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
                error["extensions"].as_object_mut().unwrap().remove("requestId");
            }
            answer
        };
        let good = ask(json!({ "n": 3, "s": "DRAFT" })).await;
        assert_eq!(good.get("errors"), None, "{good}");
        for bad in [json!({ "n": "three", "s": "DRAFT" }), json!({ "n": 3, "s": "NONE" }), json!({ "n": [3], "s": {} })] {
            let cold = ask(bad.clone()).await;
            assert!(cold.get("data").is_none() && cold["errors"][0]["message"].is_string(), "{cold}");
            assert_eq!(ask(json!({ "n": 3, "s": "DRAFT" })).await, good);
            assert_eq!(ask(bad).await, cold);
        }
        assert_eq!(
            product.post(json!({ "query": query, "operationName": "B", "variables": json!({}) })).await["data"],
            json!({ "__typename": "Query" })
        );
        assert_eq!(product.post(json!({ "query": query, "operationName": "C", "variables": json!({}) })).await.get("data"), None);
    })
    .await;
}

#[tokio::test]
async fn owners_of_milestones_are_the_same_whether_they_are_read_alone_or_with_all_others() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let by = json!({ "id": kept["reportId"] });
        let alone = "id milestones { id kind owners { code } }";
        let more = "problems { owners { code } } improvementActions { owners { code } lead { code } }";
        let one = |what: &str| format!("query($id: ID!) {{ report(by: {{id: $id}}) {{ {what} }} }}");
        let few = data(app, &one(alone), by.clone()).await["report"].clone();
        let all = data(app, &one(&format!("{alone} {more}")), by.clone()).await["report"].clone();
        assert!(few["milestones"].as_array().unwrap().iter().any(|m| m["owners"].as_array().unwrap().len() > 1), "{few}");
        assert_eq!(few["milestones"], all["milestones"]);
        assert!(all["problems"].as_array().unwrap().iter().all(|p| !p["owners"].as_array().unwrap().is_empty()), "{all}");
        let page = data(app, &format!("{{ reports {{ totalCount nodes {{ {alone} }} }} }}"), json!({})).await;
        assert_eq!(page["reports"], json!({ "totalCount": 1, "nodes": [few] }));
    })
    .await;
}
