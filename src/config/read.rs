//! How settings are read that have a form of their own: switches, maps, lists, rates.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

/// How often something may happen: so many times in a period, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Times in a period.
    pub times: NonZeroU32,
    /// The period.
    pub period: Duration,
    /// Times at once; as many as in a period unless given.
    pub burst: NonZeroU32,
}

impl std::str::FromStr for Rate {
    type Err = &'static str;

    /// `50`, `50/s`, `600/m`, `5000/h`, each with `:burst` if more or fewer may come at once.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected off, or a rate such as 50/s, 600/m or 50/s:500";
        let (rate, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let (times, unit) = rate.split_once('/').unwrap_or((rate, "s"));
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(WRONG),
        };
        let number = |text: &str| text.trim().parse::<NonZeroU32>().map_err(|_| WRONG);
        let times = number(times)?;
        let burst = burst.map_or(Ok(times), number)?;
        Ok(Self { times, period: Duration::from_secs(seconds), burst })
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.period.as_secs() {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        write!(f, "{}/{unit}:{}", self.times, self.burst)
    }
}

/// A limit that may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// No limit.
    Off,
    /// This many.
    Of(Rate),
}

impl Serialize for RateLimit {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => to.serialize_str("off"),
            Self::Of(rate) => to.collect_str(rate),
        }
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Off(bool),
            Number(u32),
            Text(String),
        }
        let text = match Given::deserialize(from)? {
            Given::Off(false) => return Ok(Self::Off),
            Given::Off(true) => String::new(),
            Given::Number(number) => number.to_string(),
            Given::Text(text) if text == "off" => return Ok(Self::Off),
            Given::Text(text) => text,
        };
        text.parse().map(Self::Of).map_err(serde::de::Error::custom)
    }
}

pub(super) fn switch<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    optional_switch(from)?.ok_or_else(|| serde::de::Error::custom("expected on or off"))
}

/// `on`, `off`, `true`, `false`, or nothing.
pub(super) fn optional_switch<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Bool(bool),
        Text(String),
    }
    match Option::<Switch>::deserialize(from)? {
        None => Ok(None),
        Some(Switch::Bool(on)) => Ok(Some(on)),
        Some(Switch::Text(text)) => match text.as_str() {
            "on" | "true" => Ok(Some(true)),
            "off" | "false" => Ok(Some(false)),
            _ => Err(serde::de::Error::custom("expected on or off")),
        },
    }
}

/// A table, or the text `a=b,c=d`.
pub(super) fn map_or_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Map {
        Table(BTreeMap<String, String>),
        Text(String),
    }
    match Map::deserialize(from)? {
        Map::Table(map) => Ok(map),
        Map::Text(text) => text
            .split(',')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| pair.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())))
            .collect::<Option<_>>()
            .ok_or_else(|| serde::de::Error::custom("expected pairs such as ops-leads=OPS:HEAD, separated by commas")),
    }
}

/// A list, or the text `a,b`.
pub(super) fn list_or_text<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Item {
        Text(String),
        Number(u64),
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Many(Vec<Item>),
        One(Item),
    }
    let text = |item: Item| match item {
        Item::Text(text) => text,
        Item::Number(number) => number.to_string(),
    };
    let items: Vec<String> = match List::deserialize(from)? {
        List::Many(items) => items.into_iter().map(text).collect(),
        List::One(item) => text(item).split(',').map(str::to_owned).collect(),
    };
    let items = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    items.map(|item| item.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_read_as_it_is_written() {
        for (text, told) in [("50", "50/s:50"), ("600/m", "600/m:600"), ("50/s:500", "50/s:500"), ("9/h", "9/h:9")] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), told);
        }
        for wrong in ["", "0", "x", "5/d", "5:", "-1", "5/s:0"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
