//! Everything that hangs below reports, in one statement: what an answer will ask for is known from its selection, and read at once
//! instead of table by table. What is not here is loaded by [`children`](super::children) as ever, so a bundle only ever saves statements.
//!
//! Each table is a list in JSON, made by the database, of its columns in their order; a model reads itself from such a list.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use entity::{
    department, department_evaluation, feedback_source, improvement_action, incident_review, life_cycle_step, milestone, occurrence, owner,
    participant, participant_person, person, planned_fix, post_release_stat, problem, product, product_project, release_application,
    report, reported_value, rescheduling, shortcoming, staffing, timeline_entry, typical_case, verification,
};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DbBackend, EntityName, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, Statement,
    prelude::Uuid,
};
use serde::de::DeserializeOwned;

use super::{
    Store,
    children::{ById, Child, any_of_text, any_of_values},
};
use crate::error::{Error, Result};

/// Which tables, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tables(u32);

/// The tables by number, in the order in which they are read: what a table needs to know its parents comes before it.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the table of that name")]
pub enum Table {
    Participant,
    ParticipantPerson,
    Staffing,
    Milestone,
    Owner,
    Problem,
    IncidentReview,
    TimelineEntry,
    PostReleaseStat,
    PlannedFix,
    FeedbackSource,
    Case,
    Evaluation,
    Shortcoming,
    Action,
    Step,
    ReportedValue,
    Successor,
    Occurrence,
    Rescheduling,
    Verification,
    Product,
    Project,
    Application,
    Person,
    Department,
}

const ALL: [Table; 26] = [
    Table::Participant,
    Table::ParticipantPerson,
    Table::Staffing,
    Table::Milestone,
    Table::Owner,
    Table::Problem,
    Table::IncidentReview,
    Table::TimelineEntry,
    Table::PostReleaseStat,
    Table::PlannedFix,
    Table::FeedbackSource,
    Table::Case,
    Table::Evaluation,
    Table::Shortcoming,
    Table::Action,
    Table::Step,
    Table::ReportedValue,
    Table::Successor,
    Table::Occurrence,
    Table::Rescheduling,
    Table::Verification,
    Table::Product,
    Table::Project,
    Table::Application,
    Table::Person,
    Table::Department,
];

impl Tables {
    /// These.
    pub fn of(list: &[Table]) -> Self {
        let mut all = Self::default();
        for table in list {
            all.0 |= table.bit();
        }
        all
    }

    /// These and those.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    fn has(self, table: Table) -> bool {
        self.0 & table.bit() != 0
    }
}

impl Table {
    fn bit(self) -> u32 {
        ALL.iter().position(|t| std::mem::discriminant(t) == std::mem::discriminant(&self)).map_or(0, |place| 1 << place)
    }
}

type Loaded = HashMap<(TypeId, Uuid), Arc<dyn Any + Send + Sync>>;

/// What the bundles of a request brought.
#[derive(Default)]
pub struct Bundled {
    rows: Mutex<Loaded>,
    departments: Mutex<Option<Arc<HashMap<String, department::Model>>>>,
}

/// A mark for children, so that they and a row by its id do not share a place.
struct Below<E>(std::marker::PhantomData<E>);

impl Bundled {
    fn get<T: Any + Send + Sync>(&self, kind: TypeId, id: Uuid) -> Option<Arc<T>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&(kind, id)).cloned().and_then(|found| found.downcast().ok())
    }

    /// The children of a parent, if a bundle brought them.
    pub fn children<E: Child + 'static>(&self, parent: Uuid) -> Option<Arc<Vec<E::Model>>> {
        self.get(TypeId::of::<Below<E>>(), parent)
    }

    /// A row by its id, if a bundle brought it.
    pub fn row<E: ById + 'static>(&self, id: Uuid) -> Option<Arc<E::Model>> {
        self.get(TypeId::of::<E>(), id)
    }

    /// All departments, if a bundle brought them.
    pub fn departments(&self) -> Option<Arc<HashMap<String, department::Model>>> {
        self.departments.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A column, as the models read it from JSON.
fn column<C: ColumnTrait>(column: C, postgres: bool) -> String {
    let name = format!("t.\"{}\"", IdenStatic::as_str(&column));
    if postgres {
        return name;
    }
    match column.def().get_column_type() {
        ColumnType::Uuid => format!("lower(hex({name}))"),
        ColumnType::Boolean => format!("json(CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)"),
        _ => name,
    }
}

/// A list of all rows for which `held` holds, as JSON.
fn list<E: EntityTrait>(postgres: bool, order: &[E::Column], held: &str) -> String {
    let columns: Vec<String> = E::Column::iter().map(|c| column(c, postgres)).collect();
    let blank = |c: E::Column| matches!(c.def().get_column_type(), ColumnType::Uuid) && c.def().is_null();
    let columns: Vec<String> =
        E::Column::iter().zip(columns).map(|(c, sql)| if !postgres && blank(c) { format!("nullif({sql}, '')") } else { sql }).collect();
    let mut order: Vec<String> = order.iter().map(|c| format!("t.\"{}\"", IdenStatic::as_str(c))).collect();
    order.extend(E::PrimaryKey::iter().map(|key| format!("t.\"{}\"", IdenStatic::as_str(&key.into_column()))));
    let (row, all) = if postgres { ("json_build_array", "json_agg") } else { ("json_array", "json_group_array") };
    let name = E::default();
    format!(
        "SELECT CAST({all}({row}({}) ORDER BY {}) AS text) FROM {} AS t WHERE {held}",
        columns.join(", "),
        order.join(", "),
        EntityName::table_name(&name)
    )
}

fn children_of<E: Child>(postgres: bool, held: &str) -> String {
    list::<E>(postgres, &[E::PARENT, E::ORDER], held)
}

/// The list of a table.
fn sql(table: Table, tables: Tables, postgres: bool, of: &str) -> String {
    let below = format!("t.report_id {of}");
    let reports = |column: &str| format!("t.id IN (SELECT {column} FROM report WHERE id {of})");
    match table {
        Table::Participant => children_of::<participant::Entity>(postgres, &below),
        Table::ParticipantPerson => children_of::<participant_person::Entity>(postgres, &below),
        Table::Staffing => children_of::<staffing::Entity>(postgres, &below),
        Table::Milestone => children_of::<milestone::Entity>(postgres, &below),
        Table::Owner => children_of::<owner::Entity>(postgres, &below),
        Table::Problem => children_of::<problem::Entity>(postgres, &below),
        Table::IncidentReview => children_of::<incident_review::Entity>(postgres, &below),
        Table::TimelineEntry => children_of::<timeline_entry::Entity>(postgres, &below),
        Table::PostReleaseStat => children_of::<post_release_stat::Entity>(postgres, &below),
        Table::PlannedFix => children_of::<planned_fix::Entity>(postgres, &below),
        Table::FeedbackSource => children_of::<feedback_source::Entity>(postgres, &below),
        Table::Case => children_of::<typical_case::Entity>(postgres, &below),
        Table::Evaluation => children_of::<department_evaluation::Entity>(postgres, &below),
        Table::Shortcoming => children_of::<shortcoming::Entity>(postgres, &below),
        Table::Action => children_of::<improvement_action::Entity>(postgres, &below),
        Table::Step => children_of::<life_cycle_step::Entity>(postgres, &below),
        Table::ReportedValue => children_of::<reported_value::Entity>(postgres, &below),
        Table::Successor => children_of::<report::Entity>(postgres, &format!("t.supersedes_id {of}")),
        Table::Occurrence => children_of::<occurrence::Entity>(postgres, &below),
        Table::Rescheduling => children_of::<rescheduling::Entity>(postgres, &below),
        Table::Verification => children_of::<verification::Entity>(postgres, &below),
        Table::Product => list::<product::Entity>(postgres, &[], &reports("product_id")),
        Table::Project => {
            children_of::<product_project::Entity>(postgres, &format!("t.product_id IN (SELECT product_id FROM report WHERE id {of})"))
        }
        Table::Application => list::<release_application::Entity>(postgres, &[], &reports("application_id")),
        Table::Person => list::<person::Entity>(postgres, &[], &format!("t.id IN ({})", people(tables, of))),
        Table::Department => list::<department::Entity>(postgres, &[], "1 = 1"),
    }
}

/// Everybody whom these tables of a report name.
fn people(tables: Tables, of: &str) -> String {
    let named: [(Table, &str, &str); 8] = [
        (Table::ParticipantPerson, "person_id", "participant_person"),
        (Table::Problem, "recorded_by", "problem"),
        (Table::Step, "person_id", "life_cycle_step"),
        (Table::Verification, "person_id", "verification"),
        (Table::Verification, "completed_by", "verification"),
        (Table::Rescheduling, "person_id", "rescheduling"),
        (Table::Occurrence, "completed_by", "occurrence"),
        (Table::Action, "closed_by", "improvement_action"),
    ];
    let asked = named.into_iter().filter(|(table, ..)| tables.has(*table));
    let lists = asked.map(|(_, column, table)| format!("SELECT {column} FROM {table} WHERE report_id {of}"));
    let own = format!("SELECT release_owner_id FROM report WHERE id {of}");
    std::iter::once(own).chain(lists).collect::<Vec<_>>().join(" UNION ALL ")
}

fn rows<M: DeserializeOwned>(json: Option<&str>) -> Result<Vec<M>> {
    json.map_or(Ok(Vec::new()), |json| serde_json::from_str(json).map_err(Error::internal))
}

/// Puts children to their parents; a parent without any has an empty list.
fn put_children<E: Child + 'static>(into: &mut Loaded, json: Option<&str>, parents: &[Uuid]) -> Result<()>
where
    E::Model: DeserializeOwned,
{
    let mut by: HashMap<Uuid, Vec<E::Model>> = parents.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows::<E::Model>(json)? {
        if let Some(parent) = E::parent(&row) {
            by.entry(parent).or_default().push(row);
        }
    }
    into.extend(by.into_iter().map(|(id, rows)| {
        let rows: Arc<dyn Any + Send + Sync> = Arc::new(rows);
        ((TypeId::of::<Below<E>>(), id), rows)
    }));
    Ok(())
}

fn put_rows<E: ById + 'static>(into: &mut Loaded, json: Option<&str>) -> Result<Vec<Uuid>>
where
    E::Model: DeserializeOwned,
{
    let mut ids = Vec::new();
    for row in rows::<E::Model>(json)? {
        ids.push(E::id(&row));
        let row: Arc<dyn Any + Send + Sync> = Arc::new(row);
        into.extend(ids.last().map(|id| ((TypeId::of::<E>(), *id), row)));
    }
    Ok(ids)
}

/// The ids of all children that were put to these parents.
fn ids_of<E: Child + ById + 'static>(loaded: &Loaded, parents: &[Uuid]) -> Vec<Uuid> {
    let of =
        |parent: &Uuid| loaded.get(&(TypeId::of::<Below<E>>(), *parent)).cloned().and_then(|rows| rows.downcast::<Vec<E::Model>>().ok());
    parents.iter().filter_map(of).flat_map(|rows| rows.iter().map(E::id).collect::<Vec<_>>()).collect()
}

/// Texts of statements by their tables: they are long, and few.
static TEXTS: Mutex<BTreeMap<(Tables, bool, usize), Arc<str>>> = Mutex::new(BTreeMap::new());

fn text(tables: Tables, postgres: bool, reports: usize) -> Arc<str> {
    // One report has a text of its own (`any_of_text`).
    let key = (tables, postgres, if postgres { reports.min(2) } else { reports });
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = texts.get(&key) {
        return Arc::clone(text);
    }
    let of = any_of_text(if postgres { DbBackend::Postgres } else { DbBackend::Sqlite }, reports);
    let lists: Vec<String> = ALL.iter().filter(|t| tables.has(**t)).map(|t| format!("({})", sql(*t, tables, postgres, &of))).collect();
    let text: Arc<str> = format!("SELECT {}", lists.join(", ")).into();
    // A client that asks for ever other selections shall not fill the memory.
    if texts.len() > 500 {
        texts.clear();
    }
    texts.insert(key, Arc::clone(&text));
    text
}

impl Store {
    /// Reads these tables of these reports, and keeps them for the request.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn bundle(&self, into: &Bundled, tables: Tables, reports: &[Uuid]) -> Result<()> {
        if reports.is_empty() || tables.count() < 2 {
            return Ok(());
        }
        let backend = self.db.get_database_backend();
        let postgres = backend == DbBackend::Postgres;
        let statement = Statement::from_sql_and_values(backend, &*text(tables, postgres, reports.len()), any_of_values(backend, reports));
        let found = {
            let _turn = self.turn().await;
            self.db.query_one_raw(statement).await?.ok_or_else(|| Error::internal("a bundle is a row"))?
        };
        let mut loaded = Loaded::new();
        for (place, table) in ALL.into_iter().filter(|t| tables.has(*t)).enumerate() {
            let json: Option<String> = found.try_get_by_index(place)?;
            self.put(into, &mut loaded, table, json.as_deref(), reports)?;
        }
        into.rows.lock().unwrap_or_else(PoisonError::into_inner).extend(loaded);
        Ok(())
    }

    fn put(&self, into: &Bundled, loaded: &mut Loaded, table: Table, json: Option<&str>, reports: &[Uuid]) -> Result<()> {
        match table {
            Table::Participant => put_children::<participant::Entity>(loaded, json, reports),
            Table::ParticipantPerson => put_children::<participant_person::Entity>(loaded, json, reports),
            Table::Staffing => put_children::<staffing::Entity>(loaded, json, reports),
            Table::Milestone => put_children::<milestone::Entity>(loaded, json, reports),
            Table::Owner => put_children::<owner::Entity>(loaded, json, reports),
            Table::Problem => put_children::<problem::Entity>(loaded, json, reports),
            Table::IncidentReview => put_children::<incident_review::Entity>(loaded, json, reports),
            Table::TimelineEntry => put_children::<timeline_entry::Entity>(loaded, json, reports),
            Table::PostReleaseStat => put_children::<post_release_stat::Entity>(loaded, json, reports),
            Table::PlannedFix => put_children::<planned_fix::Entity>(loaded, json, reports),
            Table::FeedbackSource => put_children::<feedback_source::Entity>(loaded, json, reports),
            Table::Case => put_children::<typical_case::Entity>(loaded, json, reports),
            Table::Evaluation => put_children::<department_evaluation::Entity>(loaded, json, reports),
            Table::Shortcoming => put_children::<shortcoming::Entity>(loaded, json, reports),
            Table::Action => put_children::<improvement_action::Entity>(loaded, json, reports),
            Table::Step => put_children::<life_cycle_step::Entity>(loaded, json, reports),
            Table::ReportedValue => put_children::<reported_value::Entity>(loaded, json, reports),
            Table::Successor => put_children::<report::Entity>(loaded, json, reports),
            Table::Occurrence => {
                let actions = ids_of::<improvement_action::Entity>(loaded, reports);
                put_children::<occurrence::Entity>(loaded, json, &actions)
            }
            Table::Rescheduling => put_children::<rescheduling::Entity>(loaded, json, &occurrences(loaded, reports)),
            Table::Verification => put_children::<verification::Entity>(loaded, json, &occurrences(loaded, reports)),
            Table::Product => put_rows::<product::Entity>(loaded, json).map(|_| ()),
            Table::Project => {
                let products: Vec<Uuid> =
                    loaded.keys().filter(|(kind, _)| *kind == TypeId::of::<product::Entity>()).map(|(_, id)| *id).collect();
                put_children::<product_project::Entity>(loaded, json, &products)
            }
            Table::Application => put_rows::<release_application::Entity>(loaded, json).map(|_| ()),
            Table::Person => put_rows::<person::Entity>(loaded, json).map(|_| ()),
            Table::Department => {
                let all = rows::<department::Model>(json)?.into_iter().map(|d| (d.code.clone(), d)).collect();
                *into.departments.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(all));
                Ok(())
            }
        }
    }
}

fn occurrences(loaded: &Loaded, reports: &[Uuid]) -> Vec<Uuid> {
    ids_of::<occurrence::Entity>(loaded, &ids_of::<improvement_action::Entity>(loaded, reports))
}
