//! Content negotiation: what a client accepts, and in which language.

use axum::http::{HeaderMap, header};

use crate::error::Lang;

/// How an answer is serialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells.
    GraphQl,
    /// `application/json`, the default: 200 for every well-formed request.
    Json,
    /// `text/event-stream`: an answer for each event.
    EventStream,
}

impl Media {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
        }
    }
}

/// The best media type that the client accepts; `None`: none of ours (406).
pub fn accepted(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).peekable();
    if values.peek().is_none() {
        return Some(Media::Json);
    }
    let mut best: Option<(f32, u8, Media)> = None;
    for range in values.flat_map(|v| v.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let q = parts.find_map(|p| p.strip_prefix("q=")).map_or(Ok(1.0), str::parse).unwrap_or(0.0);
        let (media, exactness) = match kind.as_str() {
            "application/graphql-response+json" => (Media::GraphQl, 2),
            "application/json" => (Media::Json, 2),
            "text/event-stream" => (Media::EventStream, 2),
            "application/*" => (Media::Json, 1),
            "*/*" => (Media::Json, 0),
            _ => continue,
        };
        let better = best.is_none_or(|(best_q, best_exactness, _)| (q, exactness) > (best_q, best_exactness));
        if q > 0.0 && better {
            best = Some((q, exactness, media));
        }
    }
    best.map(|(_, _, media)| media)
}

/// Whether a body is JSON: `application/json`, in UTF-8 if a charset is named.
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|p| p.to_ascii_lowercase().strip_prefix("charset=").is_none_or(|c| matches!(c.trim_matches('"'), "utf-8" | "utf8")))
}

/// Whether a body comes as it is, not compressed.
pub fn is_plain(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().all(|v| v.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The language of the answer: the first of English and Chinese that the client prefers.
pub fn language(headers: &HeaderMap) -> Lang {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).map_or(Lang::En, language_of)
}

/// The language that the value of `Accept-Language` prefers.
pub fn language_of(value: &str) -> Lang {
    let mut best = (0.0, Lang::En);
    for range in value.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let q: f32 = parts.find_map(|p| p.strip_prefix("q=")).map_or(Ok(1.0), str::parse).unwrap_or(0.0);
        let lang = match tag.split('-').next() {
            Some("zh") => Lang::Zh,
            Some("en") => Lang::En,
            _ => continue,
        };
        if q > best.0 {
            best = (q, lang);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_media_type_that_is_preferred_wins() {
        let of = |value: &str| accepted(&with(header::ACCEPT, value));
        assert_eq!(accepted(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(of("*/*"), Some(Media::Json));
        assert_eq!(of("application/graphql-response+json, application/json;q=0.9"), Some(Media::GraphQl));
        assert_eq!(of("application/json, application/graphql-response+json;q=0.5"), Some(Media::Json));
        assert_eq!(of("text/html"), None);
        assert_eq!(of("application/json;q=0"), None);
    }

    #[test]
    fn chinese_is_spoken_when_preferred() {
        assert_eq!(language(&with(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9,en;q=0.8")), Lang::Zh);
        assert_eq!(language(&with(header::ACCEPT_LANGUAGE, "fr, en;q=0.5, zh;q=0.4")), Lang::En);
    }
}
