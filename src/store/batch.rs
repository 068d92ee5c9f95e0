//! Inserts that belong together. On PostgreSQL they are one statement, with the event that tells of them and its number; on SQLite,
//! where a statement has no way to go, they come one after the other. Their text is written here: the query builder takes longer for
//! it than the database for some of the rows.

use std::fmt::Write as _;

use entity::event;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, SqlErr, Statement, Value,
};

use crate::error::{Error, Result};

/// Rows of one table, which have the same columns.
struct Insert {
    table: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

/// Inserts to come.
#[derive(Default)]
pub struct Batch {
    inserts: Vec<Insert>,
    rows: usize,
    /// Whether another write may have made one of the rows meanwhile.
    races: bool,
}

/// Rows of one statement at most: PostgreSQL takes 65,535 variables, SQLite 32,766 (`stack.md`, trap 7).
const CHUNK: usize = 800;

/// The columns of a row that are set, and their values.
fn set<A: ActiveModelTrait>(row: &A) -> (Vec<&'static str>, Vec<Value>) {
    <A::Entity as EntityTrait>::Column::iter()
        .filter_map(|column| match row.get(column) {
            ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some((IdenStatic::as_str(&column), value)),
            ActiveValue::NotSet => None,
        })
        .unzip()
}

impl Insert {
    /// Writes it; its values go to the others, whose number tells their parameters.
    fn write(self, text: &mut String, values: &mut Vec<Value>) {
        let _ = write!(text, "INSERT INTO \"{}\" (\"{}\") VALUES ", self.table, self.columns.join("\", \""));
        for (place, row) in self.rows.into_iter().enumerate() {
            text.push_str(if place == 0 { "(" } else { ", (" });
            parameters(row, text, values);
            text.push(')');
        }
    }
}

/// Writes the parameters of a row.
fn parameters(row: Vec<Value>, text: &mut String, values: &mut Vec<Value>) {
    for (place, value) in row.into_iter().enumerate() {
        values.push(value);
        let _ = write!(text, "{}${}", if place == 0 { "" } else { ", " }, values.len());
    }
}

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
        let table = EntityName::table_name(&A::Entity::default());
        for row in rows {
            let (columns, values) = set(&row);
            match self.inserts.last_mut().filter(|last| last.table == table && last.columns == columns && last.rows.len() < CHUNK) {
                Some(last) => last.rows.push(values),
                None => self.inserts.push(Insert { table, columns, rows: vec![values] }),
            }
        }
    }

    /// Whether they and so many more fit into one statement with an event.
    pub fn fits(&self, more: usize) -> bool {
        self.rows + more <= CHUNK
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
        let at_once = backend == DbBackend::Postgres && self.fits(0);
        if event.is_some() && !at_once {
            return Err(DbErr::Custom("an event is numbered in one statement with all that comes with it, or by itself".into()));
        }
        if !at_once || (event.is_none() && self.inserts.len() < 2) {
            for insert in self.inserts {
                let (mut text, mut values) = (String::new(), Vec::new());
                insert.write(&mut text, &mut values);
                conn.execute_raw(Statement::from_sql_and_values(backend, text, values)).await?;
            }
            return Ok(true);
        }
        let (mut text, mut values) = (String::with_capacity(4_096), Vec::with_capacity(128));
        for (place, insert) in self.inserts.into_iter().enumerate() {
            let _ = write!(text, "{}part_{place} AS (", if place == 0 { "WITH " } else { "), " });
            insert.write(&mut text, &mut values);
        }
        if let Some(event) = event {
            text.push_str(if text.is_empty() { "WITH " } else { "), " });
            numbered(event, &mut text, &mut values);
        }
        text.push_str(") SELECT EXISTS (SELECT 1 FROM event_sink WHERE state <> 'REMOVED')");
        match conn.query_one_raw(Statement::from_sql_and_values(backend, text, values)).await? {
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

/// Counts one more event of a subject, and writes the event with that number; its last bracket is open.
fn numbered(event: &event::ActiveModel, text: &mut String, values: &mut Vec<Value>) {
    let event = event::ActiveModel { subject_sequence: ActiveValue::NotSet, ..event.clone() };
    values.push(event.subject.try_as_ref().cloned().unwrap_or_default().into());
    let _ = write!(
        text,
        "counted AS (INSERT INTO event_subject (subject, last) VALUES (${}, 1) \
         ON CONFLICT (subject) DO UPDATE SET last = event_subject.last + excluded.last RETURNING last), \
         told AS (INSERT INTO event (subject_sequence, ",
        values.len()
    );
    let (columns, row) = set(&event);
    let _ = write!(text, "\"{}\") VALUES ((SELECT last FROM counted), ", columns.join("\", \""));
    parameters(row, text, values);
    text.push(')');
}
