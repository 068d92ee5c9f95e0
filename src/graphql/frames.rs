//! The messages of `graphql-transport-ws`, and the codes with which its sockets close.

use std::borrow::Cow;

use serde_json::{Value, json};

/// Why a socket is closed: the code and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close(pub u16, pub Cow<'static, str>);

/// The service stops; connect to another replica.
pub const GOING_AWAY: Close = Close(1001, Cow::Borrowed("The service is going away"));
/// A frame is larger than allowed.
pub const TOO_BIG: Close = Close(1009, Cow::Borrowed("The message is too big"));
/// The client reads too slowly.
pub const TOO_SLOW: Close = Close(1008, Cow::Borrowed("The client reads too slowly"));
/// A message is none of the protocol.
pub const INVALID: Close = Close(4400, Cow::Borrowed("Invalid message received"));
/// A subscription before the connection was acknowledged.
pub const UNAUTHORIZED: Close = Close(4401, Cow::Borrowed("Unauthorized"));
/// The token does not hold.
pub const FORBIDDEN: Close = Close(4403, Cow::Borrowed("Forbidden"));
/// The token has expired.
pub const EXPIRED: Close = Close(4403, Cow::Borrowed("Forbidden: the token has expired"));
/// The client speaks another protocol.
pub const SUBPROTOCOL: Close = Close(4406, Cow::Borrowed("Subprotocol not acceptable"));
/// No `connection_init` came.
pub const INIT_TIMEOUT: Close = Close(4408, Cow::Borrowed("Connection initialisation timeout"));
/// A second `connection_init` came.
pub const INIT_AGAIN: Close = Close(4429, Cow::Borrowed("Too many initialisation requests"));
/// The subject has as many sockets as it may, or asks too often.
pub const TOO_MANY: Close = Close(4429, Cow::Borrowed("Too many sockets or requests of this subject"));

/// A message of the client.
#[derive(Debug, PartialEq)]
pub enum Message {
    /// `connection_init`, with its payload.
    Init(Value),
    /// `subscribe`: id and payload.
    Subscribe(String, Value),
    /// `complete`: id.
    Complete(String),
    /// `ping`.
    Ping,
    /// `pong`.
    Pong,
}

/// Longest id of a subscription, in bytes.
const ID: usize = 256;

/// Reads a message; nothing where it is none.
pub fn read(text: &str) -> Option<Message> {
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return None };
    let payload = message.remove("payload").unwrap_or(Value::Null);
    let id = |message: &serde_json::Map<String, Value>| {
        let id = message.get("id")?.as_str()?;
        (!id.is_empty() && id.len() <= ID).then(|| id.to_owned())
    };
    let plain = payload.is_null() || payload.is_object();
    match message.get("type")?.as_str()? {
        "connection_init" if plain => Some(Message::Init(payload)),
        "ping" if plain => Some(Message::Ping),
        "pong" if plain => Some(Message::Pong),
        "complete" => Some(Message::Complete(id(&message)?)),
        "subscribe" => {
            let text = |name: &str| payload.get(name).is_none_or(|value| value.is_null() || value.is_string());
            let object = |name: &str| payload.get(name).is_none_or(|value| value.is_null() || value.is_object());
            let named = ["query", "documentId", "extensions"].iter().any(|name| payload.get(name).is_some_and(|value| !value.is_null()));
            let fits = named && text("query") && text("operationName") && text("documentId") && object("variables") && object("extensions");
            Some(Message::Subscribe(id(&message)?, fits.then_some(payload)?))
        }
        _ => None,
    }
}

/// `next`; the payload is JSON already.
pub fn next(id: &str, payload: &str) -> String {
    format!("{{\"id\":{},\"type\":\"next\",\"payload\":{payload}}}", json!(id))
}

/// `error`: the operation ends with these errors.
pub fn error(id: &str, errors: &Value) -> String {
    json!({ "id": id, "type": "error", "payload": errors }).to_string()
}

/// `complete`.
pub fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

/// `connection_ack`.
pub const ACK: &str = "{\"type\":\"connection_ack\"}";
/// `pong`.
pub const PONG: &str = "{\"type\":\"pong\"}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_the_protocol_are_read() {
        assert_eq!(read(r#"{"type":"ping"}"#), Some(Message::Ping));
        assert_eq!(read(r#"{"type":"complete","id":"1"}"#), Some(Message::Complete("1".into())));
        for wrong in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"","variables":5}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":""}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":""}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"connection_init","payload":1}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
