//! The layout of `architecture.md`, kept true: who imports whom, how long files are, what may not be written.

use std::{fs, path::Path};

fn files(folder: &str, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(path.to_str().unwrap(), out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for folder in folders {
        files(root.join(folder).to_str().unwrap(), &mut all);
    }
    all.into_iter().map(|(path, text)| (path.replace(&format!("{}/", root.display()), ""), text)).collect()
}

/// The modules of ours that a file names.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (place, _) in text.match_indices("crate::") {
        let rest = &text[place + 7..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.into_iter().map(|w| w.trim().split("::").next().unwrap_or_default().to_owned()).filter(|w| !w.is_empty()).collect()
}

#[test]
fn who_may_import_whom() {
    let sections = ["execution", "problem", "aftermath", "evaluation", "improvement"];
    for (path, text) in sources(&["src"]) {
        let Some((folder, _)) = path.strip_prefix("src/").and_then(|p| p.split_once('/')) else { continue };
        for import in imports(&text) {
            let allowed = match folder {
                "auth" => {
                    matches!(import.as_str(), "auth" | "config" | "error" | "store" if import != "store" || path.ends_with("policy.rs"))
                }
                "store" => matches!(import.as_str(), "store" | "auth" | "clock" | "config" | "error"),
                _ if sections.contains(&folder) => import == folder || !sections.contains(&import.as_str()),
                "catalog" => !sections.contains(&import.as_str()),
                "graphql" => {
                    // The schema gathers all concepts, and the front serves them.
                    ["schema.rs", "front.rs", "http.rs", "socket.rs", "sse.rs"].iter().any(|front| path.ends_with(front))
                        || matches!(import.as_str(), "graphql" | "auth" | "store" | "error" | "config" | "observe" | "pages")
                }
                _ => true,
            };
            assert!(allowed, "{path} imports {import}");
        }
    }
}

#[test]
fn only_the_store_and_upkeep_hold_a_database_connection() {
    for (path, text) in sources(&["src"]) {
        let may = path.starts_with("src/store/") || path.starts_with("src/command/upkeep.rs");
        assert!(may || !text.contains("DatabaseConnection"), "{path}");
        // The library's error would ship the text of anything that prints (api.md, 5).
        let front = path.ends_with("report/mod.rs") || path.starts_with("src/error.rs");
        assert!(front || !text.contains("-> async_graphql::Result"), "{path}");
    }
}

#[test]
fn files_are_short_and_say_at_the_top_what_they_give() {
    for (path, text) in sources(&["src", "entity/src", "migration/src", "tests"]) {
        assert!(text.starts_with("//!"), "{path}");
        let lines = text.lines().count();
        assert!(lines <= 500, "{path} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_undone_or_allowed() {
    for (path, text) in sources(&["src", "entity/src", "migration/src"]) {
        for word in ["todo!(", "unimplemented!(", "#[allow(", "dbg!("] {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}
