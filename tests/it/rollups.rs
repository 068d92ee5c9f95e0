//! Roll-ups equal the base data after any acts in any order, folded or not, from several writers at once, and when they are made anew.

use std::sync::atomic::Ordering;

use chrono::{Datelike, TimeDelta};
use entity::enums::ReportState;
use relsum::metrics::rollup::check;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    awkward::{Dice, awkward},
    each_database,
    guide::play,
};

async fn agree(app: &TestApp, after: &str) {
    assert_eq!(check(&app.app.store).await.unwrap(), Vec::<String>::new(), "after {after} on {}", app.database.name());
}

/// The overview of twelve months.
const OVERVIEW: &str = "{ metrics { releases(groupBy: [MONTH]) { total { value } groups { value keys { value } } }
    onTimeReleaseRate(groupBy: [MONTH, DEPARTMENT]) { total { value numerator denominator } groups { value numerator denominator keys { value } } }
    releaseDelayMinutes(groupBy: [MONTH]) { total { mean sampleSize } groups { mean sampleSize keys { value } } }
    problems(groupBy: [MONTH, IMPACT]) { total { value } groups { value keys { value } } }
    overdueActions(groupBy: [MONTH, DEPARTMENT]) { total { value meanDays } groups { value meanDays keys { value } } } } }";

/// The same, asked so that the base data is read: the filter names what does not restrict.
fn from_the_base() -> String {
    OVERVIEW.replacen("metrics {", "metrics(where: { releaseTypes: [MAJOR, FEATURE, PATCH, EMERGENCY] }) {", 1)
}

#[tokio::test]
async fn roll_ups_follow_the_life_of_a_report() {
    each_database(async |app| {
        agree(app, "nothing").await;
        let kept = play(app, "filed").await;
        agree(app, "filing").await;
        let id = kept["reportId"].clone();
        app.clock.advance(TimeDelta::days(200));
        app.announces().await;
        agree(app, "two hundred days").await;
        let draft = app.product().does("reportSupersede", json!({ "id": id }), "report { id }").await["report"]["id"].clone();
        app.product().does("reportUpdate", json!({ "id": draft, "actualReleaseAt": "2026-02-01T00:00:00+08:00" }), "").await;
        agree(app, "a draft").await;
        app.app.store.fold_rollups().await.unwrap();
        agree(app, "adding up").await;
    })
    .await;
}

#[tokio::test]
async fn roll_ups_equal_the_base_data_after_any_acts() {
    each_database(async |app| {
        let mut rows = awkward(app, 7, 24);
        for r in rows.reports.iter_mut().filter(|r| r.first_submitted_at.is_some() && r.superseded_at.is_none() && r.state != ReportState::Discarded) {
            (r.state, r.release_type) = (ReportState::Returned, Some(entity::enums::ReleaseType::Patch));
        }
        app.app.store.import(rows).await.unwrap();
        agree(app, "the import").await;
        let (product, committee) = (app.product(), app.person("周涛", &["COMMITTEE"]));
        let (ops, dice) = (app.person("运维", &["OPS:HEAD", "TEST:HEAD", "RND:HEAD", "PRODUCT:HEAD", "CUSTOMER_SUCCESS:HEAD", "INFOSEC:HEAD"]), &mut Dice(99));
        let list = product
            .read("{ reports(first: 100, where: { state: { eq: RETURNED } }) { nodes { id } } problems(first: 100) { nodes { id } }
                improvementActions(first: 100) { nodes { id occurrences { id } } } }", json!({}))
            .await;
        let of = |list: &Value| list["nodes"].as_array().unwrap().clone();
        let (reports, problems, actions) = (of(&list["reports"]), of(&list["problems"]), of(&list["improvementActions"]));
        let today = app.app.store.today();
        let mut done = 0;
        for step in 0..60 {
            let (report, problem, action) = (dice.of(&reports)["id"].clone(), dice.of(&problems)["id"].clone(), dice.of(&actions));
            let occurrence = action["occurrences"].get(0).map(|o| o["id"].clone());
            let at = (app.clock.now() - TimeDelta::days(i64::try_from(dice.below(500)).unwrap())).to_rfc3339();
            let outcome = match dice.below(10) {
                0 => product.outcome("reportUpdate", json!({ "id": report, "actualReleaseAt": at })).await,
                1 => product.outcome("reportUpdate", json!({ "id": report, "actualReleaseAt": null, "plannedReleaseAt": at })).await,
                2 => {
                    let one = dice.of(&["OPS", "RND", "TEST"]);
                    let people = json!([{ "name": "某人" }]);
                    let list = json!([{ "department": "PRODUCT", "people": people }, { "department": one, "people": people }]);
                    product.outcome("reportUpdate", json!({ "id": report, "participants": list })).await
                }
                3 => product.outcome("problemAdd", json!({ "reportId": report, "description": "问题", "impact": dice.of(&["HIGH", "LOW"]), "owners": ["OPS", "TEST"] })).await,
                4 => product.outcome("problemUpdate", json!({ "id": problem, "impact": dice.of(&["HIGH", "MEDIUM"]), "owners": [dice.of(&["OPS", "RND"])] })).await,
                5 => product.outcome("problemRemove", json!({ "id": problem })).await,
                6 => ops.outcome("actionComplete", json!({ "occurrenceId": occurrence })).await,
                7 => {
                    let due = today + TimeDelta::days(i64::try_from(dice.below(40)).unwrap());
                    ops.outcome("actionReschedule", json!({ "occurrenceId": occurrence, "dueOn": due, "reason": "延期" })).await
                }
                8 => ops.outcome("actionReassign", json!({ "id": action["id"], "owners": [dice.of(&["OPS", "RND"]), "TEST"], "lead": dice.of(&[json!(null), json!("TEST")]), "reason": "换人" })).await,
                _ => match dice.below(3) {
                    0 => committee.outcome("actionVerify", json!({ "occurrenceId": occurrence, "verdict": "FAILED", "comment": "未完成", "newDueOn": today })).await,
                    1 => ops.outcome("actionCancel", json!({ "id": action["id"], "reason": "不再需要" })).await,
                    _ => product.outcome("reportDiscard", json!({ "id": report, "reason": "撤销" })).await,
                },
            };
            done += usize::from(outcome == "ok");
            if dice.one_in(8) {
                app.app.store.fold_rollups().await.unwrap();
            }
            if step % 10 == 9 {
                agree(app, "some acts").await;
            }
        }
        assert!(done > 20, "{done} of the acts were done");
        // What dashboards read is the same from either.
        let reader = app.person("研发", &["RND"]);
        let before = app.statements.load(Ordering::Relaxed);
        let rolled = reader.read(OVERVIEW, json!({})).await;
        assert_eq!(app.statements.load(Ordering::Relaxed) - before, 1, "the overview is one statement");
        assert_eq!(rolled, reader.read(&from_the_base(), json!({})).await);
        assert_eq!(rolled["metrics"]["releases"]["groups"].as_array().unwrap().len(), 12);
        // Made anew, they are the same; without them, figures come from the base data.
        assert!(app.app.store.rebuild_rollups().await.unwrap() > 10);
        agree(app, "making them anew").await;
        assert_eq!(rolled, reader.read(OVERVIEW, json!({})).await);
    })
    .await;
}

#[tokio::test]
async fn writers_of_one_month_do_not_wait_for_one_another_and_lose_nothing() {
    each_database(async |app| {
        let mut rows = awkward(app, 11, 20);
        let month = app.app.store.calendar.start_of(app.app.store.today().with_day(1).unwrap());
        for r in &mut rows.reports {
            (r.state, r.superseded_at, r.first_submitted_at) = (ReportState::Returned, None, Some(r.created_at));
            r.actual_release_at = Some(month + TimeDelta::hours(5));
        }
        app.app.store.import(rows).await.unwrap();
        let product = app.product();
        let list = product.read("{ reports(first: 100) { nodes { id } } }", json!({})).await;
        let all = list["reports"]["nodes"].as_array().unwrap().iter().flat_map(|r| [r["id"].clone(), r["id"].clone()]);
        let writes = all.map(|id| async {
            let id = id;
            product.does("problemAdd", json!({ "reportId": id, "description": "问题", "impact": "HIGH", "owners": ["OPS"] }), "").await
        });
        let folds = async {
            for _ in 0..5 {
                app.app.store.fold_rollups().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(futures_util::future::join_all(writes), folds);
        agree(app, "forty writers").await;
        app.app.store.fold_rollups().await.unwrap();
        agree(app, "adding up").await;
    })
    .await;
}

#[tokio::test]
async fn a_cell_that_is_wrong_is_found_and_made_right() {
    each_database(async |app| {
        app.app.store.import(awkward(app, 3, 12)).await.unwrap();
        app.app.store.fold_rollups().await.unwrap();
        let db = app.database.connect().await;
        let sql = "UPDATE rollup_cell SET count = count + 1 WHERE figure = 'releases' AND dimension = '' AND class = 100";
        sea_orm::ConnectionTrait::execute_unprepared(&db, sql).await.unwrap();
        db.close().await.unwrap();
        let wrong = check(&app.app.store).await.unwrap();
        assert!(!wrong.is_empty() && wrong[0].starts_with("releases by"), "{wrong:?}");
        app.app.store.rebuild_rollups().await.unwrap();
        agree(app, "making them anew").await;
    })
    .await;
}
