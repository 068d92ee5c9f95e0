//! Idempotency keys of creations: the same key and input give the same object, the same key with another input is refused.

use entity::idempotency_key;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};
use sha2::{Digest, Sha256};

use super::Permitted;
use crate::error::{Error, Result, UserErrorCode, say};

/// A key that a creation was called with.
#[derive(Debug, Clone)]
pub struct Key {
    mutation: &'static str,
    key: String,
    fingerprint: String,
}

impl Key {
    /// The key of an input, if it has one.
    pub fn of(mutation: &'static str, key: Option<&str>, input: &impl std::fmt::Debug) -> Option<Self> {
        let fingerprint = format!("{:x}", Sha256::digest(format!("{input:?}")));
        key.map(|key| Self { mutation, key: key.to_owned(), fingerprint })
    }

    /// The key of a call over REST, by its bytes.
    pub fn of_call(call: &'static str, key: String, body: &[u8]) -> Self {
        Self { mutation: call, key, fingerprint: format!("{:x}", Sha256::digest(body)) }
    }
}

/// The object that this key made already, if it did. Otherwise the key is taken, until [`done`] or a rollback.
///
/// # Errors
/// The user error `IDEMPOTENCY_MISMATCH`.
pub async fn taken(permitted: &Permitted, key: Option<&Key>) -> Result<Option<String>> {
    let Some(key) = key else { return Ok(None) };
    Ok(claim(permitted, key).await?.and_then(|row| row.object_id))
}

/// What this key was answered over REST, if it was. Otherwise the key is taken, until [`answer`] or a rollback.
///
/// # Errors
/// The user error `IDEMPOTENCY_MISMATCH`; [`Error::UnderWay`] while another call with it runs in another replica.
pub async fn answered(permitted: &Permitted, key: &Key) -> Result<Option<String>> {
    if permitted.conn().get_database_backend() == DbBackend::Postgres {
        let name = format!("{}\0{}\0{}", permitted.origin().actor.subject, key.mutation, key.key);
        // Held until the end of the transaction: who comes second is told so, instead of waiting.
        let mut number = [0u8; 8];
        number.iter_mut().zip(Sha256::digest(name)).for_each(|(to, from)| *to = from);
        let lock = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_try_advisory_xact_lock($1)",
            [i64::from_be_bytes(number).into()],
        );
        let held: Option<bool> = permitted.conn().query_one_raw(lock).await?.map(|row| row.try_get_by_index(0)).transpose()?;
        if held != Some(true) {
            return Err(Error::UnderWay);
        }
    }
    Ok(claim(permitted, key).await?.and_then(|row| row.answer))
}

/// Notes what the key was answered.
///
/// # Errors
/// A fault of the database.
pub async fn answer(permitted: &Permitted, key: &Key, answer: String) -> Result<()> {
    note(permitted, key, idempotency_key::Column::Answer, answer).await
}

/// The row of a key that was used before; else it is taken now.
async fn claim(permitted: &Permitted, key: &Key) -> Result<Option<idempotency_key::Model>> {
    let Key { mutation, key, fingerprint } = key;
    if key.trim().is_empty() || key.len() > 200 || key.contains('\0') {
        let said = say("An idempotency key has 1 to 200 bytes", "幂等键长度为 1 到 200 字节");
        return Err(Error::user(UserErrorCode::Invalid, "idempotencyKey", said));
    }
    let subject = &permitted.origin().actor.subject;
    let row = idempotency_key::ActiveModel {
        id: Set(Uuid::now_v7()),
        subject: Set(subject.clone()),
        mutation: Set((*mutation).to_owned()),
        key: Set(key.clone()),
        fingerprint: Set(fingerprint.clone()),
        object_id: Set(None),
        answer: Set(None),
        at: Set(permitted.now()),
    };
    // On PostgreSQL a second caller waits here until the first has committed.
    idempotency_key::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(permitted.conn())
        .await?;
    let found = find(permitted, mutation, key).one(permitted.conn()).await?;
    match found {
        Some(row) if row.fingerprint != *fingerprint => Err(Error::user(
            UserErrorCode::IdempotencyMismatch,
            "idempotencyKey",
            say("This key was used with another input; use a new key", "该幂等键已用于其他输入，请更换"),
        )),
        Some(row) => Ok(Some(row)),
        None => Ok(None),
    }
}

/// Notes what the key made.
pub async fn done(permitted: &Permitted, key: Option<&Key>, object_id: impl ToString) -> Result<()> {
    match key {
        Some(key) => note(permitted, key, idempotency_key::Column::ObjectId, object_id.to_string()).await,
        None => Ok(()),
    }
}

async fn note(permitted: &Permitted, key: &Key, column: idempotency_key::Column, value: String) -> Result<()> {
    let Key { mutation, key, .. } = key;
    let subject = permitted.origin().actor.subject.clone();
    idempotency_key::Entity::update_many()
        .col_expr(column, Expr::value(value))
        .filter(idempotency_key::Column::Subject.eq(subject))
        .filter(idempotency_key::Column::Mutation.eq(*mutation))
        .filter(idempotency_key::Column::Key.eq(key))
        .exec(permitted.conn())
        .await?;
    Ok(())
}

fn find(permitted: &Permitted, mutation: &str, key: &str) -> sea_orm::Select<idempotency_key::Entity> {
    idempotency_key::Entity::find()
        .filter(idempotency_key::Column::Subject.eq(&permitted.origin().actor.subject))
        .filter(idempotency_key::Column::Mutation.eq(mutation))
        .filter(idempotency_key::Column::Key.eq(key))
}
