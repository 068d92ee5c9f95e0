//! The `graphql-http` audit suite, where Node and the suite are at hand (`tests/clients/run install`); `.ci/run` sees to that.

use std::{path::Path, process::Command};

use crate::support::{TestApp, database::Database, live::Served};

#[tokio::test(flavor = "multi_thread")]
async fn every_audit_of_graphql_over_http_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let suite = folder.join("node_modules/graphql-http").exists();
    if !suite || Command::new("node").arg("--version").output().is_err() {
        eprintln!("skipped: Node or the suite is not here (tests/clients/run install)");
        return;
    }
    let app = TestApp::on(Database::sqlite().await, |s| s).await;
    let served = Served::start(&app).await;
    let mut audit = Command::new("node");
    audit.arg("audit.mjs").current_dir(folder).env("ADDRESS", format!("http://{}", served.address)).env("TOKEN", app.product().token);
    let output = tokio::task::spawn_blocking(move || audit.output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("audits: 61 passed, 0 failed"), "{told}");
    served.end().await;
    app.end().await;
}
