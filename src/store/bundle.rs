//! Everything that hangs below reports, in one statement: what an answer will ask for is known from its selection, and read at once
//! instead of table by table. What is not here is loaded by [`children`](super::children) as ever, so a bundle only ever saves statements.
//!
//! Each table is a list in JSON, made by the database, of its columns in their order; a model reads itself from such a list.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use entity::{
    department, department_evaluation, feedback_source, improvement_action, incident_review, life_cycle_step, milestone, occurrence, owner,
    participant, participant_person, person, planned_fix, post_release_stat, problem, product, product_project, release_application,
    report, reported_value, rescheduling, shortcoming, staffing, timeline_entry, typical_case, verification,
};
use foldhash::fast::RandomState;
use sea_orm::{
    ConnectionTrait, Iterable, ModelTrait, PrimaryKeyToColumn, QueryResult, Value,
    prelude::Uuid,
    sea_query::{Expr, SelectStatement},
};
use serde::de::DeserializeOwned;

use super::{
    Store,
    children::{ById, Child},
    lists::{self, Whose},
};
use crate::error::{Error, Result};

/// Which tables, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tables(u32);

/// The tables by number, in the order in which they are read: what a table needs to know its parents comes before it.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the table of that name; `MilestoneOwner` the rows of `Owner` that milestones have")]
pub enum Table {
    Participant,
    ParticipantPerson,
    Staffing,
    Milestone,
    Owner,
    MilestoneOwner,
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

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All but this.
    pub fn without(self, table: Table) -> Self {
        Self(self.0 & !table.bit())
    }

    /// Whether this is one of them.
    pub fn has(self, table: Table) -> bool {
        self.0 & table.bit() != 0
    }
}

impl Table {
    /// All of them.
    pub(super) const ALL: [Self; 27] = [
        Self::Participant,
        Self::ParticipantPerson,
        Self::Staffing,
        Self::Milestone,
        Self::Owner,
        Self::MilestoneOwner,
        Self::Problem,
        Self::IncidentReview,
        Self::TimelineEntry,
        Self::PostReleaseStat,
        Self::PlannedFix,
        Self::FeedbackSource,
        Self::Case,
        Self::Evaluation,
        Self::Shortcoming,
        Self::Action,
        Self::Step,
        Self::ReportedValue,
        Self::Successor,
        Self::Occurrence,
        Self::Rescheduling,
        Self::Verification,
        Self::Product,
        Self::Project,
        Self::Application,
        Self::Person,
        Self::Department,
    ];

    fn bit(self) -> u32 {
        Self::ALL.iter().position(|t| std::mem::discriminant(t) == std::mem::discriminant(&self)).map_or(0, |place| 1 << place)
    }
}

/// By our own ids, which no caller chooses: no hash that resists them is needed.
type Loaded = HashMap<(TypeId, Uuid), Arc<dyn Any + Send + Sync>, RandomState>;

/// Places that a report takes in it, about.
const ROWS: usize = 64;

/// What the bundles of a request brought.
#[derive(Default)]
pub struct Bundled {
    rows: Mutex<Loaded>,
    departments: Mutex<Option<Arc<HashMap<String, department::Model>>>>,
}

/// A mark for children, so that they and a row by its id do not share a place.
struct Below<E>(std::marker::PhantomData<E>);

/// A mark for the owners of milestones alone, by their milestone: they are not all owners that a report has.
struct OfMilestones;

impl Bundled {
    fn get<T: Any + Send + Sync>(&self, kind: TypeId, id: Uuid) -> Option<Arc<T>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&(kind, id)).cloned().and_then(|found| found.downcast().ok())
    }

    /// The children of a parent, if a bundle brought them.
    pub fn children<E: Child + 'static>(&self, parent: Uuid) -> Option<Arc<Vec<E::Model>>> {
        self.get(TypeId::of::<Below<E>>(), parent)
    }

    /// The owners of a milestone, if a bundle brought those of milestones alone.
    pub fn milestone_owners(&self, milestone: Uuid) -> Option<Arc<Vec<owner::Model>>> {
        self.get(TypeId::of::<OfMilestones>(), milestone)
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

/// What siblings are ordered by, as the databases order it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(Option<i64>),
    Id(Option<Uuid>),
    Time(Option<DateTime<Utc>>),
    Text(Option<String>),
    Other,
}

fn rank(value: Value) -> Rank {
    match value {
        Value::Int(n) => Rank::Number(n.map(i64::from)),
        Value::BigInt(n) => Rank::Number(n),
        Value::Uuid(id) => Rank::Id(id),
        Value::ChronoDateTimeUtc(at) => Rank::Time(at),
        Value::String(text) => Rank::Text(text),
        _ => Rank::Other,
    }
}

/// Rows from a list in JSON.
pub(super) fn rows<M: DeserializeOwned>(json: Option<&str>) -> Result<Vec<M>> {
    json.map_or(Ok(Vec::new()), |json| serde_json::from_str(json).map_err(Error::internal))
}

/// Puts children to their parents; a parent without any has an empty list.
fn put_children<E: Child + 'static>(into: &mut Loaded, json: Option<&str>, parents: &[Uuid]) -> Result<()>
where
    E::Model: DeserializeOwned,
{
    put_marked::<E>(into, TypeId::of::<Below<E>>(), json, parents, E::parent)
}

fn put_marked<E: Child>(
    into: &mut Loaded,
    mark: TypeId,
    json: Option<&str>,
    parents: &[Uuid],
    parent: fn(&E::Model) -> Option<Uuid>,
) -> Result<()>
where
    E::Model: DeserializeOwned + 'static,
{
    let mut by: HashMap<Uuid, Vec<E::Model>, RandomState> = parents.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows::<E::Model>(json)? {
        if let Some(parent) = parent(&row) {
            by.entry(parent).or_default().push(row);
        }
    }
    into.extend(by.into_iter().map(|(id, mut rows)| {
        rows.sort_by_cached_key(|row| {
            let mut key = <E::PrimaryKey as Iterable>::iter().map(|key| rank(row.get(key.into_column())));
            (rank(row.get(E::ORDER)), key.next(), key.next())
        });
        let rows: Arc<dyn Any + Send + Sync> = Arc::new(rows);
        ((mark, id), rows)
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

impl Store {
    /// The first report of a query on `report` that selects nothing yet, and these tables of it, kept for the request: one statement.
    /// Without a limit, which is a parameter that PostgreSQL would plan every statement anew for; such a query names one report, or the
    /// few of an application.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn one_bundled(&self, into: &Bundled, tables: Tables, mut query: SelectStatement) -> Result<Option<report::Model>> {
        let backend = self.db.get_database_backend();
        // Making so many columns one by one took longer than reading them.
        query.expr(Expr::cust(lists::text(tables, backend, Whose::AtHand).to_string()));
        let found = {
            let _turn = self.turn().await;
            self.db.query_one_raw(backend.build(&query)).await?
        };
        let Some(found) = found else { return Ok(None) };
        let report = report::Model::at(&found, 0)?;
        self.unpack(into, tables, (&found, report::Column::iter().count()), &[report.id])?;
        Ok(Some(report))
    }

    /// Takes the lists out of a row, of which the first is at this place.
    pub(super) fn unpack(&self, into: &Bundled, tables: Tables, (found, first): (&QueryResult, usize), reports: &[Uuid]) -> Result<()> {
        let mut loaded = Loaded::with_capacity_and_hasher(ROWS * reports.len(), RandomState::default());
        for (table, place) in Table::ALL.into_iter().filter(|t| tables.has(*t)).zip(first..) {
            let json: Option<String> = found.try_get_by_index(place)?;
            self.put(into, &mut loaded, table, json.as_deref(), reports)?;
        }
        let mut rows = into.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() {
            *rows = loaded;
        } else {
            rows.extend(loaded);
        }
        Ok(())
    }

    fn put(&self, into: &Bundled, loaded: &mut Loaded, table: Table, json: Option<&str>, reports: &[Uuid]) -> Result<()> {
        match table {
            Table::Participant => put_children::<participant::Entity>(loaded, json, reports),
            Table::ParticipantPerson => put_children::<participant_person::Entity>(loaded, json, reports),
            Table::Staffing => put_children::<staffing::Entity>(loaded, json, reports),
            Table::Milestone => put_children::<milestone::Entity>(loaded, json, reports),
            Table::Owner => put_children::<owner::Entity>(loaded, json, reports),
            Table::MilestoneOwner => {
                let milestones = ids_of::<milestone::Entity>(loaded, reports);
                put_marked::<owner::Entity>(loaded, TypeId::of::<OfMilestones>(), json, &milestones, |owner| owner.milestone_id)
            }
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
