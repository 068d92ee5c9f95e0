//! Six departments at once: nobody is refused while each edits its own, and of two who race for one row exactly one wins.

use serde_json::{Value, json};

use crate::support::{each_database, guide::play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_departments_edit_their_own_sections_at_once_and_nobody_is_refused() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let rounds = 25;
        let version = "version";
        let writer = async |name: &'static str, claims: &'static [&'static str], mutation: &'static str, id: (&'static str, String), field: &'static str, selection: &'static str| {
            let person = app.person(name, claims);
            let mut seen: Value = Value::Null;
            for round in 0..rounds {
                let mut input = json!({ id.0: id.1 });
                input[field] = json!(format!("第 {round} 轮"));
                if !seen.is_null() {
                    input["expectedVersion"] = seen.clone();
                }
                let payload = person.does(mutation, input, selection).await;
                let object = payload.as_object().unwrap().iter().find(|(k, _)| *k != "userErrors").unwrap().1.clone();
                seen = object.pointer("/achievements/version").unwrap_or(&object[version]).clone();
            }
        };
        let id = |name: &str| ("id", kept[name].clone());
        tokio::join!(
            writer("王芳", &["PRODUCT"], "summaryUpdate", id("reportId"), "highlights", "report { achievements { version } }"),
            writer("李强", &["RND:HEAD"], "departmentEvaluationUpdate", id("evaluationRnd"), "performance", "departmentEvaluation { version }"),
            writer("钱进", &["TEST:HEAD"], "milestoneUpdate", id("testing"), "delayReason", "milestone { version }"),
            writer("赵磊", &["OPS:HEAD"], "problemUpdate", id("problemId"), "resolution", "problem { version }"),
            writer("孙婷", &["OPS"], "milestoneUpdate", id("deployment"), "delayReason", "milestone { version }"),
            writer("郑爽", &["CUSTOMER_SUCCESS:HEAD"], "departmentEvaluationUpdate", id("evaluationCustomer"), "suggestions", "departmentEvaluation { version }"),
        );
        let query = "query($id: ID!) { report(by: {id: $id}) { achievements { highlights } problems { resolution } milestones { delayReason } departmentEvaluations { performance suggestions } } }";
        let report = app.product().read(query, json!({ "id": kept["reportId"] })).await["report"].clone();
        let last = json!("第 24 轮");
        for written in ["/achievements/highlights", "/problems/0/resolution", "/milestones/1/delayReason", "/milestones/3/delayReason", "/departmentEvaluations/1/performance", "/departmentEvaluations/5/suggestions"] {
            assert_eq!(report.pointer(written), Some(&last), "{written}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_race_for_a_row_exactly_one_wins_each_round() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        let (a, b) = (app.person("赵磊", &["OPS:HEAD"]), app.person("孙婷", &["OPS"]));
        let mut version = app
            .product()
            .read("query($id: ID!) { node(id: $id) { ... on Problem { version } } }", json!({ "id": kept["problemId"] }))
            .await["node"]["version"]
            .as_i64()
            .unwrap();
        for round in 0..25 {
            let input = |who: &str| json!({ "id": kept["problemId"], "expectedVersion": version, "resolution": format!("{who} {round}") });
            let (one, two) = tokio::join!(
                a.call("problemUpdate", input("a"), "problem { version }"),
                b.call("problemUpdate", input("b"), "problem { version }")
            );
            let lost: Vec<&Value> = [&one, &two].into_iter().filter(|p| p["problem"].is_null()).collect();
            assert_eq!(lost.len(), 1, "round {round}: {one} {two}");
            version += 1;
            assert_eq!(
                (&lost[0]["userErrors"][0]["code"], &lost[0]["userErrors"][0]["currentVersion"]),
                (&json!("CONFLICT"), &json!(version))
            );
        }
    })
    .await;
}
