//! The class of an environment (`events.md` 25): by the source's ordered rules, else by what the sender says of it, else by its
//! name. And the version in a tag, by the source's rule.

use entity::{environment_rule, pipeline::EnvironmentClass};
use regex::{Regex, RegexBuilder};

/// Names that speak for themselves.
const DEFAULTS: &[(&str, EnvironmentClass)] = &[
    ("prod*", EnvironmentClass::Production),
    ("生产*", EnvironmentClass::Production),
    ("stag*", EnvironmentClass::Staging),
    // Before `pre*`, which means pre-production.
    ("preview*", EnvironmentClass::Other),
    ("pr-*", EnvironmentClass::Other),
    ("pre*", EnvironmentClass::Staging),
    ("uat*", EnvironmentClass::Staging),
    ("预发布*", EnvironmentClass::Staging),
    ("预生产*", EnvironmentClass::Staging),
];

/// The class of an environment.
pub fn class_of(name: &str, tier: Option<EnvironmentClass>, rules: &[environment_rule::Model]) -> EnvironmentClass {
    let ruled = rules.iter().find(|rule| matches(&rule.pattern, name)).map(|rule| rule.class);
    let named = || DEFAULTS.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, class)| *class);
    ruled.or(tier).or_else(named).unwrap_or(EnvironmentClass::Other)
}

/// Whether a name fits a pattern, in which `*` stands for any text; without case. Of a path such as `production/eu`, the whole counts.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.trim().to_lowercase(), name.trim().to_lowercase());
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    let mut rest = rest;
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The rule of a source that says nothing else: `v4.1.2`, `V4.1.2`, `release/4.1.2`, `netaudit-v4.1.2`.
pub const VERSION_PATTERN: &str = r"^(?:refs/tags/)?(?:.*[/@_-])?([vV]?\d+(?:\.\d+)+(?:[-+.][0-9A-Za-z.+-]+)?)$";

/// Reads a rule.
///
/// # Errors
/// What is wrong with it.
pub fn version_rule(pattern: &str) -> Result<Regex, String> {
    let rule = RegexBuilder::new(pattern).size_limit(1 << 18).build().map_err(|e| e.to_string())?;
    if rule.captures_len() == 2 { Ok(rule) } else { Err("it needs exactly one group".into()) }
}

/// The version in a tag or branch.
pub fn version_in(ref_name: &str, rule: &Regex) -> Option<String> {
    let found = rule.captures(ref_name)?.get(1)?.as_str();
    (!found.is_empty() && found.len() <= 60).then(|| found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use EnvironmentClass::*;

    #[test]
    fn names_speak_for_themselves() {
        for (name, class) in [
            ("production", Production),
            ("PROD-eu", Production),
            ("生产环境", Production),
            ("staging", Staging),
            ("pre-release", Staging),
            ("preview/42", Other),
            ("uat", Staging),
            ("预发布环境", Staging),
            ("test", Other),
            ("reproduction", Other),
            ("", Other),
        ] {
            assert_eq!(class_of(name, None, &[]), class, "{name}");
        }
    }

    #[test]
    fn rules_come_before_the_tier_and_the_tier_before_the_name() {
        let rule = |pattern: &str, class| environment_rule::Model {
            id: Default::default(),
            source_id: Default::default(),
            position: 1,
            pattern: pattern.into(),
            class,
        };
        let rules = [rule("prod-canary", Staging), rule("*-live", Production)];
        assert_eq!(class_of("prod-canary", Some(Production), &rules), Staging);
        assert_eq!(class_of("eu-live", None, &rules), Production);
        assert_eq!(class_of("production", Some(Other), &rules), Other);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab", true),
            ("a*a", "a", false),
            ("prod", "production", false),
            ("*prod*", "eu-prod-1", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn versions_are_found_in_tags_and_not_in_branches() {
        let rule = version_rule(VERSION_PATTERN).unwrap();
        for (tag, version) in [
            ("v4.1.2", Some("v4.1.2")),
            ("refs/tags/V4.1.2", Some("V4.1.2")),
            ("release/4.1.2", Some("4.1.2")),
            ("netaudit-v4.1.2", Some("v4.1.2")),
            ("v4.1.2-rc.1", Some("v4.1.2-rc.1")),
            ("main", None),
            ("feature/42", None),
            ("0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa", None),
        ] {
            assert_eq!(version_in(tag, &rule).as_deref(), version, "{tag}");
        }
        assert!(version_rule("(").is_err());
        assert!(version_rule("v4").is_err());
    }
}
