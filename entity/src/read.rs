//! Reading times and dates from JSON as the databases write them. They are the most of what a report's rows are made of, and the general
//! reader of `chrono` takes ten times as long; what is written otherwise is left to it.

use std::{fmt::Display, str::FromStr};

use sea_orm::prelude::{Date, DateTimeUtc};
use serde::{Deserialize, Deserializer, de};

/// A time.
///
/// # Errors
/// The deserializer's, for what is none.
pub fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTimeUtc, D::Error> {
    Quick::deserialize(from).map(|Quick(at)| at)
}

/// A time, or none.
///
/// # Errors
/// As above.
pub fn maybe_instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTimeUtc>, D::Error> {
    Ok(Option::deserialize(from)?.map(|Quick(at)| at))
}

/// A date.
///
/// # Errors
/// As above.
pub fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    Quick::deserialize(from).map(|Quick(day)| day)
}

/// A date, or none.
///
/// # Errors
/// As above.
pub fn maybe_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    Ok(Option::deserialize(from)?.map(|Quick(day)| day))
}

/// What is read quickly from a text.
struct Quick<T>(T);

impl<'de, T: Written> Deserialize<'de> for Quick<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text<T>(std::marker::PhantomData<T>);
        impl<T: Written> de::Visitor<'_> for Text<T> {
            type Value = T;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(T::WHAT)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                T::quickly(text.as_bytes()).map_or_else(|| text.parse().map_err(E::custom), Ok)
            }
        }
        from.deserialize_str(Text(std::marker::PhantomData)).map(Self)
    }
}

/// What the general reader reads from any form.
trait Written: FromStr<Err: Display> {
    const WHAT: &'static str;
    /// From the usual form.
    fn quickly(text: &[u8]) -> Option<Self>;
}

/// A number of digits alone.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')))
}

impl Written for Date {
    const WHAT: &'static str = "a date";

    fn quickly(text: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
        let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
        Self::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
    }
}

impl Written for DateTimeUtc {
    const WHAT: &'static str = "a time";

    fn quickly(text: &[u8]) -> Option<Self> {
        let (day, rest) = text.split_at_checked(10)?;
        let ([b'T' | b' ', h1, h2, b':', m1, m2, b':', s1, s2], rest) = rest.split_first_chunk::<9>()? else { return None };
        let rest = rest.strip_suffix(b"+00:00").or_else(|| rest.strip_suffix(b"Z"))?;
        let nanos = match rest {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => number(digits)? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?),
            _ => return None,
        };
        let day = Date::quickly(day)?;
        Some(day.and_hms_nano_opt(number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?, nanos)?.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::Written;
    use sea_orm::prelude::{Date, DateTimeUtc};

    #[test]
    fn what_is_read_quickly_is_what_the_general_reader_reads() {
        for text in [
            "2026-03-28T13:42:10Z",
            "2026-03-28T13:42:10+00:00",
            "2026-03-28 13:42:10+00:00",
            "2026-03-28T13:42:10.5+00:00",
            "2026-03-28T13:42:10.000001Z",
            "2026-03-28T13:42:10.123456789Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999+00:00",
        ] {
            assert_eq!(DateTimeUtc::quickly(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in ["2026-03-28", "0001-01-01", "2024-02-29"] {
            assert_eq!(Date::quickly(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_the_general_reader() {
        for text in [
            "",
            "2026-03-28",
            "2026-03-28T13:42:10",
            "2026-03-28T13:42:10+08:00",
            "2026-02-29T00:00:00Z",
            "2026-03-28T24:00:00Z",
            "2026-03-28T13:42:60Z",
            "2026-03-28T13:42:10.Z",
            "2026-03-28T13:42:10.1234567890Z",
            "+026-03-28T13:42:10Z",
            "12026-03-28T13:42:10Z",
            "2026-0३-28T13:42:10Z",
        ] {
            assert_eq!(DateTimeUtc::quickly(text.as_bytes()), None, "{text}");
        }
        for text in ["", "2026-3-28", "2025-02-29", "12026-03-28", "-026-03-28"] {
            assert_eq!(Date::quickly(text.as_bytes()), None, "{text}");
        }
    }
}
