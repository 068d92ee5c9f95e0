//! Improvement actions: occurrences, completion, verification by another, rescheduling, reassigning, ending, cancelling.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, each_database, guide::play};

async fn actions(app: &TestApp, report: &str) -> Vec<Value> {
    let query = "query($id: ID!) { report(by: {id: $id}) { improvementActions { id status dueOn overdue overdueDays watchedFrom
        occurrences { id number originalDueOn dueOn status overdue overdueDays attempts { verdict } reschedulings { from to reason by { name } } } } } }";
    app.product().read(query, json!({ "id": report })).await["report"]["improvementActions"].as_array().unwrap().clone()
}

fn today(app: &TestApp) -> NaiveDate {
    app.app.store.today()
}

fn quarter_end_after(day: NaiveDate) -> NaiveDate {
    relsum::report::rules::first_occurrence("FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1", day).unwrap()
}

#[tokio::test]
async fn each_kind_of_schedule_gets_its_first_due_date_at_the_submission() {
    each_database(async |app| {
        let kept = play(app, "complete").await;
        assert!(actions(app, &kept["reportId"]).await.iter().all(|a| a["status"] == "PLANNED" && a["occurrences"] == json!([])));
        app.product().does("reportSubmit", json!({ "id": kept["reportId"] }), "").await;
        let actions = actions(app, &kept["reportId"]).await;
        let due: Vec<_> = actions.iter().map(|a| a["dueOn"].as_str().unwrap().to_owned()).collect();
        let grace = today(app) + Days::new(1);
        assert_eq!(due, ["2099-06-30".to_owned(), grace.to_string(), quarter_end_after(today(app)).to_string(), "2099-05-31".to_owned()]);
        assert!(actions.iter().all(|a| a["watchedFrom"] == today(app).to_string()));
    })
    .await;
}

#[tokio::test]
async fn an_action_is_overdue_from_the_day_after_its_due_date() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let immediate = |list: Vec<Value>| list[1].clone();
        assert_eq!(immediate(actions(app, &kept["reportId"]).await)["overdue"], false);
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(immediate(actions(app, &kept["reportId"]).await)["overdue"], false, "the due date itself has not passed");
        app.clock.advance(TimeDelta::days(2));
        let action = immediate(actions(app, &kept["reportId"]).await);
        assert_eq!((&action["overdue"], &action["overdueDays"]), (&json!(true), &json!(2)));
        let found = app
            .product()
            .read(
                "{ improvementActions(where: {overdue: true}) { totalCount } actionOccurrences(where: {overdue: true}) { totalCount } }",
                json!({}),
            )
            .await;
        assert_eq!(found, json!({ "improvementActions": { "totalCount": 1 }, "actionOccurrences": { "totalCount": 1 } }));
    })
    .await;
}

async fn complete(person: &Person<'_>, occurrence: &Value) {
    person.does("actionComplete", json!({ "occurrenceId": occurrence["id"], "evidence": "见记录" }), "").await;
}

#[tokio::test]
async fn completing_a_recurring_one_makes_the_next_on_the_grid() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let rnd = app.person("李强", &["RND"]);
        let training = &actions(app, &kept["reportId"]).await[2];
        let first = quarter_end_after(today(app));
        complete(&rnd, &training["occurrences"][0]).await;
        let training = &actions(app, &kept["reportId"]).await[2];
        assert_eq!(training["status"], "OPEN");
        assert_eq!(training["occurrences"][1]["dueOn"], quarter_end_after(first).to_string());
        // Taking the completion back leaves the next where it is.
        rnd.does(
            "actionCompletionWithdraw",
            json!({ "occurrenceId": training["occurrences"][0]["id"] }),
            "occurrence { status completedOn }",
        )
        .await;
        complete(&rnd, &training["occurrences"][0]).await;
        assert_eq!(actions(app, &kept["reportId"]).await[2]["occurrences"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn another_verifies_and_a_failure_opens_it_again_with_a_new_due_date() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let both = app.person("周敏", &["TEST", "COMMITTEE"]);
        let occurrence = actions(app, &kept["reportId"]).await[0]["occurrences"][0].clone();
        complete(&both, &occurrence).await;
        let verify = |more: Value| {
            let mut input = json!({ "occurrenceId": occurrence["id"], "verdict": "PASSED" });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        assert_eq!(both.is_denied("actionVerify", verify(json!({}))).await, "FORBIDDEN");
        let committee = app.person("刘洋", &["COMMITTEE"]);
        let failed = json!({ "verdict": "FAILED" });
        assert_eq!(committee.is_refused("actionVerify", verify(failed)).await, ["REQUIRED comment", "REQUIRED newDueOn"]);
        let past = json!({ "verdict": "FAILED", "comment": "缺项", "newDueOn": "2020-01-01" });
        assert_eq!(committee.is_refused("actionVerify", verify(past)).await, ["INVALID newDueOn"]);
        let new_due = (today(app) + Days::new(10)).to_string();
        committee.does("actionVerify", verify(json!({ "verdict": "FAILED", "comment": "缺项", "newDueOn": new_due })), "").await;
        let reopened = actions(app, &kept["reportId"]).await[0]["occurrences"][0].clone();
        assert_eq!(
            (&reopened["status"], &reopened["dueOn"], &reopened["originalDueOn"]),
            (&json!("OPEN"), &json!(new_due), &json!("2099-06-30"))
        );
        assert_eq!(reopened["reschedulings"], json!([{ "from": "2099-06-30", "to": new_due, "reason": "缺项", "by": { "name": "刘洋" } }]));
        complete(&both, &occurrence).await;
        committee.does("actionVerify", verify(json!({})), "").await;
        let done = actions(app, &kept["reportId"]).await[0].clone();
        assert_eq!(done["status"], "VERIFIED");
        assert_eq!(done["occurrences"][0]["attempts"], json!([{ "verdict": "FAILED" }, { "verdict": "PASSED" }]));
        assert_eq!(committee.is_refused("actionVerify", verify(json!({}))).await, ["WRONG_STATE occurrenceId"]);
    })
    .await;
}

#[tokio::test]
async fn the_lead_reschedules_and_reassigns_with_a_reason() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let list = actions(app, &kept["reportId"]).await;
        let (action, occurrence) = (&list[0], &list[0]["occurrences"][0]);
        let head = app.person("钱进", &["TEST:HEAD"]);
        let due = (today(app) + Days::new(30)).to_string();
        assert_eq!(
            app.person("周敏", &["TEST"])
                .is_denied("actionReschedule", json!({ "occurrenceId": occurrence["id"], "dueOn": due, "reason": "x" }))
                .await,
            "FORBIDDEN"
        );
        assert_eq!(
            head.is_refused("actionReschedule", json!({ "occurrenceId": occurrence["id"], "dueOn": "2020-01-01", "reason": " " })).await,
            ["REQUIRED reason", "INVALID dueOn"]
        );
        head.does("actionReschedule", json!({ "occurrenceId": occurrence["id"], "dueOn": due, "reason": "资源不足" }), "").await;
        head.does("actionReassign", json!({ "id": action["id"], "owners": ["OPS"], "lead": "OPS" }), "").await;
        assert_eq!(
            head.is_denied("actionReassign", json!({ "id": action["id"], "owners": ["TEST"] })).await,
            "FORBIDDEN",
            "TEST owns it no more"
        );
        assert_eq!(
            app.product().is_refused("actionReassign", json!({ "id": action["id"], "owners": ["OPS"], "lead": "RND" })).await,
            ["INVALID lead"]
        );
        complete(&app.person("孙婷", &["OPS"]), occurrence).await;
    })
    .await;
}

#[tokio::test]
async fn a_recurring_one_is_ended_and_any_is_cancelled() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let product = app.product();
        let list = actions(app, &kept["reportId"]).await;
        assert_eq!(product.is_refused("actionEnd", json!({ "id": list[3]["id"], "reason": "x" })).await, ["INVALID id"]);
        product.does("actionEnd", json!({ "id": list[2]["id"], "reason": "并入年度培训" }), "").await;
        product.does("actionCancel", json!({ "id": list[3]["id"], "reason": "规范已修订" }), "").await;
        let list = actions(app, &kept["reportId"]).await;
        assert_eq!((&list[2]["status"], &list[3]["status"]), (&json!("ENDED"), &json!("CANCELLED")));
        assert_eq!(list[2]["dueOn"], Value::Null);
        assert_eq!(product.is_refused("actionCancel", json!({ "id": list[3]["id"], "reason": "x" })).await, ["WRONG_STATE id"]);
    })
    .await;
}

#[tokio::test]
async fn an_action_added_on_a_return_is_watched_from_the_next_submission() {
    each_database(async |app| {
        let kept = play(app, "returned").await;
        app.clock.advance(TimeDelta::days(90));
        let product = app.product();
        let submitted = actions(app, &kept["reportId"]).await[0]["id"].clone();
        assert_eq!(product.is_refused("actionUpdate", json!({ "id": submitted, "measure": "改写" })).await, ["WRONG_STATE id"]);
        let input = json!({ "reportId": kept["reportId"], "area": "PROCESS", "measure": "补充措施", "owners": ["OPS"], "schedule": { "immediate": true }, "verification": "检查" });
        product.does("actionAdd", input, "").await;
        product.does("reportSubmit", json!({ "id": kept["reportId"] }), "").await;
        let added = actions(app, &kept["reportId"]).await[4].clone();
        assert_eq!(added["dueOn"], (today(app) + Days::new(1)).to_string());
        assert_eq!(added["overdue"], false);
    })
    .await;
}

#[tokio::test]
async fn a_completion_in_the_future_is_refused() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let occurrence = actions(app, &kept["reportId"]).await[0]["occurrences"][0].clone();
        let input = json!({ "occurrenceId": occurrence["id"], "completedOn": "2199-01-01" });
        assert_eq!(app.person("周敏", &["TEST"]).is_refused("actionComplete", input).await, ["INVALID completedOn"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_cancelled_is_not_opened_again() {
    each_database(async |app| {
        let kept = play(app, "filed").await;
        let test = app.person("周敏", &["TEST"]);
        let action = actions(app, &kept["reportId"]).await[0].clone();
        let occurrence = &action["occurrences"][0];
        complete(&test, occurrence).await;
        app.product().does("actionCancel", json!({ "id": action["id"], "reason": "不再需要" }), "").await;
        assert_eq!(
            test.is_refused("actionCompletionWithdraw", json!({ "occurrenceId": occurrence["id"] })).await,
            ["WRONG_STATE occurrenceId"]
        );
        let failed = json!({ "occurrenceId": occurrence["id"], "verdict": "FAILED", "comment": "x", "newDueOn": "2099-01-01" });
        assert_eq!(app.person("刘洋", &["COMMITTEE"]).is_refused("actionVerify", failed).await, ["WRONG_STATE occurrenceId"]);
    })
    .await;
}
