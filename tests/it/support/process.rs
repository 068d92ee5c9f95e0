//! The binary as a process of its own: started, asked over HTTP, killed.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

/// A folder of the test's own.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The binary, or what starts it, in a folder, with nothing of this shell's configuration.
pub fn relsum_by(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RELSUM_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("RELSUM_LISTEN", "127.0.0.1:0");
    command
}

/// Runs a command of the binary to its end.
pub fn run(folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    relsum_by(env!("CARGO_BIN_EXE_relsum"), folder).args(arguments).envs(env.iter().copied()).output().unwrap()
}

/// Runs a command that must succeed, and gives what it printed.
pub fn prints(folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> String {
    let output = run(folder, arguments, env);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A running service.
pub struct Service {
    child: Child,
    pub address: String,
}

impl Service {
    /// Starts a command whose log tells the address, as that of production does, in JSON.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.env("RELSUM_LOG_FORMAT", "json").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut before = String::new();
        let address = lines.find_map(|line| {
            before.push_str(&line);
            serde_json::from_str::<Value>(&line).ok()?.get("address")?.as_str().map(str::to_owned)
        });
        // A full pipe would stop the service at its next line.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address: address.unwrap_or_else(|| panic!("no address: {before}")), child }
    }

    /// `kill -9`.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGTERM; whether it ended cleanly.
    pub fn stop(mut self) -> bool {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

/// A test that fails leaves nothing running.
impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks over HTTP: the status and the JSON, or nothing where the connection broke.
pub async fn ask(address: &str, token: &str, query: &str, variables: Value) -> Option<(u16, Value)> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = reqwest::Client::new().post(format!("http://{address}/graphql")).bearer_auth(token);
    let answer = request.header("content-type", "application/json").body(body).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}
