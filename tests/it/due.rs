//! No due date passes in silence (`events.md` 1–11): announced once, before and when it passes, whatever happened meanwhile.

use std::collections::HashSet;

use chrono::{Days, NaiveDate, TimeDelta};
use relsum::improvement::{announce::scan, due::Plan};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::{TestApp, each_database, guide::play};

/// The announcements of the log, the oldest first: type and due date.
async fn announced(app: &TestApp) -> Vec<(String, String)> {
    let query = "{ events(last: 100, where: { types: [ACTION_DUE_SOON, ACTION_OVERDUE, ACTION_REMINDER] }) { nodes { type occurrence { dueOn } data } } }";
    let list = app.person("审计", &["AUDITOR"]).read(query, json!({})).await;
    let told = |e: &Value| {
        let data: Value = serde_json::from_str(e["data"].as_str().unwrap()).unwrap();
        (e["type"].as_str().unwrap().to_owned(), data["occurrence"]["dueOn"].as_str().unwrap().to_owned())
    };
    let mut list: Vec<_> = list["events"]["nodes"].as_array().unwrap().iter().map(told).collect();
    list.reverse();
    list
}

fn day(app: &TestApp, days: i64) -> String {
    (app.app.store.today() + TimeDelta::days(days)).to_string()
}

/// An occurrence of the submitted report's dated action, moved to a day.
async fn due_on(app: &TestApp, report: &str, day: &str) -> String {
    let query = "query($id: ID!) { report(by: { id: $id }) { improvementActions { occurrences { id } } } }";
    let list = app.product().read(query, json!({ "id": report })).await;
    let id = list["report"]["improvementActions"][0]["occurrences"][0]["id"].as_str().unwrap().to_owned();
    app.product().does("actionReschedule", json!({ "occurrenceId": id, "dueOn": day, "reason": "x" }), "").await;
    id
}

#[tokio::test]
async fn a_due_date_is_announced_before_it_comes_and_once_when_it_has_passed() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        app.announces().await;
        let before = announced(app).await.len();
        let due = day(app, 10);
        due_on(app, &kept["reportId"], &due).await;
        let of_it =
            async || announced(app).await.into_iter().skip(before).filter(|(_, on)| *on == due).map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(app.announces().await, 0);
        app.clock.advance(TimeDelta::days(7));
        app.announces().await;
        assert_eq!(of_it().await, ["ACTION_DUE_SOON"]);
        app.clock.advance(TimeDelta::days(3));
        app.announces().await;
        assert_eq!(of_it().await, ["ACTION_DUE_SOON", "ACTION_DUE_SOON"]);
        app.clock.advance(TimeDelta::days(1));
        assert!(app.announces().await >= 1);
        assert_eq!(app.announces().await, 0, "once");
        assert_eq!(of_it().await, ["ACTION_DUE_SOON", "ACTION_DUE_SOON", "ACTION_OVERDUE"]);
        // A clock set back, and forward again, repeats nothing.
        app.clock.advance(TimeDelta::days(-5));
        assert_eq!(app.announces().await, 0);
        app.clock.advance(TimeDelta::days(5));
        assert_eq!(app.announces().await, 0);
    })
    .await;
}

#[tokio::test]
async fn after_a_hundred_days_of_outage_every_due_date_that_passed_is_told_once_and_recurrences_roll_over() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        app.clock.advance(TimeDelta::days(100));
        app.announces().await;
        let list = announced(app).await;
        assert!(list.iter().all(|(kind, _)| kind == "ACTION_OVERDUE" || kind == "ACTION_DUE_SOON"), "{list:?}");
        let overdue: Vec<NaiveDate> = list.iter().filter(|(kind, _)| kind == "ACTION_OVERDUE").map(|(_, on)| on.parse().unwrap()).collect();
        assert!(overdue.is_sorted(), "the oldest first: {overdue:?}");
        // 立即执行, and each quarter end of the recurring one that has passed; the next one is open.
        let query =
            "query($id: ID!) { report(by: { id: $id }) { improvementActions { schedule { kind } occurrences { dueOn overdue } } } }";
        let actions = app.product().read(query, json!({ "id": kept["reportId"] })).await;
        let recurring =
            actions["report"]["improvementActions"].as_array().unwrap().iter().find(|a| a["schedule"]["kind"] == "RECURRING").unwrap();
        let occurrences = recurring["occurrences"].as_array().unwrap();
        let passed = occurrences.iter().filter(|o| o["overdue"] == true).count();
        assert!(passed >= 1 && occurrences.len() == passed + 1, "{recurring}");
        assert_eq!(overdue.len(), passed + 1);
        assert_eq!(app.announces().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_rescheduled_date_is_told_again_and_one_that_was_told_already_is_not() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let (first, second) = (day(app, 5), day(app, 12));
        let id = due_on(app, &kept["reportId"], &first).await;
        app.clock.advance(TimeDelta::days(6));
        app.announces().await;
        let overdue = async |on: &str| announced(app).await.into_iter().filter(|(kind, due)| kind == "ACTION_OVERDUE" && due == on).count();
        assert_eq!(overdue(&first).await, 1);
        let product = app.product();
        product.does("actionReschedule", json!({ "occurrenceId": id, "dueOn": second, "reason": "x" }), "").await;
        app.clock.advance(TimeDelta::days(7));
        app.announces().await;
        assert_eq!((overdue(&first).await, overdue(&second).await), (1, 1));
        // Done late, and verified as not done: opened again for a new day, which is told when it passes.
        let rows = product
            .read(
                "query($id: ID!) { report(by: { id: $id }) { improvementActions { owners { code } } } }",
                json!({ "id": kept["reportId"] }),
            )
            .await;
        let owner = rows["report"]["improvementActions"][0]["owners"][0]["code"].as_str().unwrap().to_owned();
        app.person("责任人", &[&owner]).does("actionComplete", json!({ "occurrenceId": id }), "").await;
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(app.announces().await, 0, "never after its completion");
        let third = day(app, 3);
        app.person("委员", &["COMMITTEE"])
            .does("actionVerify", json!({ "occurrenceId": id, "verdict": "FAILED", "comment": "x", "newDueOn": third }), "")
            .await;
        app.clock.advance(TimeDelta::days(4));
        app.announces().await;
        assert_eq!(overdue(&third).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_discarded_or_cancelled_is_told_no_more() {
    each_database(async |app| {
        let kept = play(app, "returned").await;
        let due = day(app, 4);
        due_on(app, &kept["reportId"], &due).await;
        app.product().does("reportDiscard", json!({ "id": kept["reportId"], "reason": "x" }), "").await;
        let before = announced(app).await.len();
        app.clock.advance(TimeDelta::days(30));
        app.announces().await;
        assert_eq!(announced(app).await.len(), before);
    })
    .await;
}

#[tokio::test]
async fn reminders_come_while_it_stays_overdue_where_they_are_wanted() {
    for database in crate::support::database::Database::each().await {
        let app = TestApp::on(database, |s| relsum::config::Settings { reminder_days: 7, due_soon_days: vec![], ..s }).await;
        let kept = play(&app, "submitted").await;
        let due = day(&app, 2);
        due_on(&app, &kept["reportId"], &due).await;
        app.clock.advance(TimeDelta::days(18));
        app.announces().await;
        let kinds: Vec<String> = announced(&app).await.into_iter().filter(|(_, on)| *on == due).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["ACTION_OVERDUE", "ACTION_REMINDER", "ACTION_REMINDER"]);
        app.end().await;
    }
}

/// A submitted report with so many due dates that have passed.
pub async fn passed(app: &TestApp, count: usize) {
    many(app, count).await;
    let db = app.database.connect().await;
    // Put into the past as rows: the service under test has a clock of its own. The example's own are done with.
    db.execute_unprepared("UPDATE occurrence SET look_at = NULL WHERE number < 100").await.unwrap();
    db.execute_unprepared("UPDATE occurrence SET due_on = '2026-01-15' WHERE number >= 100").await.unwrap();
    db.close().await.unwrap();
}

/// Many due dates in few reports, all passing at one instant.
async fn many(app: &TestApp, count: usize) -> (String, NaiveDate) {
    let kept = play(app, "submitted").await;
    let today = app.app.store.today();
    let due = today + Days::new(5);
    app.announces().await;
    let db = app.database.connect().await;
    // As rows: the API would take a while.
    let action = "(SELECT id FROM improvement_action WHERE schedule_kind = 'DATE' ORDER BY position LIMIT 1)";
    let numbers: Vec<usize> = (100..100 + count).collect();
    for chunk in numbers.chunks(500) {
        let row = |n: &usize| {
            let id = format!("0199f000-0000-7000-8000-{n:012x}");
            let (id, day, at) = if app.database.is_postgres() {
                (format!("CAST('{id}' AS uuid)"), format!("DATE '{due}'"), "TIMESTAMPTZ '2000-01-01T00:00:00+00:00'")
            } else {
                (format!("x'{}'", id.replace('-', "")), format!("'{due}'"), "'2000-01-01T00:00:00+00:00'")
            };
            format!("SELECT {id}, a.id, a.report_id, {n}, {day}, {day}, 'OPEN', 0, 1, {at} FROM improvement_action a WHERE a.id = {action}")
        };
        let rows = chunk.iter().map(row).collect::<Vec<_>>().join(" UNION ALL ");
        let into = "INSERT INTO occurrence (id, action_id, report_id, number, original_due_on, due_on, status, reopened, version, look_at)";
        db.execute_unprepared(&format!("{into} {rows}")).await.unwrap();
    }
    db.close().await.unwrap();
    (kept["reportId"].clone(), due)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_scanners_on_five_thousand_due_dates_give_five_thousand_events() {
    const DUE: usize = 5_000;
    for database in crate::support::database::Database::each().await {
        let app = TestApp::on(database, |s| relsum::config::Settings { due_soon_days: vec![], ..s }).await;
        many(&app, DUE).await;
        app.announces().await;
        app.clock.advance(TimeDelta::days(6));
        let before = announcements(&app).await;
        let plan = Plan::new(&app.settings);
        // Each on a store of its own, as replicas have them.
        let stores: Vec<_> = (0..8).map(|_| app.app.store.clone()).collect();
        let scans = stores.iter().map(|store| async {
            let mut count = 0;
            for _ in 0..40 {
                count += scan(store, &plan).await.unwrap();
            }
            count
        });
        let counts = futures_util::future::join_all(scans).await;
        let rest = app.announces().await;
        let all = announcements(&app).await;
        let fresh: HashSet<&String> = all.iter().filter(|id| !before.contains(*id)).collect();
        // The example's 立即执行 passes too.
        assert_eq!(fresh.len(), DUE + 1, "{counts:?} {rest}");
        assert_eq!(counts.iter().sum::<usize>() + rest, DUE + 1);
        app.end().await;
    }
}

/// The ids of all overdue events, from the database itself.
async fn announcements(app: &TestApp) -> HashSet<String> {
    let db = app.database.connect().await;
    let rows = db
        .query_all_raw(Statement::from_string(app.database.backend(), "SELECT id FROM event WHERE kind = 'action.overdue.v1'"))
        .await
        .unwrap();
    db.close().await.unwrap();
    let ids: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let unique: HashSet<String> = ids.iter().cloned().collect();
    assert_eq!(unique.len(), ids.len());
    unique
}

/// Completion against the scan, at the same moment: never an overdue event after the completion's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn completion_and_scan_exclude_each_other() {
    for database in crate::support::database::Database::each().await {
        let app = TestApp::on(database, |s| relsum::config::Settings { due_soon_days: vec![], ..s }).await;
        let times: usize = std::env::var("RACE_TIMES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
        let (report, _) = many(&app, times).await;
        app.clock.advance(TimeDelta::days(6));
        let rows = app
            .product()
            .read(
                "query($id: ID!) { report(by: { id: $id }) { improvementActions { owners { code } occurrences { id number status } } } }",
                json!({ "id": report }),
            )
            .await;
        let action = &rows["report"]["improvementActions"][0];
        let owner = app.person("责任人", &[action["owners"][0]["code"].as_str().unwrap()]);
        let plan = Plan::new(&app.settings);
        let open: Vec<String> = action["occurrences"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|o| o["number"].as_i64().unwrap() >= 100)
            .map(|o| o["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(open.len(), times);
        for id in &open {
            let complete = owner.does("actionComplete", json!({ "occurrenceId": id }), "");
            let (_, scanned) = tokio::join!(complete, scan(&app.app.store, &plan));
            scanned.unwrap();
        }
        let db = app.database.connect().await;
        let both = if app.database.is_postgres() {
            "SELECT count(*) FROM event late JOIN event done ON done.kind = 'action.completed.v1' AND done.position < late.position AND done.data->'occurrence'->>'id' = late.data->'occurrence'->>'id' WHERE late.kind = 'action.overdue.v1'"
        } else {
            "SELECT count(*) FROM event late JOIN event done ON done.kind = 'action.completed.v1' AND done.position < late.position AND json_extract(done.data, '$.occurrence.id') = json_extract(late.data, '$.occurrence.id') WHERE late.kind = 'action.overdue.v1'"
        };
        let row = db.query_one_raw(Statement::from_string(app.database.backend(), both)).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
        db.close().await.unwrap();
        app.end().await;
    }
}
