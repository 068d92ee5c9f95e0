//! The SQL of a bundle: each table's rows below a report, or below several, as one list in JSON. Lists are not ordered here: rows are
//! few, and sorting them in every statement cost PostgreSQL a seventh of its time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{
    department, department_evaluation, feedback_source, improvement_action, incident_review, life_cycle_step, milestone, occurrence, owner,
    participant, participant_person, person, planned_fix, post_release_stat, problem, product, product_project, release_application,
    report, reported_value, rescheduling, shortcoming, staffing, timeline_entry, typical_case, verification,
};
use sea_orm::{ColumnTrait, ColumnType, DbBackend, EntityName, EntityTrait, IdenStatic, Iterable};

use super::bundle::{Table, Tables};

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// Those of the report that the statement around is about.
    AtHand,
    /// Those of the reports on a page, which the statement around has as `on_page`; in its first row.
    OnPage,
}

impl Whose {
    /// What follows a column that names the report.
    fn follows(self) -> &'static str {
        match self {
            Self::AtHand => "= \"report\".\"id\"",
            Self::OnPage => "IN (SELECT id FROM on_page)",
        }
    }

    /// A column of the reports, as a set to be in.
    fn column(self, name: &str) -> String {
        match self {
            Self::AtHand => format!("= \"report\".\"{name}\""),
            Self::OnPage => format!("IN (SELECT {name} FROM on_page)"),
        }
    }
}

/// A column, as the models read it from JSON.
fn column<C: ColumnTrait>(column: C, postgres: bool) -> String {
    let name = format!("t.\"{}\"", IdenStatic::as_str(&column));
    if postgres {
        return name;
    }
    match column.def().get_column_type() {
        ColumnType::Uuid if column.def().is_null() => format!("nullif(lower(hex({name})), '')"),
        ColumnType::Uuid => format!("lower(hex({name}))"),
        ColumnType::Boolean => format!("json(CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)"),
        ColumnType::Json | ColumnType::JsonBinary => format!("json({name})"),
        _ => name,
    }
}

/// A list of all rows for which `held` holds, as JSON.
fn list<E: EntityTrait>(backend: DbBackend, held: &str) -> String {
    let postgres = backend == DbBackend::Postgres;
    let columns: Vec<String> = E::Column::iter().map(|c| column(c, postgres)).collect();
    let (row, all) = if postgres { ("json_build_array", "json_agg") } else { ("json_array", "json_group_array") };
    format!("SELECT CAST({all}({row}({})) AS text) FROM {} AS t WHERE {held}", columns.join(", "), EntityName::table_name(&E::default()))
}

/// [`list`], of few rows with many columns: PostgreSQL is sooner done with the row as a whole. So many columns one by one take it past
/// the memory that it keeps between two statements, which cost twice the time of a full report's lists.
pub fn whole<E: EntityTrait>(backend: DbBackend, held: &str) -> String {
    if backend == DbBackend::Postgres {
        format!("SELECT CAST(json_agg(t) AS text) FROM {} AS t WHERE {held}", EntityName::table_name(&E::default()))
    } else {
        list::<E>(backend, held)
    }
}

/// The list of a table.
fn sql(table: Table, tables: Tables, backend: DbBackend, whose: Whose) -> String {
    let of = whose.follows();
    let below = format!("t.report_id {of}");
    match table {
        Table::Participant => list::<participant::Entity>(backend, &below),
        Table::ParticipantPerson => list::<participant_person::Entity>(backend, &below),
        Table::Staffing => list::<staffing::Entity>(backend, &below),
        Table::Milestone => list::<milestone::Entity>(backend, &below),
        Table::Owner => list::<owner::Entity>(backend, &below),
        Table::MilestoneOwner => list::<owner::Entity>(backend, &format!("{below} AND t.milestone_id IS NOT NULL")),
        Table::Problem => list::<problem::Entity>(backend, &below),
        Table::IncidentReview => list::<incident_review::Entity>(backend, &below),
        Table::TimelineEntry => list::<timeline_entry::Entity>(backend, &below),
        Table::PostReleaseStat => list::<post_release_stat::Entity>(backend, &below),
        Table::PlannedFix => list::<planned_fix::Entity>(backend, &below),
        Table::FeedbackSource => list::<feedback_source::Entity>(backend, &below),
        Table::Case => list::<typical_case::Entity>(backend, &below),
        Table::Evaluation => list::<department_evaluation::Entity>(backend, &below),
        Table::Shortcoming => list::<shortcoming::Entity>(backend, &below),
        Table::Action => list::<improvement_action::Entity>(backend, &below),
        Table::Step => list::<life_cycle_step::Entity>(backend, &below),
        Table::ReportedValue => list::<reported_value::Entity>(backend, &below),
        Table::Successor => whole::<report::Entity>(backend, &format!("t.supersedes_id {of}")),
        Table::Occurrence => list::<occurrence::Entity>(backend, &below),
        Table::Rescheduling => list::<rescheduling::Entity>(backend, &below),
        Table::Verification => list::<verification::Entity>(backend, &below),
        Table::Product => list::<product::Entity>(backend, &format!("t.id {}", whose.column("product_id"))),
        Table::Project => list::<product_project::Entity>(backend, &format!("t.product_id {}", whose.column("product_id"))),
        Table::Application => list::<release_application::Entity>(backend, &format!("t.id {}", whose.column("application_id"))),
        Table::Person => list::<person::Entity>(backend, &format!("t.id IN ({})", people(tables, whose))),
        Table::Department => list::<department::Entity>(backend, "1 = 1"),
    }
}

/// Everybody whom these tables of a report name.
fn people(tables: Tables, whose: Whose) -> String {
    let of = whose.follows();
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
    let own = match whose {
        // From a table: without one, PostgreSQL makes no join of these, but looks at everybody.
        Whose::AtHand => "SELECT own.release_owner_id FROM report AS own WHERE own.id = \"report\".\"id\"".to_owned(),
        Whose::OnPage => "SELECT release_owner_id FROM on_page".to_owned(),
    };
    std::iter::once(own).chain(lists).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Texts by their tables: they are long, and few.
static TEXTS: Mutex<BTreeMap<(Tables, bool, Whose), Arc<str>>> = Mutex::new(BTreeMap::new());

/// What stands between `SELECT` and `FROM`: the lists of these tables in their order, after the columns of a report at hand.
pub fn text(tables: Tables, backend: DbBackend, whose: Whose) -> Arc<str> {
    let postgres = backend == DbBackend::Postgres;
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = texts.get(&(tables, postgres, whose)) {
        return Arc::clone(text);
    }
    let columns = report::Column::iter().filter(|_| whose == Whose::AtHand).map(|c| format!("\"report\".\"{}\"", IdenStatic::as_str(&c)));
    let lists = Table::ALL.iter().filter(|t| tables.has(**t)).map(|table| {
        let list = sql(*table, tables, backend, whose);
        match whose {
            Whose::AtHand => format!("({list})"),
            Whose::OnPage => format!("CASE place WHEN 1 THEN ({list}) END"),
        }
    });
    let text: Arc<str> = columns.chain(lists).collect::<Vec<_>>().join(", ").into();
    // A client that asks for ever other selections shall not fill the memory.
    if texts.len() > 500 {
        texts.clear();
    }
    texts.insert((tables, postgres, whose), Arc::clone(&text));
    text
}
