//! Reading payloads of the wild: a field is there, or it is not, and times come in many forms.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;

use super::told::Told;
use crate::error::{Said, say};

/// What a delivery turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something about a deployment.
    Deployment {
        /// The sender's id of it.
        id: String,
        /// What it says.
        told: Box<Told>,
        /// It takes back what succeeded last among those whose ids begin so.
        withdraws: Option<String>,
    },
    /// Nothing that Relsum keeps, and why.
    Nothing(Said),
}

/// What cannot be read: which field, and what it should be.
pub fn unreadable(field: &str, en: &str, zh: &str) -> Said {
    say(format!("{field}: {en}"), format!("{field}：{zh}"))
}

/// A payload.
pub struct Payload<'a>(pub &'a Value);

impl Payload<'_> {
    /// A text that is not blank, at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<String> {
        let text = self.0.pointer(pointer)?.as_str()?.trim();
        (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
    }

    /// A text or number, as text.
    pub fn id(&self, pointer: &str) -> Option<String> {
        match self.0.pointer(pointer)? {
            Value::Number(number) => Some(number.to_string()),
            _ => self.text(pointer),
        }
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// That it is missing.
    pub fn needed(&self, pointer: &str) -> Result<String, Said> {
        self.id(pointer).ok_or_else(|| unreadable(&named(pointer), "is missing", "缺失"))
    }

    /// A truth.
    pub fn flag(&self, pointer: &str) -> Option<bool> {
        self.0.pointer(pointer)?.as_bool()
    }

    /// A time, in any of the forms in use; it has to name its offset.
    ///
    /// # Errors
    /// That it is there and is no time.
    pub fn time(&self, pointer: &str) -> Result<Option<DateTime<Utc>>, Said> {
        let Some(text) = self.text(pointer) else { return Ok(None) };
        let read = time(&text).ok_or_else(|| unreadable(&named(pointer), "is no time with an offset", "不是带时区偏移的时间"));
        read.map(Some)
    }
}

/// `/deployment/id` as people write it: `deployment.id`.
pub fn named(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// RFC 3339, or what Ruby prints (`2026-03-28 21:50:00 +0800`, `2026-03-28 13:50:00 UTC`).
fn time(text: &str) -> Option<DateTime<Utc>> {
    let rfc = || DateTime::parse_from_rfc3339(text).ok();
    let ruby = || DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z").ok();
    let named_utc = || DateTime::parse_from_str(&format!("{}+0000", text.strip_suffix("UTC")?), "%Y-%m-%d %H:%M:%S%.f %z").ok();
    let compact = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok();
    rfc().or_else(ruby).or_else(named_utc).or_else(compact).map(|at| at.with_timezone(&Utc).trunc_subsecs(6))
}

/// An application number in a text such as a release's description.
pub fn application_in(text: &str) -> Option<String> {
    let at = text.find("REL-APP-")?;
    let number: String = text.get(at..)?.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(number.trim_end_matches('-').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_wild_are_read_and_naive_ones_are_not() {
        for text in [
            "2026-03-28T13:50:00Z",
            "2026-03-28T21:50:00+08:00",
            "2026-03-28T21:50:00.000+0800",
            "2026-03-28 21:50:00 +0800",
            "2026-03-28 13:50:00 UTC",
        ] {
            assert_eq!(time(text), Some("2026-03-28T13:50:00Z".parse().unwrap()), "{text}");
        }
        for text in ["2026-03-28T13:50:00", "2026-03-28 21:50:00", "2026-03-28", "1774705800", ""] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn an_application_is_found_in_a_text() {
        assert_eq!(application_in("V4.1.2 (REL-APP-2026-015)").as_deref(), Some("REL-APP-2026-015"));
        assert_eq!(application_in("V4.1.2"), None);
    }
}
