//! Answers as text. An object that is written at once stands among the values of an answer as the text that it is, in the library's
//! [`Value::Binary`], which nothing else here is: what would be a map, hashed, walked and dropped again, is bytes.

use async_graphql::Value;

/// An object of these fields, each named once, as text.
pub fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)> + Clone) -> Value {
    Value::Binary(whole(fields).into())
}

/// The whole answer.
pub fn whole<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)> + Clone) -> Vec<u8> {
    // Two quotes, a colon and a comma beside each name.
    let size = fields.clone().map(|(name, value)| name.len() + 4 + room(value)).sum::<usize>();
    let mut text = Vec::with_capacity(size + 2);
    fields_of(fields, &mut text);
    text
}

/// Bytes that a value takes, about: more only where something in it is escaped, or is a long number or an object of its own.
fn room(value: &Value) -> usize {
    match value {
        Value::Null | Value::Boolean(_) => 5,
        Value::Number(_) => 12,
        Value::Binary(written) => written.len(),
        Value::String(string) => string.len() + 2,
        Value::Enum(name) => name.len() + 2,
        Value::List(values) => values.iter().map(|value| room(value) + 1).sum::<usize>() + 2,
        Value::Object(_) => 128,
    }
}

fn fields_of<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>, text: &mut Vec<u8>) {
    text.push(b'{');
    for (place, (name, value)) in fields.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        // Of a scalar that is an object, a name may be anything.
        string(name, text);
        text.push(b':');
        write(value, text);
    }
    text.push(b'}');
}

fn write(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Boolean(true) => text.extend_from_slice(b"true"),
        Value::Boolean(false) => text.extend_from_slice(b"false"),
        Value::Binary(written) => text.extend_from_slice(written),
        Value::Number(number) => json(number, text),
        Value::String(value) => string(value, text),
        Value::Enum(name) => string(name, text),
        Value::List(values) => {
            text.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write(value, text);
            }
            text.push(b']');
        }
        Value::Object(fields) => fields_of(fields.iter().map(|(name, value)| (name.as_str(), value)), text),
    }
}

/// A text. Most have nothing to escape, which is seen of many bytes at a time, where the library goes byte by byte.
fn string(value: &str, text: &mut Vec<u8>) {
    let escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if value.as_bytes().chunks(32).any(|bytes| bytes.iter().fold(false, |any, byte| any | escaped(*byte))) {
        return json(value, text);
    }
    text.push(b'"');
    text.extend_from_slice(value.as_bytes());
    text.push(b'"');
}

/// What cannot be written is not: texts and numbers can.
fn json(value: &(impl serde::Serialize + ?Sized), text: &mut Vec<u8>) {
    let _ = serde_json::to_writer(text, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e12..1e12).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[A-Z_]{1,8}".prop_map(|name| Value::Enum(async_graphql::Name::new(name))),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|fields| Value::Object(
                    fields.into_iter().map(|(name, value)| (async_graphql::Name::new(name), value)).collect()
                )),
            ]
        })
    }

    /// The same, with every object of it as text.
    fn written(value: Value) -> Value {
        match value {
            Value::Object(fields) if fields.keys().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric())) => {
                let fields: Vec<_> = fields.into_iter().map(|(name, value)| (name, written(value))).collect();
                object(fields.iter().map(|(name, value)| (name.as_str(), value)))
            }
            Value::List(values) => Value::List(values.into_iter().map(written).collect()),
            other => other,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_serde_writes(value in values()) {
            let mut text = Vec::new();
            write(&value, &mut text);
            prop_assert_eq!(&String::from_utf8(text).unwrap(), &serde_json::to_string(&value).unwrap());
            let answer = String::from_utf8(whole([("data", &written(value.clone()))].into_iter())).unwrap();
            prop_assert_eq!(answer, format!("{{\"data\":{}}}", serde_json::to_string(&value).unwrap()));
        }
    }
}
