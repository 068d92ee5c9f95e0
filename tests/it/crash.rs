//! What a crash and a full disk leave: everything that was acknowledged, nothing half-done, and a service that goes on.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::json;

use crate::support::{
    SECRET,
    database::Database,
    process::{Service, ask, folder, prints, relsum_by, run},
};

const CREATE: &str = "mutation($input: ReportCreateInput!) { reportCreate(input: $input) { report { number } userErrors { message } } }";

fn development(folder: &Path, url: &str) -> Command {
    let mut command = relsum_by(env!("CARGO_BIN_EXE_relsum"), folder);
    command.envs([("RELSUM_DATABASE_URL", url), ("RELSUM_JWT_SECRET", SECRET), ("RELSUM_DEMO", "off")]);
    command
}

fn token(folder: &Path) -> String {
    prints(folder, &["token", "--sub", "u-1", "--membership", "PRODUCT:HEAD"], &[("RELSUM_JWT_SECRET", SECRET)])
}

/// Creates reports of one year until the service no longer answers: how many were acknowledged, with which number for which attempt.
async fn create(address: &str, token: &str, round: usize, client: usize, made: &AtomicUsize) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for n in 0..1_000 {
        let application = format!("REL-APP-2026-{round}{client}{n:03}");
        let input = json!({ "applicationNumber": application, "preparedOn": "2026-05-05", "idempotencyKey": application });
        let Some((_, answer)) = ask(address, token, CREATE, json!({ "input": input })).await else { break };
        match answer["data"]["reportCreate"]["report"]["number"].as_str() {
            Some(number) => {
                acknowledged.push((application, number.to_owned()));
                made.fetch_add(1, Ordering::Relaxed);
            }
            None => break,
        }
    }
    acknowledged
}

async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_keeps_what_was_acknowledged_and_leaves_nothing_half_done() {
    for database in Database::each().await {
        let folder = folder(&format!("kill-{}", database.name()));
        let token = token(&folder);
        let mut acknowledged = Vec::new();
        for round in 1..=3 {
            let service = Service::start(development(&folder, database.url()));
            let address = service.address.clone();
            let made = Arc::new(AtomicUsize::new(0));
            let writing: Vec<_> = (0..4)
                .map(|client| {
                    let (address, token, made) = (address.clone(), token.clone(), Arc::clone(&made));
                    tokio::spawn(async move { create(&address, &token, round, client, &made).await })
                })
                .collect();
            // In the middle of it: some are acknowledged, more are under way.
            while made.load(Ordering::Relaxed) < 5 * round {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            service.kill();
            for work in writing {
                acknowledged.extend(work.await.unwrap());
            }
        }
        let service = Service::start(development(&folder, database.url()));
        // A client that heard nothing repeats its call with the same key, and gets the one report.
        for (application, number) in acknowledged.iter().take(5) {
            let input = json!({ "applicationNumber": application, "preparedOn": "2026-05-05", "idempotencyKey": application });
            let (_, again) = ask(&service.address, &token, CREATE, json!({ "input": input })).await.unwrap();
            assert_eq!(again["data"]["reportCreate"]["report"]["number"], *number, "{again}");
        }
        assert!(service.stop());
        let db = database.connect().await;
        let numbers = texts(&db, "SELECT number FROM report ORDER BY number").await;
        for (_, number) in &acknowledged {
            assert!(numbers.contains(number), "{number} was acknowledged and is gone");
        }
        let wanted: Vec<String> = (1..=numbers.len()).map(|n| format!("REL-SUM-2026-{n:03}")).collect();
        let mut sorted = numbers.clone();
        sorted.sort_by_key(|n| n.rsplit('-').next().unwrap().parse::<u32>().unwrap());
        assert_eq!(sorted, wanted, "numbers are consecutive");
        let told = texts(&db, "SELECT DISTINCT r.number FROM report r JOIN event e ON e.report_id = r.id AND e.kind = 'report.created.v1' JOIN audit_entry a ON a.report_id = r.id AND a.act = 'reportCreate' ORDER BY 1").await;
        assert_eq!(told, numbers, "each with its audit entry and its event");
        let halves =
            texts(&db, "SELECT r.number FROM report r WHERE (SELECT count(*) FROM milestone m WHERE m.report_id = r.id) <> 6").await;
        assert_eq!(halves, Vec::<String>::new());
        if !database.is_postgres() {
            assert_eq!(texts(&db, "PRAGMA integrity_check").await, ["ok"]);
        }
        db.close().await.unwrap();
        database.remove().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_503_reading_goes_on_and_nothing_is_lost() {
    let database = Database::sqlite().await;
    let folder = folder("full");
    let token = token(&folder);
    // No file may grow past 2 MiB: what a full disk is to a process, without filling one.
    let mut small = relsum_by("bash", &folder);
    small.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" serve", env!("CARGO_BIN_EXE_relsum")]);
    small.envs([("RELSUM_DATABASE_URL", database.url()), ("RELSUM_JWT_SECRET", SECRET), ("RELSUM_DEMO", "off")]);
    let service = Service::start(small);
    let mut acknowledged = 0;
    let refused = loop {
        let input = json!({ "applicationNumber": format!("REL-APP-2026-{:03}", acknowledged + 1), "preparedOn": "2026-05-05" });
        let (status, answer) = ask(&service.address, &token, CREATE, json!({ "input": input })).await.unwrap();
        if answer["data"]["reportCreate"]["report"].is_null() {
            break (status, answer["errors"][0]["extensions"]["code"].clone());
        }
        acknowledged += 1;
        assert!(acknowledged < 2_000, "the disk never filled");
    };
    assert_eq!(refused, (503, json!("SERVICE_UNAVAILABLE")));
    let (status, answer) = ask(&service.address, &token, "{ reports { totalCount } }", json!({})).await.unwrap();
    assert_eq!((status, &answer["data"]["reports"]["totalCount"]), (200, &json!(acknowledged)), "{answer}");
    assert!(service.stop());
    let service = Service::start(development(&folder, database.url()));
    let input = json!({ "applicationNumber": "REL-APP-2026-9999", "preparedOn": "2026-05-05" });
    let (_, answer) = ask(&service.address, &token, CREATE, json!({ "input": input })).await.unwrap();
    assert_eq!(answer["data"]["reportCreate"]["report"]["number"], format!("REL-SUM-2026-{:03}", acknowledged + 1), "{answer}");
    service.kill();
    database.remove().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// The steps of `deploy/compose.yaml`, one after the other, as its services run them.
#[tokio::test(flavor = "multi_thread")]
async fn production_on_postgresql_with_two_replicas_step_by_step() {
    let Some(database) = Database::empty_postgres().await else { return };
    let folder = folder("compose");
    prints(&folder, &["keys", "--out", "keys"], &[]);
    let production = [
        ("RELSUM_MODE", "production"),
        ("RELSUM_DATABASE_URL", database.url()),
        ("RELSUM_JWT_JWKS", "keys/relsum-jwks.json"),
        ("RELSUM_ENCRYPTION_KEY", "file:keys/relsum-encryption-key"),
    ];
    let unready = run(&folder, &["serve"], &production);
    assert!(String::from_utf8_lossy(&unready.stderr).contains("relsum migrate up"), "unmigrated, it does not serve");
    prints(&folder, &["migrate", "up"], &production);
    let mint = |sub: &str, who: &str| {
        let arguments = ["token", "--key", "keys/relsum-private.pem", "--sub", sub, "--membership", who];
        prints(&folder, &arguments, &production)
    };
    let (head, committee) = (mint("u-1", "PRODUCT:HEAD"), mint("u-2", "COMMITTEE:HEAD"));
    let replica = || {
        let mut command = relsum_by(env!("CARGO_BIN_EXE_relsum"), &folder);
        command.envs(production);
        Service::start(command)
    };
    let (one, two) = (replica(), replica());
    let input = json!({ "applicationNumber": "REL-APP-2026-001", "preparedOn": "2026-05-05" });
    let (_, made) = ask(&one.address, &head, CREATE, json!({ "input": input })).await.unwrap();
    assert_eq!(made["data"]["reportCreate"]["report"]["number"], "REL-SUM-2026-001", "{made}");
    let (_, seen) = ask(&two.address, &committee, "{ reports { nodes { number } } }", json!({})).await.unwrap();
    assert_eq!(seen["data"], json!({ "reports": { "nodes": [{ "number": "REL-SUM-2026-001" }] } }), "{seen}");
    for replica in [&one, &two] {
        let env = [production.as_slice(), &[("RELSUM_LISTEN", replica.address.as_str())]].concat();
        prints(&folder, &["healthcheck"], &env);
        let page = reqwest::get(format!("http://{}/", replica.address)).await.unwrap();
        assert_eq!(page.status().as_u16(), 404, "no GraphiQL in production");
    }
    assert!(one.stop() && two.stop());
    database.remove().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// What waits, and what was observed: each delivery once.
async fn inbox(db: &DatabaseConnection) -> (Vec<String>, Vec<String>, Vec<String>) {
    let waiting = texts(db, "SELECT CAST(count(*) AS text) FROM inbound_delivery WHERE fate = 'RECEIVED'").await;
    let fates = texts(db, "SELECT CAST(count(*) AS text) FROM inbound_delivery WHERE fate = 'WORKED'").await;
    let observed = texts(db, "SELECT CAST(count(*) AS text) FROM observation").await;
    (waiting, fates, observed)
}

/// Stored by a service that does no jobs, which is killed; worked by services that are killed again and again.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_between_storing_and_working_works_everything_once() {
    const DELIVERIES: usize = 150;
    for database in Database::each().await {
        let folder = folder(&format!("inbox-{}", database.name()));
        let start = |arguments: &[&str]| {
            let mut command = development(&folder, database.url());
            command.args(arguments);
            Service::start(command)
        };
        let service = start(&["serve", "--no-jobs"]);
        let admin = prints(&folder, &["token", "--sub", "u-9", "--role", "ADMIN"], &[("RELSUM_JWT_SECRET", SECRET)]);
        let source = "mutation { ingestionSourceCreate(input: { name: \"github\", kind: GITHUB, secret: \"a secret of sixteen\" }) { userErrors { message } } }";
        let (_, refused) =
            ask(&service.address, &admin, &source.replace("a secret of sixteen", "a-secret-of-sixteen"), json!({})).await.unwrap();
        assert_eq!(refused["data"]["ingestionSourceCreate"]["userErrors"], json!([]), "{refused}");
        let example = include_str!("payloads/github_deployment_status_success.json");
        let client = reqwest::Client::new();
        for n in 0..DELIVERIES {
            let body = example.replace("2914417233", &format!("29144{n:05}"));
            let signature = crate::hooks::hub("a-secret-of-sixteen", body.as_bytes());
            let request = client.post(format!("http://{}/api/v1/hooks/github", service.address)).header("content-type", "application/json");
            let request = request.header("x-github-event", "deployment_status").header("x-github-delivery", n.to_string());
            let answer = request.header("x-hub-signature-256", signature).body(body).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 202);
        }
        service.kill();
        let db = database.connect().await;
        assert_eq!(inbox(&db).await, (vec![DELIVERIES.to_string()], vec!["0".into()], vec!["0".into()]), "what was answered is stored");
        for pause in [0, 20, 60, 120] {
            let service = start(&["serve"]);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            service.kill();
        }
        let service = start(&["serve"]);
        for _ in 0..600 {
            if inbox(&db).await.0 == ["0"] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let all = DELIVERIES.to_string();
        assert_eq!(inbox(&db).await, (vec!["0".into()], vec![all.clone()], vec![all.clone()]));
        assert_eq!(texts(&db, "SELECT CAST(count(*) AS text) FROM event WHERE kind = 'deployment.recorded.v1'").await, [all], "told once");
        db.close().await.unwrap();
        assert!(service.stop());
        database.remove().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Makes a webhook sink over the API of a running service.
async fn make_sink(address: &str, admin: &str, url: &str) {
    let sink = format!(
        "mutation {{ eventSinkCreate(input: {{ name: \"r\", kind: WEBHOOK, url: \"{url}\", secret: \"{}\" }}) {{ userErrors {{ message }} }} }}",
        crate::support::receiver::SECRET
    );
    let (_, made) = ask(address, admin, &sink, json!({})).await.unwrap();
    assert_eq!(made["data"]["eventSinkCreate"]["userErrors"], json!([]), "{made}");
}

/// Due dates and deliveries, with the service killed at random again and again: everything is told, to a receiver that deduplicates.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_random_tells_every_due_date_once_and_delivers_every_event() {
    let times: usize = std::env::var("KILL_TIMES").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    for database in Database::each().await {
        let folder = folder(&format!("due-{}", database.name()));
        let receiver = crate::support::receiver::Receiver::start().await;
        let start = || {
            let mut command = development(&folder, database.url());
            command.envs([
                ("RELSUM_SINK_ALLOW", "127.0.0.0/8"),
                ("RELSUM_DUE_POLL_MS", "20"),
                ("RELSUM_DELIVERY_POLL_MS", "20"),
                ("RELSUM_WEBHOOK_TIMEOUT_MS", "1000"),
                ("RELSUM_WEBHOOK_SCHEDULE_SECONDS", "0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"),
            ]);
            Service::start(command)
        };
        let service = start();
        let admin = prints(&folder, &["token", "--sub", "u-9", "--role", "ADMIN"], &[("RELSUM_JWT_SECRET", SECRET)]);
        make_sink(&service.address, &admin, &receiver.url).await;
        service.kill();
        // A report whose actions have a hundred due dates that have passed.
        let app = crate::support::TestApp::on(database.again(), |s| s).await;
        crate::due::passed(&app, 100).await;
        for round in 0..times {
            let service = start();
            tokio::time::sleep(Duration::from_millis(u64::try_from(round * 37 % 211).unwrap())).await;
            service.kill();
        }
        let service = start();
        let db = database.connect().await;
        let queued =
            || async { texts(&db, "SELECT CAST(count(*) AS text) FROM event_delivery WHERE state <> 'DELIVERED'").await[0].clone() };
        let open = || async { texts(&db, "SELECT CAST(count(*) AS text) FROM occurrence WHERE look_at < '2020-01-01'").await[0].clone() };
        for _ in 0..900 {
            if queued().await == "0" && open().await == "0" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!((queued().await.as_str(), open().await.as_str()), ("0", "0"));
        let overdue = texts(&db, "SELECT id FROM event WHERE kind = 'action.overdue.v1'").await;
        assert_eq!(overdue.len(), 100);
        let mut all = texts(&db, "SELECT event_id FROM event_delivery").await;
        all.sort();
        assert_eq!(receiver.ids(), all, "what is in the database has arrived, and nothing else");
        assert!(overdue.iter().all(|id| all.contains(id)));
        db.close().await.unwrap();
        assert!(service.stop());
        receiver.end();
        drop(app);
        database.remove().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Two processes on one PostgreSQL, the ordinary case: both scan and both deliver to one sink, beside each other, and nothing is told or
/// sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_together_tell_every_due_date_once_and_deliver_every_event_once() {
    let Some(database) = Database::postgres().await else { return };
    let folder = folder("two");
    let receiver = crate::support::receiver::Receiver::start().await;
    let start = || {
        let mut command = development(&folder, database.url());
        command.envs([("RELSUM_SINK_ALLOW", "127.0.0.0/8"), ("RELSUM_DUE_POLL_MS", "10"), ("RELSUM_DELIVERY_POLL_MS", "10")]);
        Service::start(command)
    };
    let one = start();
    let admin = prints(&folder, &["token", "--sub", "u-9", "--role", "ADMIN"], &[("RELSUM_JWT_SECRET", SECRET)]);
    make_sink(&one.address, &admin, &receiver.url).await;
    one.kill();
    let app = crate::support::TestApp::on(database.again(), |s| s).await;
    crate::due::passed(&app, 500).await;
    let (one, two) = (start(), start());
    let db = database.connect().await;
    for _ in 0..600 {
        let told = texts(&db, "SELECT CAST(count(*) AS text) FROM event WHERE kind = 'action.overdue.v1'").await;
        let left = texts(&db, "SELECT CAST(count(*) AS text) FROM event_delivery WHERE state <> 'DELIVERED'").await;
        if told == ["500"] && left == ["0"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut all = texts(&db, "SELECT event_id FROM event_delivery").await;
    all.sort();
    assert_eq!(texts(&db, "SELECT id FROM event WHERE kind = 'action.overdue.v1'").await.len(), 500);
    assert_eq!(receiver.ids(), all, "what is in the database has arrived, and nothing else");
    assert_eq!(receiver.requests(), all.len(), "each was sent once");
    db.close().await.unwrap();
    assert!(one.stop() && two.stop());
    receiver.end();
    drop(app);
    database.remove().await;
    std::fs::remove_dir_all(folder).unwrap();
}
