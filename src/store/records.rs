//! Lists of rows within a row. PostgreSQL gives them as arrays of records in its binary form, which it makes, and this reads, in a
//! fraction of the time that JSON takes; SQLite, and PostgreSQL where rows are given whole, give JSON. Models read themselves from either.

use sea_orm::{ColIdx, QueryResult};
use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, SeqAccess, Visitor, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};
use sqlx::{Row, ValueRef};

use crate::error::{Error, Result};

/// Types of PostgreSQL by their number (`pg_type.dat`), as far as tables have them.
mod oid {
    pub const BOOL: i32 = 16;
    pub const BYTEA: i32 = 17;
    pub const INT8: i32 = 20;
    pub const INT2: i32 = 21;
    pub const INT4: i32 = 23;
    pub const TEXT: i32 = 25;
    pub const JSON: i32 = 114;
    pub const VARCHAR: i32 = 1043;
    pub const DATE: i32 = 1082;
    pub const TIMESTAMPTZ: i32 = 1184;
    pub const RECORDS: u32 = 2287;
    pub const UUID: i32 = 2950;
    pub const JSONB: i32 = 3802;
}

/// A list as the database gave it.
pub enum List<'r> {
    /// Of nothing.
    Empty,
    /// In JSON.
    Json(String),
    /// An array of records.
    Records(&'r [u8]),
}

impl<'r> List<'r> {
    /// The list in a column of a row.
    ///
    /// # Errors
    /// A fault, where there is none.
    pub fn of<I: ColIdx>(found: &'r QueryResult, column: I) -> Result<Self> {
        if let Some(row) = found.try_as_pg_row() {
            let value = row.try_get_raw(column.as_sqlx_postgres_index()).map_err(Error::internal)?;
            if value.is_null() {
                return Ok(Self::Empty);
            }
            if value.type_info().oid().is_some_and(|oid| oid.0 == oid::RECORDS) {
                return value.as_bytes().map(Self::Records).map_err(Error::internal);
            }
        }
        let json: Option<String> = found.try_get_by(column)?;
        Ok(json.map_or(Self::Empty, Self::Json))
    }

    /// Its rows.
    ///
    /// # Errors
    /// A fault, where they are not of this kind.
    pub fn rows<M: DeserializeOwned>(&self) -> Result<Vec<M>> {
        match self {
            Self::Empty => Ok(Vec::new()),
            Self::Json(json) => serde_json::from_str(json).map_err(Error::internal),
            Self::Records(bytes) => records(bytes).map_err(Error::internal),
        }
    }
}

type Fault = de::value::Error;

fn short() -> Fault {
    de::Error::custom("a record ends too soon")
}

/// Takes so many bytes from the front.
fn take<'r>(bytes: &mut &'r [u8], count: usize) -> std::result::Result<&'r [u8], Fault> {
    let (front, rest) = bytes.split_at_checked(count).ok_or_else(short)?;
    *bytes = rest;
    Ok(front)
}

fn fixed<const N: usize>(bytes: &[u8]) -> std::result::Result<[u8; N], Fault> {
    bytes.try_into().map_err(|_| short())
}

fn int(bytes: &mut &[u8]) -> std::result::Result<i32, Fault> {
    fixed(take(bytes, 4)?).map(i32::from_be_bytes)
}

/// Takes what has its length before it; nothing where that is negative.
fn sized<'r>(bytes: &mut &'r [u8]) -> std::result::Result<Option<&'r [u8]>, Fault> {
    usize::try_from(int(bytes)?).ok().map(|length| take(bytes, length)).transpose()
}

/// An array: how many dimensions, whether there are nulls, of what; for each dimension its size and its first index; the elements.
fn records<M: DeserializeOwned>(mut bytes: &[u8]) -> std::result::Result<Vec<M>, Fault> {
    let bytes = &mut bytes;
    let (dimensions, _nulls, _of) = (int(bytes)?, int(bytes)?, int(bytes)?);
    if dimensions == 0 {
        return Ok(Vec::new());
    }
    let (size, _first) = (int(bytes)?, int(bytes)?);
    (0..size).map(|_| M::deserialize(Record(sized(bytes)?.ok_or_else(short)?))).collect()
}

/// A record: how many fields; the type of each, and its value.
struct Record<'de>(&'de [u8]);

impl<'de> Deserializer<'de> for Record<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> std::result::Result<V::Value, Fault> {
        let left = usize::try_from(int(&mut self.0)?).unwrap_or_default();
        visitor.visit_seq(Fields { bytes: self.0, left })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'de> {
    bytes: &'de [u8],
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> std::result::Result<Option<T::Value>, Fault> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let of = int(&mut self.bytes)?;
        seed.deserialize(Field { of, value: sized(&mut self.bytes)? }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// What a column of documents holds.
fn json<'de, V: Visitor<'de>>(text: &'de [u8], visitor: V) -> std::result::Result<V::Value, Fault> {
    serde_json::Deserializer::from_slice(text).deserialize_any(visitor).map_err(de::Error::custom)
}

struct Field<'de> {
    of: i32,
    value: Option<&'de [u8]>,
}

impl<'de> Field<'de> {
    fn text(&self) -> std::result::Result<&'de str, Fault> {
        std::str::from_utf8(self.value.unwrap_or_default()).map_err(de::Error::custom)
    }
}

impl<'de> Deserializer<'de> for Field<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        let Some(value) = self.value else { return visitor.visit_none() };
        match self.of {
            oid::TEXT | oid::VARCHAR => visitor.visit_borrowed_str(self.text()?),
            oid::UUID | oid::BYTEA => visitor.visit_borrowed_bytes(value),
            oid::BOOL => visitor.visit_bool(value != [0]),
            oid::INT2 => visitor.visit_i64(i16::from_be_bytes(fixed(value)?).into()),
            // A date is days since 2000, a time microseconds.
            oid::INT4 | oid::DATE => visitor.visit_i64(i32::from_be_bytes(fixed(value)?).into()),
            oid::INT8 | oid::TIMESTAMPTZ => visitor.visit_i64(i64::from_be_bytes(fixed(value)?)),
            // A number of its form stands before it.
            oid::JSONB => json(value.get(1..).unwrap_or_default(), visitor),
            oid::JSON => json(value, visitor),
            other => Err(de::Error::custom(format_args!("a record with a field of type {other}"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Fault> {
        if self.value.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Fault> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.text()?))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
