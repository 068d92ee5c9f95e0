//! The snippets of `docs/pipelines.md`, taken from the page and run as the CI systems run them, against a service that listens.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Person, TestApp, each_database, live::Served};

/// The block that follows `<!-- snippet name -->`.
fn snippet(name: &str) -> String {
    let page = include_str!("../../docs/pipelines.md");
    let (_, rest) = page.split_once(&format!("<!-- snippet {name} -->\n")).unwrap_or_else(|| panic!("no snippet {name}"));
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// The block scalars of YAML that begin with one of these, without their indentation.
fn scalars(yaml: &str, begins: &[&str]) -> Vec<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut all = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !begins.iter().any(|begin| line.trim_start() == *begin) {
            continue;
        }
        let body: Vec<&str> = lines[index + 1..].iter().take_while(|l| l.trim().is_empty() || indent(l) > indent(line)).copied().collect();
        let margin = body.iter().filter(|l| !l.trim().is_empty()).map(|l| indent(l)).min().unwrap();
        all.push(body.iter().map(|l| l.get(margin..).unwrap_or_default()).collect::<Vec<_>>().join("\n"));
    }
    all
}

/// Runs a script as a CI system does.
async fn run(script: &str, env: &[(&str, String)]) -> String {
    let mut command = tokio::process::Command::new("bash");
    command.args(["-e", "-o", "pipefail", "-c", script]).envs(env.iter().map(|(k, v)| (*k, v.as_str()))).stdin(Stdio::null());
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_relsum")).parent().unwrap();
    command.env("PATH", format!("{}:{}", binary.display(), std::env::var("PATH").unwrap())).env_remove("RELSUM_LISTEN");
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

/// What `date` gives: a repeat within a job is curl's, with the body as it was.
fn now() -> String {
    chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn deployments(person: &Person<'_>) -> Value {
    let query = "{ deployments(orderBy: [{ field: RECORDED_AT }]) { nodes { deploymentId status environment startedAt finishedAt standing commit url } } }";
    person.read(query, json!({})).await["deployments"]["nodes"].clone()
}

/// The environment of every snippet.
fn around(app: &TestApp, served: &Served) -> Vec<(&'static str, String)> {
    let token = app.person("ci", &["PIPELINE"]).token;
    vec![("RELSUM_URL", format!("http://{}", served.address)), ("RELSUM_TOKEN", token), ("RELSUM_APPLICATION", "REL-APP-2026-001".into())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_snippet_reports_a_deployment_from_start_to_end() {
    each_database(async |app| {
        crate::deployments::draft(app, "REL-APP-2026-001").await;
        let served = Served::start(app).await;
        let of = |more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            around(app, &served).into_iter().chain(more.iter().map(|(k, v)| (*k, (*v).to_owned()))).collect()
        };
        let commit = "03540e4eecf892a46485aa205c7af46e95583cbf";
        let github = of(&[
            ("GITHUB_RUN_ID", "23194857713"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_SHA", commit),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "xx-company/netaudit"),
            ("JOB_STATUS", "success"),
        ]);
        let gitlab = of(&[
            ("CI_PIPELINE_ID", "4711"),
            ("CI_JOB_ID", "88231"),
            ("CI_COMMIT_SHA", commit),
            ("CI_JOB_URL", "https://gitlab.example.com/xx/-/jobs/88231"),
            ("CI_ENVIRONMENT_NAME", "production"),
            ("CI_JOB_STATUS", "success"),
        ]);
        let jenkins =
            of(&[("BUILD_TAG", "jenkins-netaudit-42"), ("BUILD_URL", "https://ci.example.com/job/netaudit/42/"), ("GIT_COMMIT", commit)]);
        for (name, env) in [("github", &github), ("gitlab", &gitlab)] {
            for script in scalars(&snippet(name), &["run: |", "- |"]).iter().filter(|s| s.contains("curl")) {
                // A runner that lost the answer says the same again, and nothing changes.
                let script = script.replace("$(date -u +%Y-%m-%dT%H:%M:%SZ)", &now());
                run(&script, env).await;
                run(&script, env).await;
            }
        }
        let groovy = snippet("jenkins");
        let scripts: Vec<&str> = groovy.split("sh '''\n").skip(1).map(|rest| rest.split_once("'''").unwrap().0).collect();
        for script in scripts.iter().filter(|s| s.contains("curl") && !s.contains("FAILED")) {
            run(script, &jenkins).await;
        }
        run(
            &snippet("shell").replace("./deploy.sh production", "true"),
            &of(&[("BUILD_ID", "77"), ("CI_COMMIT_SHA", commit), ("RUN", "77")]),
        )
        .await;
        let admin = app.person("运维", &["OPS"]);
        let list = deployments(&admin).await;
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), 4, "{list:#?}");
        for deployment in list {
            assert_eq!(
                (&deployment["status"], &deployment["standing"], &deployment["environment"]),
                (&json!("SUCCEEDED"), &json!("ATTACHED"), &json!("production"))
            );
            assert!(deployment["startedAt"].is_string() && deployment["finishedAt"].is_string(), "{deployment}");
        }
        served.end().await;
    })
    .await;
}

#[tokio::test]
async fn argo_cds_templates_are_calls() {
    each_database(async |app| {
        crate::deployments::draft(app, "REL-APP-2026-001").await;
        let ci = app.person("ci", &["PIPELINE"]);
        let bodies = scalars(&snippet("argocd"), &["body: |"]);
        assert_eq!(bodies.len(), 3, "running, deployed, failed");
        let known = [
            ("{{.app.metadata.uid}}", "0d7d3e3c"),
            ("{{.app.metadata.name}}", "netaudit"),
            ("{{.app.status.operationState.startedAt}}", "2026-03-28T13:42:10Z"),
            ("{{.app.status.operationState.finishedAt}}", "2026-03-28T13:50:00Z"),
            ("{{.app.status.operationState.syncResult.revision}}", "03540e4eecf892a46485aa205c7af46e95583cbf"),
            ("{{.app.status.sync.revision}}", "03540e4eecf892a46485aa205c7af46e95583cbf"),
            ("{{index .app.metadata.annotations \"relsum/application\"}}", "REL-APP-2026-001"),
            ("{{index .app.metadata.annotations \"relsum/environment\"}}", "production"),
            ("{{.context.argocdUrl}}", "https://argocd.example.com"),
        ];
        for body in bodies.iter().filter(|body| !body.contains("FAILED")) {
            let body = known.iter().fold(body.clone(), |body, (from, to)| body.replace(from, to));
            assert!(!body.contains("{{"), "{body}");
            let (status, answer) = ci.posts_with("/api/v1/deployments", &[], body.into_bytes()).await;
            assert!(status == 200 || status == 201, "{answer:#}");
        }
        let list = deployments(&app.person("运维", &["OPS"])).await;
        assert_eq!(
            (list.as_array().unwrap().len(), &list[0]["status"], &list[0]["finishedAt"]),
            (1, &json!("SUCCEEDED"), &json!("2026-03-28T13:50:00Z"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_waits_for_a_service_that_is_away_and_says_what_is_wrong() {
    each_database(async |app| {
        let served = Served::start(app).await;
        let (url, token) = (format!("http://{}", served.address), app.person("ci", &["PIPELINE"]).token);
        let report = async |url: &str, more: &[&str]| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_relsum"));
            command.args(["deployment", "report", "--url", url, "--token", &token, "--id", "run-1", "--status", "succeeded"]).args(more);
            let output = command.output().await.unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
        };
        let (ok, _, said) = report(&url, &[]).await;
        assert!(!ok && said.contains("environment: ") && said.contains("applicationNumber: "), "{said}");
        let whole = ["--environment", "production", "--application", "REL-APP-2026-001"];
        let (ok, told, _) = report(&url, &whole).await;
        assert!(ok && told.starts_with("SUCCEEDED PARKED: "), "{told}");
        let (ok, _, said) = report(&url, &[&whole[..], &["--require-report"]].concat()).await;
        assert!(!ok && said.contains("belongs to no report"), "{said}");
        // Nobody listens there: it is tried again until the time is up, and the key is told.
        let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (ok, _, said) = report(&format!("http://{away}"), &[&whole[..], &["--wait", "2"]].concat()).await;
        assert!(!ok && said.contains("trying again in 1 s") && said.contains("--idempotency-key"), "{said}");
        served.end().await;
    })
    .await;
}
