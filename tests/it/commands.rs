//! The binary as a new user and an operator meet it.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::support::process::{folder, relsum_by, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn one_command_makes_a_database_fills_it_prints_tokens_serves_and_ends_on_sigterm() {
    let folder = folder("serve");
    let mut child = relsum_by(env!("CARGO_BIN_EXE_relsum"), &folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|l| l.strip_prefix("Relsum is ready at ").map(|a| a.split(' ').next().unwrap().to_owned())).unwrap();
    let head = lines.by_ref().find(|l| l.contains("product head")).unwrap();
    assert!(head.contains("张伟"));
    let token = lines.next().unwrap().trim().to_owned();
    let all: Vec<String> = lines.by_ref().take_while(|l| !l.starts_with("Stop")).collect();
    for who in ["product member", "operations head", "operations member", "committee head", "auditor", "pipeline", "admin"] {
        assert!(all.iter().any(|l| l.contains(who)), "{who}");
    }
    let answer = text(
        &Command::new("curl")
            .args([
                "-s",
                &format!("{address}/graphql"),
                "-H",
                "content-type: application/json",
                "-H",
                &format!("authorization: Bearer {token}"),
            ])
            .args(["-d", r#"{"query":"{ viewer { name } reports { totalCount } }"}"#])
            .output()
            .unwrap()
            .stdout,
    );
    assert!(answer.starts_with(r#"{"data":{"viewer":{"name":"张伟"},"reports":{"totalCount":40}},"#), "{answer}");
    let healthy = run(&folder, &["healthcheck"], &[("RELSUM_LISTEN", address.strip_prefix("http://").unwrap())]);
    assert!(healthy.status.success(), "{}", text(&healthy.stderr));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "SIGTERM ends it cleanly");
    let backup = run(&folder, &["backup", "copy.db"], &[]);
    assert!(backup.status.success(), "{}", text(&backup.stderr));
    assert!(folder.join("copy.db").metadata().unwrap().len() > 100_000);
    assert!(!run(&folder, &["backup", "copy.db"], &[]).status.success(), "an existing file is not overwritten");
    assert!(!run(&folder, &["demo"], &[]).status.success(), "demo content goes into an empty database only");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_keep_it_from_ending() {
    let folder = folder("unread");
    let mut child = relsum_by(env!("CARGO_BIN_EXE_relsum"), &folder)
        .env("RELSUM_DEMO", "off")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Stop with")));
    drop(child.stderr.take());
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_configuration_is_told_with_the_name_of_what_is_wrong_and_no_secret() {
    let folder = folder("config");
    for (env, told) in [
        (vec![("RELSUM_LISTEN", "0.0.0.0:80")], "RELSUM_LISTEN: development mode listens on loopback only"),
        (vec![("RELSUM_LISTEN", "here")], "RELSUM_LISTEN"),
        (vec![("RELSUM_DATABASE_URL", "mysql://root:hunter2@db/x")], "RELSUM_DATABASE_URL: must begin with sqlite: or postgres://"),
        (vec![("RELSUM_MODE", "production")], "RELSUM_JWT_JWKS: production mode needs"),
        (vec![("RELSUM_MODE", "produktion")], "RELSUM_MODE"),
        (vec![("RELSUM_JWT_SECRET", "hunter2")], "RELSUM_JWT_SECRET: must have at least 32 bytes"),
        (vec![("RELSUM_TIME_ZONE", "Mars/Olympus")], "RELSUM_TIME_ZONE"),
        (vec![("RELSUM_DEMO", "maybe")], "RELSUM_DEMO: expected on or off"),
        (vec![("RELSUM_COLOUR", "red")], "RELSUM_COLOUR: unknown setting"),
    ] {
        let output = run(&folder, &["check-config"], &env);
        let errors = text(&output.stderr);
        assert!(!output.status.success() && errors.contains(told), "{env:?}: {errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    let secret = "hunter2 hunter2 hunter2 hunter2 hunter2";
    let output = run(
        &folder,
        &["check-config"],
        &[("RELSUM_JWT_SECRET", secret), ("RELSUM_DEMO", "off"), ("RELSUM_DATABASE_URL", "postgres://u:hunter2@db/x")],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("hunter2"));
    std::fs::write(
        folder.join("relsum.toml"),
        "organization_name = \"某某公司\"\ndemo = \"off\"\n[jwt_membership_map]\nops = \"OPS:HEAD\"\n",
    )
    .unwrap();
    let output = run(&folder, &["check-config"], &[]);
    assert!(text(&output.stdout).contains("某某公司") && text(&output.stdout).contains("demo: false"), "{}", text(&output.stderr));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn keys_tokens_schema_and_migrations() {
    let folder = folder("upkeep");
    assert!(run(&folder, &["keys", "--out", "k"], &[]).status.success());
    assert!(!run(&folder, &["keys", "--out", "k"], &[]).status.success(), "keys are not overwritten");
    let production = [
        ("RELSUM_MODE", "production"),
        ("RELSUM_JWT_JWKS", "k/relsum-jwks.json"),
        ("RELSUM_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ];
    let token = run(
        &folder,
        &["token", "--key", "k/relsum-private.pem", "--sub", "u-1", "--membership", "OPS:HEAD", "--role", "AUDITOR", "--ttl", "1h"],
        &production,
    );
    assert_eq!(text(&token.stdout).split('.').count(), 3, "{}", text(&token.stderr));
    for wrong in [vec!["--membership", "ops:boss"], vec!["--role", "KING"], vec!["--ttl", "soon"]] {
        let output = run(&folder, &[vec!["token", "--sub", "x"], wrong.clone()].concat(), &[]);
        assert!(text(&output.stderr).contains(wrong[0]), "{wrong:?}");
    }
    assert_eq!(text(&run(&folder, &["schema"], &[]).stdout), include_str!("../../schema.graphql"));
    assert_eq!(text(&run(&folder, &["openapi"], &[]).stdout), include_str!("../../openapi.json"), "relsum openapi > openapi.json");
    assert!(text(&run(&folder, &["migrate", "status"], &[]).stdout).contains("missing  m20261122_000001_catalog"));
    assert!(text(&run(&folder, &["migrate", "up"], &[]).stdout).contains("applied  m20261124_000008_delivery"));
    assert!(text(&run(&folder, &["migrate", "down"], &[]).stdout).contains("missing  m20261126_000010_parked"));
    // Production never migrates by itself, and does not serve a schema that it does not know.
    let output = run(&folder, &["serve"], &production);
    assert!(!output.status.success() && text(&output.stderr).contains("relsum migrate up"), "{}", text(&output.stderr));
    std::fs::remove_dir_all(folder).unwrap();
}
