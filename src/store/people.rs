//! People: one row each, found by subject or, where that is not known, by name.

use chrono::{DateTime, Utc};
use entity::person;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Statement, prelude::Uuid, sea_query::OnConflict,
};

use super::Permitted;
use crate::{
    auth::{Actor, actor::person_id},
    error::{Error, Result},
};

/// Keeps the caller's display name, unless it was erased. Read first: the row is locked only when there is something to write,
/// so that those who write at once do not wait for each other's names.
pub(super) async fn remember(conn: &impl ConnectionTrait, actor: &Actor) -> Result<()> {
    let known = person::Entity::find_by_id(person_id(&actor.subject)).one(conn).await?;
    keep(conn, actor, known.map(|known| (known.name, known.erased))).await
}

/// [`remember`], and the database's time: one statement for both, since every write begins so.
pub(super) async fn remember_and_time(conn: &impl ConnectionTrait, actor: &Actor) -> Result<DateTime<Utc>> {
    let sql = format!("SELECT {ASKER} {}", asker_is(1));
    let asked = Statement::from_sql_and_values(conn.get_database_backend(), sql, [person_id(&actor.subject).into()]);
    let row = conn.query_one_raw(asked).await?.ok_or_else(|| Error::internal("no clock"))?;
    let (now, known) = asker(&row)?;
    keep(conn, actor, known).await?;
    Ok(now)
}

/// What is read of who asks, on PostgreSQL: the database's time, and the name as it is known.
pub(super) const ASKER: &str = "clock_timestamp() AS asked_at, asker.name AS asker_name, asker.erased AS asker_erased";

/// The person of [`ASKER`], whose id is this parameter.
pub(super) fn asker_is(parameter: usize) -> String {
    format!("FROM (VALUES (1)) AS one LEFT JOIN person AS asker ON asker.id = ${parameter}")
}

/// What was read by [`ASKER`].
pub(super) fn asker(row: &QueryResult) -> Result<(DateTime<Utc>, Known)> {
    let name: Option<String> = row.try_get("", "asker_name")?;
    let erased: Option<bool> = row.try_get("", "asker_erased")?;
    Ok((row.try_get("", "asked_at")?, name.zip(erased)))
}

/// The name that a person is known by, and whether it was erased; none of who never wrote.
pub(super) type Known = Option<(String, bool)>;

/// Writes the caller's name where it is another than the known one, unless that was erased.
pub(super) async fn keep(conn: &impl ConnectionTrait, actor: &Actor, known: Known) -> Result<()> {
    let id = person_id(&actor.subject);
    match known {
        Some((name, erased)) if erased || name == actor.name => Ok(()),
        Some(_) => {
            let renamed = person::ActiveModel { id: Set(id), name: Set(actor.name.clone()), ..Default::default() };
            person::Entity::update(renamed).exec_without_returning(conn).await?;
            Ok(())
        }
        None => introduce(conn, id, Some(&actor.subject), &actor.name).await,
    }
}

/// Makes the row of a person, unless somebody else just did.
async fn introduce(conn: &impl ConnectionTrait, id: Uuid, subject: Option<&str>, name: &str) -> Result<()> {
    let row = person::ActiveModel { id: Set(id), subject: Set(subject.map(str::to_owned)), name: Set(name.to_owned()), erased: Set(false) };
    person::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).exec_without_returning(conn).await?;
    Ok(())
}

/// The person with this subject, or with this name where no subject is known; made on first mention.
pub async fn mention(permitted: &Permitted, subject: Option<&str>, name: &str) -> Result<Uuid> {
    let conn = permitted.conn();
    if let Some(subject) = subject {
        // Only their own token changes a person's name; a mention may not rename whom it mentions.
        let id = person_id(subject);
        if person::Entity::find_by_id(id).one(conn).await?.is_none() {
            introduce(conn, id, Some(subject), name).await?;
        }
        return Ok(id);
    }
    let by_name = person::Entity::find()
        .filter(person::Column::Subject.is_null())
        .filter(person::Column::Erased.eq(false))
        .filter(person::Column::Name.eq(name));
    if let Some(found) = by_name.clone().one(conn).await? {
        return Ok(found.id);
    }
    // Two replicas may mention the same name at once: the second waits here, then finds the first's row.
    introduce(conn, Uuid::now_v7(), None, name).await?;
    let found = by_name.one(conn).await?;
    found.map(|p| p.id).ok_or_else(|| Error::internal("a person was mentioned and not kept"))
}
