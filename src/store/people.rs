//! People: one row each, found by subject or, where that is not known, by name.

use entity::person;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::Permitted;
use crate::{
    auth::{Actor, actor::person_id},
    error::Result,
};

/// Keeps the caller's display name, unless it was erased.
pub(super) async fn remember(conn: &impl ConnectionTrait, actor: &Actor) -> Result<()> {
    upsert(conn, &actor.subject, &actor.name).await.map(|_| ())
}

async fn upsert(conn: &impl ConnectionTrait, subject: &str, name: &str) -> Result<Uuid> {
    let id = person_id(subject);
    let row = person::ActiveModel { id: Set(id), subject: Set(Some(subject.to_owned())), name: Set(name.to_owned()), erased: Set(false) };
    let changed = Condition::all()
        .add(Expr::col((person::Entity, person::Column::Erased)).eq(false))
        .add(Expr::col((person::Entity, person::Column::Name)).ne(name));
    let on_conflict = OnConflict::column(person::Column::Id).update_column(person::Column::Name).action_cond_where(changed).to_owned();
    person::Entity::insert(row).on_conflict(on_conflict).exec_without_returning(conn).await?;
    Ok(id)
}

/// The person with this subject, or with this name where no subject is known; made on first mention.
pub async fn mention(permitted: &Permitted, subject: Option<&str>, name: &str) -> Result<Uuid> {
    let conn = permitted.conn();
    if let Some(subject) = subject {
        return upsert(conn, subject, name).await;
    }
    let by_name = person::Entity::find()
        .filter(person::Column::Subject.is_null())
        .filter(person::Column::Erased.eq(false))
        .filter(person::Column::Name.eq(name));
    if let Some(found) = by_name.clone().one(conn).await? {
        return Ok(found.id);
    }
    let row = person::ActiveModel { id: Set(Uuid::now_v7()), subject: Set(None), name: Set(name.to_owned()), erased: Set(false) };
    // Two replicas may mention the same name at once: the second waits here, then finds the first's row.
    person::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned()).exec_without_returning(conn).await?;
    let found = by_name.one(conn).await?;
    found.map(|p| p.id).ok_or_else(|| crate::error::Error::internal("a person was mentioned and not kept"))
}
