//! Plays the worked example of `docs/front-end.md`: each block is run as the person it names, and must pass.

use std::collections::BTreeMap;

use serde_json::Value;

use super::TestApp;

/// One block of the guide.
struct Block {
    /// Such as `张伟 PRODUCT:HEAD`.
    who: String,
    /// Names for values of the answer: `reportId:/reportCreate/report/id`.
    keep: Vec<(String, String)>,
    /// A name that a test can play up to.
    mark: Option<String>,
    query: String,
    variables: String,
}

fn blocks() -> Vec<Block> {
    let text = include_str!("../../../docs/front-end.md");
    let mut blocks = Vec::new();
    for part in text.split("<!-- run").skip(1) {
        let (head, rest) = part.split_once("-->").unwrap();
        let mut block = Block { who: String::new(), keep: vec![], mark: None, query: fenced(rest, "graphql"), variables: "{}".into() };
        for line in head.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (name, value) = line.split_once(' ').unwrap();
            match name {
                "as" => block.who = value.to_owned(),
                "keep" => {
                    let (name, path) = value.split_once(' ').unwrap();
                    block.keep.push((name.to_owned(), path.to_owned()));
                }
                "mark" => block.mark = Some(value.to_owned()),
                other => panic!("unknown word {other}"),
            }
        }
        if rest.contains("```json") {
            block.variables = fenced(rest, "json");
        }
        blocks.push(block);
    }
    blocks
}

fn fenced(text: &str, language: &str) -> String {
    let start = text.find(&format!("```{language}\n")).unwrap_or_else(|| panic!("no {language} in {text}")) + language.len() + 4;
    let end = text[start..].find("```").unwrap();
    text[start..start + end].to_owned()
}

/// Plays the guide up to and with the block that is marked so (or to its end), and gives the values it kept.
pub async fn play(app: &TestApp, until: &str) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for block in blocks() {
        let mut words = block.who.split(' ');
        let name = words.next().unwrap();
        let person = app.person(name, &words.collect::<Vec<_>>());
        let mut variables = block.variables.clone();
        for (name, value) in &kept {
            variables = variables.replace(&format!("{{{{{name}}}}}"), value);
        }
        assert!(!variables.contains("{{"), "unknown name in {variables}");
        let variables: Value = serde_json::from_str(&variables).unwrap_or_else(|e| panic!("{e}: {variables}"));
        let data = person.read(&block.query, variables).await;
        for payload in data.as_object().unwrap().values() {
            if let Some(errors) = payload.get("userErrors") {
                assert_eq!(errors, &serde_json::json!([]), "{}", block.query);
            }
        }
        for (name, path) in block.keep {
            let value = data.pointer(&path).unwrap_or_else(|| panic!("no {path} in {data:#}"));
            kept.insert(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        if block.mark.as_deref() == Some(until) {
            return kept;
        }
    }
    assert_eq!(until, "the end", "nothing is marked {until}");
    kept
}
