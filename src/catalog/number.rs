//! `REL-SUM-YYYY-NNN` and `REL-APP-YYYY-NNN`: types that exist only when they are valid; and versions, compared and sorted.

use std::fmt;

use crate::error::{Error, Result, UserErrorCode, say};

/// The number of a report or an application: a year and a sequence of at least three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormNumber {
    prefix: &'static str,
    /// The year.
    pub year: i32,
    /// The sequence within the year, from 1.
    pub sequence: i32,
}

impl FormNumber {
    /// The number of a report.
    pub fn report(year: i32, sequence: i32) -> Self {
        Self { prefix: "REL-SUM", year, sequence }
    }

    /// The number of an application.
    pub fn application_of(year: i32, sequence: i32) -> Self {
        Self { prefix: "REL-APP", year, sequence }
    }

    /// Reads a report's number.
    pub fn read_report(text: &str) -> Option<Self> {
        read("REL-SUM", text)
    }

    /// Reads an application's number.
    ///
    /// # Errors
    /// The user error `INVALID` at `path`.
    pub fn application(path: &str, text: &str) -> Result<Self> {
        read("REL-APP", text).ok_or_else(|| {
            let said = say(
                "An application number is REL-APP-, a year and at least three digits, as REL-APP-2026-001",
                "发布申请编号格式为 REL-APP-年份-序号（至少三位），如 REL-APP-2026-001",
            );
            Error::user(UserErrorCode::Invalid, path, said)
        })
    }
}

fn read(prefix: &'static str, text: &str) -> Option<FormNumber> {
    let (year, sequence) = text.trim().strip_prefix(prefix)?.strip_prefix('-')?.split_once('-')?;
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || !digits(year) || !(3..=9).contains(&sequence.len()) || !digits(sequence) {
        return None;
    }
    if sequence.len() > 3 && sequence.starts_with('0') {
        return None;
    }
    let number = FormNumber { prefix, year: year.parse().ok()?, sequence: sequence.parse().ok()? };
    ((2000..=2999).contains(&number.year) && number.sequence > 0).then_some(number)
}

impl fmt::Display for FormNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:03}", self.prefix, self.year, self.sequence)
    }
}

/// What versions are compared by: trimmed, without case, with or without the V.
pub fn version_key(version: &str) -> String {
    let lower = version.trim().to_lowercase();
    match lower.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        _ => lower,
    }
}

/// Sorts as a version: runs of digits by their value, and a release after its own pre-releases.
pub fn version_sort(version: &str) -> String {
    let key = version_key(version);
    let key = key.split('+').next().unwrap_or_default();
    let (core, pre) = key.split_once('-').map_or((key, None), |(core, pre)| (core, Some(pre)));
    // `-` sorts before `~`: 4.1.2-rc.1 comes before 4.1.2.
    match pre {
        Some(pre) => format!("{}-{}", padded(core), padded(pre)),
        None => format!("{}~", padded(core)),
    }
}

fn padded(text: &str) -> String {
    let parts = text.split('.').map(|part| {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let number = number.trim_start_matches('0');
        if digits == 0 { rest.to_owned() } else { format!("{number:0>12}{rest}") }
    });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for good in ["REL-APP-2026-001", "REL-APP-2026-999", "REL-APP-2026-1000"] {
            assert_eq!(read("REL-APP", good).map(|n| n.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "REL-APP-2026-01",
            "REL-APP-26-001",
            "REL-APP-2026-000",
            "REL-APP-2026-0100",
            "REL-SUM-2026-001",
            "rel-app-2026-001",
            "",
            "REL-APP-1999-001",
            "REL-APP-2026-1234567890",
            "REL-APP-２０２６-001",
        ] {
            assert_eq!(read("REL-APP", bad), None, "{bad}");
        }
    }

    #[test]
    fn versions_compare_without_case_and_v_and_sort_by_their_numbers() {
        assert_eq!(version_key(" V4.1.2 "), version_key("4.1.2"));
        let mut versions = ["V4.10.0", "v4.9.1", "4.10.0-rc.2", "V4.10.0-rc.10", "V10.0.0", "V4.10"];
        versions.sort_by_key(|v| version_sort(v));
        assert_eq!(versions, ["v4.9.1", "4.10.0-rc.2", "V4.10.0-rc.10", "V4.10.0", "V4.10", "V10.0.0"]);
    }
}
