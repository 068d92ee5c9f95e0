//! How deployments come to a report and leave it (`events.md` 26, 28): waiting, ambiguous, held, let go, taken over; and who hears of it.

use serde_json::{Value, json};

use crate::{
    deployments::{call, draft, milestone, shown, value},
    support::{TestApp, each_database, guide::play, live::Served},
};

/// The standing of a report's first deployment, and its actual release time.
async fn stands(app: &TestApp, report: &str) -> (Value, Value) {
    let now = shown(&app.product(), report).await;
    (now["deployments"]["nodes"][0]["standing"].clone(), now["actualReleaseAt"].clone())
}

#[tokio::test]
async fn what_comes_before_its_report_waits_and_is_attached_when_it_appears() {
    each_database(async |app| {
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let more = json!({ "startedAt": "2026-03-28T13:42:10Z", "finishedAt": "2026-03-28T14:10:40Z" });
        let (status, answer) = ci.posts("/api/v1/deployments", &call("d-1", "SUCCEEDED", more.clone())).await;
        assert_eq!((status, &answer["standing"], &answer["reason"]["code"]), (201, &json!("PARKED"), &json!("NO_REPORT")));
        let by_version = json!({ "deploymentId": "d-2", "status": "SUCCEEDED", "environment": "staging", "product": "netaudit", "version": "4.1.2",
            "finishedAt": "2026-03-27T10:00:00Z" });
        let (_, answer) = ci.posts("/api/v1/deployments", &by_version).await;
        assert_eq!(answer["reason"]["code"], "UNKNOWN_PRODUCT");
        let ops = app.person("运维", &["OPS"]);
        let parked = "{ parkedDeployments { totalCount nodes { deploymentId parkedReason standingNote } } viewer { worklist { parkedDeployments { deploymentId } } } }";
        let list = ops.read(parked, json!({})).await;
        assert_eq!(list["parkedDeployments"]["totalCount"], 2);
        assert_eq!(list["viewer"]["worklist"]["parkedDeployments"].as_array().unwrap().len(), 2);
        assert_eq!(app.person("研发", &["RND"]).read("{ parkedDeployments { totalCount } }", json!({})).await["parkedDeployments"]["totalCount"], 0);
        let report = draft(app, "REL-APP-2026-001").await;
        app.works().await;
        let now = shown(&app.product(), &report).await;
        assert_eq!(now["actualReleaseAt"], "2026-03-28T13:42:00Z");
        assert_eq!(milestone(&now, "STAGING_VERIFICATION")["actualAt"], "2026-03-26T16:00:00Z", "the business day alone counts");
        assert_eq!(now["deployments"]["nodes"].as_array().unwrap().len(), 2);
        assert_eq!(ops.read(parked, json!({})).await["parkedDeployments"]["totalCount"], 0);
    })
    .await;
}

#[tokio::test]
async fn two_candidates_are_ambiguous_until_a_person_or_a_build_decides() {
    each_database(async |app| {
        let first = draft(app, "REL-APP-2026-001").await;
        let second = draft(app, "REL-APP-2026-002").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let commit = "03540e4eecf892a46485aa205c7af46e95583cbf";
        let vague = |id: &str| json!({ "deploymentId": id, "status": "SUCCEEDED", "environment": "production", "product": "netaudit", "version": "v4.1.2",
            "project": "https://github.com/xx-company/netaudit.git", "commit": commit, "startedAt": "2026-03-28T13:42:10Z", "finishedAt": "2026-03-28T14:10:40Z" });
        for id in ["d-1", "d-2"] {
            let (_, answer) = ci.posts("/api/v1/deployments", &vague(id)).await;
            assert_eq!(answer["reason"]["code"], "AMBIGUOUS", "{answer:#}");
        }
        let ops = app.person("运维", &["OPS"]);
        let ids = ops.read("{ parkedDeployments { nodes { id deploymentId } } }", json!({})).await;
        let id = ids["parkedDeployments"]["nodes"].as_array().unwrap().iter().find(|d| d["deploymentId"] == "d-1").unwrap()["id"].clone();
        // By hand.
        let attached = ops.does("deploymentAttach", json!({ "id": id, "reportId": second }), "deployment { standing attachedByHand milestone { kind actualAt } }").await;
        assert_eq!(attached["deployment"]["standing"], "ATTACHED");
        assert_eq!(attached["deployment"]["milestone"], json!({ "kind": "PRODUCTION_DEPLOYMENT", "actualAt": "2026-03-28T14:10:00Z" }));
        // By the build.
        let build = json!({ "project": "github.com/XX-Company/netaudit", "commit": commit, "applicationNumber": "REL-APP-2026-001" });
        let (status, answer) = ci.posts("/api/v1/builds", &build).await;
        assert_eq!((status, &answer["deploymentsRechecked"], &answer["repeated"]), (201, &json!(1), &json!(false)), "{answer:#}");
        assert_eq!(ci.posts("/api/v1/builds", &build).await.0, 200);
        app.works().await;
        let names = |report: Value| report["deployments"]["nodes"].as_array().unwrap().iter().map(|d| d["deploymentId"].clone()).collect::<Vec<_>>();
        assert_eq!(names(shown(&ops, &first).await), ["d-2"]);
        assert_eq!(names(shown(&ops, &second).await), ["d-1"], "what a person attached stays");
        // Dismissed with a reason, it changes nothing any more; taken back, it is looked at anew.
        assert_eq!(ops.is_refused("deploymentDismiss", json!({ "id": id, "reason": " " })).await, ["REQUIRED reason"]);
        let gone = ops.does("deploymentDismiss", json!({ "id": id, "reason": "a rehearsal" }), "deployment { standing standingNote report { id } }").await;
        assert_eq!(gone["deployment"], json!({ "standing": "DISMISSED", "standingNote": "It was set aside: a rehearsal", "report": null }));
        assert_eq!(milestone(&shown(&ops, &second).await, "PRODUCTION_DEPLOYMENT")["actualAt"], Value::Null);
        let back = ops.does("deploymentRestore", json!({ "id": id }), "deployment { standing report { id } }").await;
        assert_eq!(back["deployment"]["report"]["id"], first);
    })
    .await;
}

#[tokio::test]
async fn a_bound_pipeline_reports_to_its_products_alone_and_reads_only_its_own() {
    each_database(async |app| {
        let report = draft(app, "REL-APP-2026-001").await;
        let bound = app.person_bound("ci-other", &["PIPELINE"], &["other"]);
        let before = app.fingerprint().await;
        for body in [call("d-1", "RUNNING", json!({})), json!({ "deploymentId": "d-1", "status": "RUNNING", "environment": "prod", "product": "netaudit", "version": "4.1.2" })] {
            let (status, answer) = bound.posts("/api/v1/deployments", &body).await;
            assert_eq!((status, &answer["code"]), (403, &json!("FORBIDDEN")), "{answer:#}");
        }
        assert_eq!(app.fingerprint().await, before);
        let own = app.person_bound("ci-netaudit", &["PIPELINE"], &["netaudit"]);
        assert_eq!(own.posts("/api/v1/deployments", &call("d-1", "RUNNING", json!({}))).await.0, 201);
        let mine = "{ deployments { nodes { deploymentId report { id } } } inboundDeliveries { nodes { fate reportedBy body } } reports { totalCount } }";
        let seen = own.read(mine, json!({})).await;
        assert_eq!(seen["deployments"]["nodes"], json!([{ "deploymentId": "d-1", "report": null }]));
        assert_eq!(seen["inboundDeliveries"]["nodes"], json!([{ "fate": "WORKED", "reportedBy": "u-ci-netaudit", "body": null }]));
        assert_eq!(seen["reports"]["totalCount"], 0);
        assert_eq!(bound.read(mine, json!({})).await["deployments"]["nodes"], json!([]));
        // OPS may finish what a pipeline began; a pipeline may not touch another's.
        let finish = json!({ "deploymentId": "d-1", "status": "SUCCEEDED", "source": "u-ci-netaudit" });
        assert_eq!(bound.posts("/api/v1/deployments", &finish).await.0, 403);
        let (status, answer) = app.person("运维", &["OPS"]).posts("/api/v1/deployments", &finish).await;
        assert_eq!((status, &answer["deployment"]["status"]), (200, &json!("SUCCEEDED")), "{answer:#}");
        assert_eq!(shown(&app.product(), &report).await["deployments"]["nodes"].as_array().unwrap().len(), 1);
        for claims in [&["PRODUCT:HEAD"][..], &["AUDITOR"], &["ADMIN"], &["RND"]] {
            assert_eq!(app.person("别人", claims).posts("/api/v1/deployments", &finish).await.0, 403, "{claims:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_after_submission_is_held_and_applied_on_return() {
    each_database(async |app| {
        let kept = play(app, "submitted").await;
        let report = &kept["reportId"];
        let before = shown(&app.product(), report).await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        let body = json!({ "deploymentId": "late", "status": "SUCCEEDED", "environment": "production", "applicationNumber": "REL-APP-2026-901",
            "startedAt": "2026-03-28T13:00:00Z", "finishedAt": "2026-03-28T13:30:00Z" });
        let (_, answer) = ci.posts("/api/v1/deployments", &body).await;
        assert_eq!((&answer["standing"], &answer["reason"]["code"], &answer["report"]["state"]), (&json!("HELD"), &json!("HELD"), &json!("SUBMITTED")));
        let query = "query($id: ID!) { report(by: { id: $id }) { signatures: productHeadSignature { valid } contentDigest updatedAt } }";
        let submitted = app.product().read(query, json!({ "id": report })).await;
        let after = shown(&app.product(), report).await;
        assert_eq!((&after["actualReleaseAt"], &after["milestones"]), (&before["actualReleaseAt"], &before["milestones"]));
        // Held ones are for those who settle them; the report's other readers see what was applied.
        assert_eq!(shown(&app.person("研发", &["RND"]), report).await["deployments"]["nodes"], json!([]));
        app.product().does("reportSign", json!({ "id": report }), "").await;
        let signed = app.product().read(query, json!({ "id": report })).await;
        assert_eq!((&signed["report"]["signatures"]["valid"], &signed["report"]["contentDigest"]), (&json!(true), &submitted["report"]["contentDigest"]));
        app.person("主任", &["COMMITTEE:HEAD"]).does("reportReturn", json!({ "id": report, "reason": "补充" }), "").await;
        let now = shown(&app.product(), report).await;
        assert_eq!(now["deployments"]["nodes"][0]["standing"], "ATTACHED");
        // What persons had entered stays even now; what the pipeline says stands beside it.
        assert_eq!(now["actualReleaseAt"], before["actualReleaseAt"]);
        assert_eq!(value(&now, "ACTUAL_RELEASE_AT")["reported"]["at"], "2026-03-28T13:00:00Z");
        // Cleared by a person, the field takes what the pipeline says as soon as it says something.
        app.product().does("reportUpdate", json!({ "id": report, "actualReleaseAt": null }), "").await;
        ci.posts("/api/v1/deployments", &json!({ "deploymentId": "late", "status": "SUCCEEDED", "finishedAt": "2026-03-28T13:31:00Z", "attempt": 2 })).await;
        assert_eq!(stands(app, report).await, (json!("ATTACHED"), json!("2026-03-28T13:00:00Z")));
    })
    .await;
}

#[tokio::test]
async fn a_discarded_report_lets_go_and_a_superseding_one_takes_over() {
    each_database(async |app| {
        let first = draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci-netaudit", &["PIPELINE"]);
        ci.posts("/api/v1/deployments", &call("d-1", "SUCCEEDED", json!({ "startedAt": "2026-03-28T13:00:00Z", "finishedAt": "2026-03-28T13:30:00Z" }))).await;
        app.product().does("reportDiscard", json!({ "id": first, "reason": "x" }), "").await;
        app.works().await;
        let ops = app.person("运维", &["OPS"]);
        let parked = "{ parkedDeployments { nodes { parkedReason } } }";
        assert_eq!(ops.read(parked, json!({})).await["parkedDeployments"]["nodes"], json!([{ "parkedReason": "NO_REPORT" }]));
        let second = draft(app, "REL-APP-2026-001").await;
        assert_eq!(stands(app, &second).await, (json!("ATTACHED"), json!("2026-03-28T13:00:00Z")));
        // Filed, then superseded: what comes late is held by the filed one, and goes to the draft that is to take its place.
        let kept = play(app, "filed").await;
        let filed = &kept["reportId"];
        let late = json!({ "deploymentId": "late", "status": "ROLLED_BACK", "environment": "production", "applicationNumber": "REL-APP-2026-901", "finishedAt": "2026-03-29T01:00:00Z" });
        assert_eq!(ci.posts("/api/v1/deployments", &late).await.1["standing"], "HELD");
        let committee = app.person("主任", &["COMMITTEE:HEAD"]);
        let made = committee.does("reportSupersede", json!({ "id": filed }), "report { id }").await;
        let next = made["report"]["id"].as_str().unwrap();
        assert_eq!(stands(app, next).await.0, "ATTACHED");
        assert_eq!(shown(&app.product(), next).await["proposedProblems"].as_array().unwrap().len(), 1);
        let more = json!({ "deploymentId": "d-9", "status": "RUNNING", "environment": "staging", "applicationNumber": "REL-APP-2026-901" });
        assert_eq!(ci.posts("/api/v1/deployments", &more).await.1["standing"], "ATTACHED", "the draft takes what comes from now on");
    })
    .await;
}

#[tokio::test]
async fn those_who_listen_hear_of_each_deployment_they_may_see() {
    each_database(async |app| {
        draft(app, "REL-APP-2026-001").await;
        let served = Served::start(app).await;
        let query = "subscription { deploymentRecorded { type subject report { number } deployment { deploymentId status standing } } }";
        let (ops, rnd, ci) = (app.person("运维", &["OPS"]), app.person("研发", &["RND"]), app.person("ci-netaudit", &["PIPELINE"]));
        let mut by_ops = served.subscribed(&ops, query).await;
        let mut by_rnd = served.subscribed(&rnd, query).await;
        let mut by_ci = served.subscribed(&ci, query).await;
        let parked =
            json!({ "deploymentId": "p-1", "status": "RUNNING", "environment": "production", "applicationNumber": "REL-APP-2026-777" });
        ci.posts("/api/v1/deployments", &parked).await;
        app.person("ci-other", &["PIPELINE"])
            .posts(
                "/api/v1/deployments",
                &json!({ "deploymentId": "o-1", "status": "RUNNING", "environment": "p", "applicationNumber": "REL-APP-2026-778" }),
            )
            .await;
        ci.posts("/api/v1/deployments", &call("d-1", "RUNNING", json!({}))).await;
        let ids =
            |events: &[Value]| events.iter().map(|e| e["deploymentRecorded"]["deployment"]["deploymentId"].clone()).collect::<Vec<_>>();
        let heard = [by_ops.data().await, by_ops.data().await, by_ops.data().await];
        assert_eq!(ids(&heard), ["p-1", "o-1", "d-1"]);
        assert!(heard[0]["deploymentRecorded"]["subject"].as_str().unwrap().starts_with("deployments/"));
        assert!(heard[2]["deploymentRecorded"]["subject"].as_str().unwrap().starts_with("reports/REL-SUM-"));
        assert_eq!(ids(&[by_rnd.data().await]), ["d-1"]);
        assert_eq!(ids(&[by_ci.data().await, by_ci.data().await]), ["p-1", "d-1"], "a pipeline hears of its own");
        // Resumed from the log it is the same.
        let mut resumed = served.subscribed(&ci, &query.replace("deploymentRecorded {", "deploymentRecorded(after: \"0\") {")).await;
        assert_eq!(ids(&[resumed.data().await, resumed.data().await]), ["p-1", "d-1"]);
        served.end().await;
    })
    .await;
}
