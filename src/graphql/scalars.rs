//! The scalars of the schema. Each says in its error what it takes.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, SubsecRound, Utc};

/// An instant, as RFC 3339 with an offset: `2026-03-31T16:00:00Z`. Answers are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub DateTime<Utc>);

/// An instant, as RFC 3339 with an offset: `2026-03-31T16:00:00Z`. Answers are in UTC.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Instant {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let at = DateTime::parse_from_rfc3339(text)
            .map_err(|_| InputValueError::custom("a DateTime is RFC 3339 with an offset, such as 2026-03-31T16:00:00Z"))?;
        if !(1900..=9999).contains(&at.year()) {
            return Err(InputValueError::custom("a DateTime lies between the years 1900 and 9999"));
        }
        Ok(Self(at.with_timezone(&Utc).trunc_subsecs(6)))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A calendar date: `2026-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

/// A calendar date: `2026-03-31`.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Day {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let wrong = || InputValueError::custom("a Date is a day that exists, as 2026-03-31");
        if text.len() != 10 {
            return Err(wrong());
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())?;
        if !(1900..=9999).contains(&day.year()) {
            return Err(InputValueError::custom("a Date lies between the years 1900 and 9999"));
        }
        Ok(Self(day))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact decimal with at most two places, as a string: `"1024.50"`. Used for money, hours, gigabytes and percentages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub i64);

/// More than any form needs, and far from where sums overflow.
const LARGEST: i64 = 100_000_000_000_000;

impl Hundredths {
    /// Reads `12`, `-12.5` or `12.50`.
    pub fn read(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(places) || places.len() > 2 || whole.len() > 13 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let places: i64 = format!("{places:0<2}").parse().ok()?;
        let value = whole.checked_mul(100)?.checked_add(places)?;
        (value <= LARGEST).then_some(Self(if negative { -value } else { value }))
    }

    /// Always with two places.
    pub fn text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", value / 100, value % 100)
    }
}

/// An exact decimal with at most two places, as a string: `"1024.50"`. Used for money, hours, gigabytes and percentages.
#[Scalar(name = "Decimal", specified_by_url = "https://www.w3.org/TR/xmlschema-2/#decimal")]
impl ScalarType for Hundredths {
    fn parse(value: Value) -> InputValueResult<Self> {
        let read = match &value {
            Value::String(text) => Self::read(text),
            Value::Number(number) => number.as_i64().and_then(|n| Self::read(&n.to_string())),
            _ => return Err(InputValueError::expected_type(value)),
        };
        read.ok_or_else(|| InputValueError::custom("a Decimal is a string with at most two places, such as \"1024.50\""))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }
}

/// An absolute address with the scheme http or https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

/// An absolute address with the scheme http or https.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let parsed = reqwest::Url::parse(text).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        match parsed {
            Some(_) if text.len() <= 2_000 => Ok(Self(text.clone())),
            _ => Err(InputValueError::custom("a URL is absolute and begins with http:// or https://")),
        }
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Hundredths;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_decimal_survives_its_text(value in -1_000_000_000_000i64..1_000_000_000_000) {
            prop_assert_eq!(Hundredths::read(&Hundredths(value).text()), Some(Hundredths(value)));
        }
    }

    #[test]
    fn a_decimal_has_at_most_two_places_and_no_ornaments() {
        for wrong in ["", ".", "1.", ".5", "1.234", "1e3", "+1", "--1", "１", "1,000", "NaN", "99999999999999999999"] {
            assert_eq!(Hundredths::read(wrong), None, "{wrong}");
        }
        assert_eq!(Hundredths::read("-0.5"), Some(Hundredths(-50)));
    }
}
