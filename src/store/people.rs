//! People: one row each, found by subject or, where that is not known, by name.

use chrono::{DateTime, Utc};
use entity::person;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, prelude::Uuid, sea_query::OnConflict};

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
    let sql = "SELECT clock_timestamp(), person.name, person.erased FROM (VALUES (1)) AS one LEFT JOIN person ON person.id = $1";
    let asked = Statement::from_sql_and_values(conn.get_database_backend(), sql, [person_id(&actor.subject).into()]);
    let row = conn.query_one_raw(asked).await?.ok_or_else(|| Error::internal("no clock"))?;
    let name: Option<String> = row.try_get_by_index(1)?;
    let erased: Option<bool> = row.try_get_by_index(2)?;
    keep(conn, actor, name.zip(erased)).await?;
    Ok(row.try_get_by_index(0)?)
}

/// Writes the caller's name where it is another than the known one, unless that was erased.
async fn keep(conn: &impl ConnectionTrait, actor: &Actor, known: Option<(String, bool)>) -> Result<()> {
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
