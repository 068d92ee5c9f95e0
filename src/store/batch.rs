//! Inserts that belong together. On PostgreSQL they are one statement, with the event that tells of them and its number; on SQLite,
//! where a statement has no way to go, they come one after the other.

use entity::{event, event_sink, event_subject, sink::SinkState};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    Iterable, QueryFilter, QuerySelect, QueryTrait, SqlErr,
    sea_query::{Alias, CommonTableExpression, Expr, InsertStatement, Query, SubQueryStatement, WithClause},
};

use super::outbox::counts_on;
use crate::error::{Error, Result};

/// Inserts to come.
#[derive(Default)]
pub struct Batch {
    inserts: Vec<InsertStatement>,
    rows: usize,
    /// Whether another write may have made one of the rows meanwhile.
    races: bool,
}

/// Rows of one statement at most: PostgreSQL takes 65,535 variables, SQLite 32,766 (`stack.md`, trap 7).
const CHUNK: usize = 2_000;
/// The place where the number of an event's subject is found.
const COUNTED: &str = "counted";

impl Batch {
    /// Adds a row.
    pub fn add<M>(&mut self, row: M)
    where
        M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior,
    {
        self.add_new(vec![row.into_active_model().reset_all()]);
    }

    /// Another write may have made one of the rows meanwhile: then all of them is [`Error::Raced`].
    pub fn may_race(&mut self) {
        self.races = true;
    }

    /// Adds rows to whose columns the database adds the rest.
    pub fn add_new<A: ActiveModelTrait>(&mut self, rows: Vec<A>) {
        self.rows += rows.len();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            self.inserts.push(A::Entity::insert_many(rows.by_ref().take(CHUNK)).into_query());
        }
    }

    /// Whether they fit into one statement with an event.
    pub fn is_small(&self) -> bool {
        self.rows <= CHUNK
    }

    /// Inserts.
    ///
    /// # Errors
    /// `Raced`; a fault of the database.
    pub async fn run(self, conn: &impl ConnectionTrait) -> Result<()> {
        let races = self.races;
        self.insert(conn, None).await.map(|_| ()).map_err(|error| told(error, races))
    }

    /// Inserts these and an event with the next number of its subject; whether there is a sink to hear of it. PostgreSQL alone.
    ///
    /// # Errors
    /// As above.
    pub async fn run_with(self, conn: &impl ConnectionTrait, event: &event::ActiveModel) -> Result<bool> {
        let races = self.races;
        self.insert(conn, Some(event)).await.map_err(|error| told(error, races))
    }

    async fn insert(self, conn: &impl ConnectionTrait, event: Option<&event::ActiveModel>) -> std::result::Result<bool, DbErr> {
        let backend = conn.get_database_backend();
        if backend != DbBackend::Postgres || !self.is_small() || (event.is_none() && self.inserts.len() < 2) {
            for insert in &self.inserts {
                conn.execute(insert).await?;
            }
            return Ok(true);
        }
        let mut parts = WithClause::new();
        let part = |name: String, query: SubQueryStatement| {
            let mut part = CommonTableExpression::new();
            part.table_name(Alias::new(name)).query(query);
            part
        };
        for (insert, place) in self.inserts.into_iter().zip(1..) {
            parts.cte(part(format!("part_{place}"), insert.into()));
        }
        if let Some(event) = event {
            parts.cte(part(COUNTED.to_owned(), counted(event).into()));
            parts.cte(part("told".to_owned(), numbered(event).into()));
        }
        let listening =
            event_sink::Entity::find().select_only().expr(Expr::value(1)).filter(event_sink::Column::State.ne(SinkState::Removed));
        let asked = Query::select().expr(Expr::exists(listening.into_query())).to_owned().with(parts);
        match conn.query_one(&asked).await? {
            Some(row) => row.try_get_by_index(0),
            None => Ok(true),
        }
    }
}

fn told(error: DbErr, races: bool) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) if races => Error::Raced,
        _ => error.into(),
    }
}

/// Counts one more event of a subject.
fn counted(event: &event::ActiveModel) -> InsertStatement {
    Query::insert()
        .into_table(event_subject::Entity)
        .columns([event_subject::Column::Subject, event_subject::Column::Last])
        .values_panic([Expr::value(event.subject.try_as_ref().cloned().unwrap_or_default()), Expr::value(1_i64)])
        .on_conflict(counts_on())
        .returning_col(event_subject::Column::Last)
        .to_owned()
}

/// An event, with the number that was counted.
fn numbered(event: &event::ActiveModel) -> InsertStatement {
    let number = Query::select().column(event_subject::Column::Last).from(Alias::new(COUNTED)).to_owned();
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for column in event::Column::iter() {
        let value = match (column, event.get(column)) {
            (event::Column::SubjectSequence, _) => Expr::SubQuery(None, Box::new(number.clone().into())),
            (_, ActiveValue::Set(value) | ActiveValue::Unchanged(value)) => column.save_as(Expr::val(value)),
            (_, ActiveValue::NotSet) => continue,
        };
        columns.push(column);
        values.push(value);
    }
    Query::insert().into_table(event::Entity).columns(columns).values_panic(values).to_owned()
}
