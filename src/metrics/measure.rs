//! What a figure is made of: which records it looks at, which of them it leaves out and why, which it counts. As SQL without
//! parameters, so that the figure and the list of what it counted (`drill.rs`) are one text: what comes from outside was checked for
//! its letters in `scope.rs` before it got here.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use super::dimension::Dimension;
use crate::{clock::Calendar, store::Store};

/// What the SQL depends on beside the request.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Whether for PostgreSQL; SQLite otherwise.
    pub postgres: bool,
    /// Now.
    pub now: DateTime<Utc>,
    /// The business time zone.
    pub calendar: Calendar,
}

impl At {
    /// Now, on this database.
    pub fn of(store: &Store) -> Self {
        Self { postgres: store.is_postgres(), now: store.now(), calendar: store.calendar }
    }

    /// Today in the business time zone, as a literal.
    pub fn today(&self) -> String {
        day(self.calendar.day_of(self.now))
    }

    /// Seconds since 1970, whole.
    pub fn seconds(&self, column: &str) -> String {
        if self.postgres { format!("CAST(FLOOR(EXTRACT(EPOCH FROM {column})) AS bigint)") } else { format!("unixepoch({column})") }
    }

    /// Whole minutes from one time to another.
    pub fn minutes(&self, from: &str, to: &str) -> String {
        format!("({} - {}) / 60", self.seconds(to), self.seconds(from))
    }

    /// Days from one date to another.
    pub fn days(&self, from: &str, to: &str) -> String {
        if self.postgres {
            format!("(CAST({to} AS date) - {from})")
        } else {
            format!("CAST(julianday({to}) - julianday({from}) AS integer)")
        }
    }
}

/// A date as a literal.
pub fn day(day: NaiveDate) -> String {
    format!("'{}'", day.format("%Y-%m-%d"))
}

/// A time as a literal, as SQLite keeps it.
pub fn instant(at: DateTime<Utc>) -> String {
    format!("'{}'", at.to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

/// The records that a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Reports, by release time.
    Releases,
    /// Reports, by filing.
    Filings,
    /// Milestones, by the release time of their report.
    Milestones,
    /// Problems, likewise.
    Problems,
    /// Rows of the post-release statistics, likewise.
    Statistics,
    /// Typical cases, likewise.
    Cases,
    /// Rows of staffing, likewise.
    Staffing,
    /// Deployments, by finish.
    Deployments,
    /// Occurrences of improvement actions, by due date.
    Occurrences,
}

/// How a source's time is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// A time.
    Instant(&'static str),
    /// A release: its actual time, or its planned one while there is none.
    Release,
    /// A date.
    Day(&'static str),
}

/// Reports that were ever submitted and are neither discarded nor superseded.
pub const COUNTED: &str = "report.first_submitted_at IS NOT NULL AND report.state <> 'DISCARDED' AND report.superseded_at IS NULL";

impl Source {
    /// The table of the records.
    pub fn table(self) -> &'static str {
        match self {
            Self::Releases | Self::Filings => "report",
            Self::Milestones => "milestone",
            Self::Problems => "problem",
            Self::Statistics => "post_release_stat",
            Self::Cases => "typical_case",
            Self::Staffing => "staffing",
            Self::Deployments => "deployment",
            Self::Occurrences => "occurrence",
        }
    }

    /// The tables, joined to their report.
    pub fn from(self) -> String {
        match self {
            Self::Releases | Self::Filings => "report".into(),
            Self::Deployments => "deployment LEFT JOIN report ON report.id = deployment.report_id".into(),
            Self::Occurrences => "occurrence JOIN report ON report.id = occurrence.report_id \
                 JOIN improvement_action ON improvement_action.id = occurrence.action_id"
                .into(),
            other => format!("{0} JOIN report ON report.id = {0}.report_id", other.table()),
        }
    }

    /// What holds of every record, whatever the figure. Deployments count whether they found a report or not.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Deployments => "deployment.environment_class = 'PRODUCTION'",
            _ => COUNTED,
        }
    }

    /// Its time.
    pub fn axis(self) -> Axis {
        match self {
            Self::Filings => Axis::Instant("report.filed_at"),
            Self::Deployments => Axis::Instant("deployment.finished_at"),
            Self::Occurrences => Axis::Day("occurrence.due_on"),
            _ => Axis::Release,
        }
    }

    /// The product's id.
    pub fn product(self) -> &'static str {
        match self {
            Self::Deployments => "COALESCE(deployment.product_id, report.product_id)",
            _ => "report.product_id",
        }
    }

    /// Where departments stand, and how they are joined: owners of a milestone or problem, the lead (or the owners) of an action,
    /// participants of a release. For a filter, what has none goes by the participants of its report.
    pub fn departments(self) -> (&'static str, &'static str) {
        match self {
            Self::Milestones => ("owner", "unit.milestone_id = milestone.id AND unit.current"),
            Self::Problems => ("owner", "unit.problem_id = problem.id AND unit.current"),
            Self::Occurrences => (
                "owner",
                "unit.action_id = occurrence.action_id AND unit.current AND (unit.lead OR NOT EXISTS (SELECT 1 FROM owner AS other \
                 WHERE other.action_id = unit.action_id AND other.current AND other.lead))",
            ),
            Self::Staffing => ("staffing", "unit.id = staffing.id"),
            _ => ("participant", "unit.report_id = report.id"),
        }
    }

    /// A column to group by; none for time, product and department, which are not plain columns, and where there is no such thing.
    pub fn column(self, dimension: Dimension) -> Option<&'static str> {
        Some(match (self, dimension) {
            (_, Dimension::ReleaseType) => "report.release_type",
            (_, Dimension::Strategy) => "report.strategy",
            (Self::Releases | Self::Filings, Dimension::Outcome) => "report.outcome",
            (Self::Releases, Dimension::Compliance) => "report.compliance",
            (Self::Milestones, Dimension::MilestoneKind) => "milestone.kind",
            (Self::Problems, Dimension::ProblemPhase) => "problem.phase",
            (Self::Problems, Dimension::Impact) => "problem.impact",
            (Self::Statistics, Dimension::IssueCategory) => "post_release_stat.category",
            (Self::Deployments, Dimension::DeploymentStatus) => "deployment.status",
            (Self::Occurrences, Dimension::ActionArea) => "improvement_action.area",
            (Self::Occurrences, Dimension::OccurrenceStatus) => "occurrence.status",
            _ => return None,
        })
    }
}

/// Why a record is left out of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, async_graphql::Enum)]
#[graphql(name = "MetricExclusionReason")]
pub enum Reason {
    /// The release has no actual time yet; it falls into the period by its planned one.
    NoActualTime,
    /// There is no plan to compare with.
    NoPlan,
    /// There is no actual duration.
    NoActualDuration,
    /// The milestone is not done, and its plan has not passed.
    Pending,
    /// The milestone was set aside.
    NotApplicable,
    /// There is no handling time.
    NoHandlingTime,
    /// It is not resolved yet.
    NotResolved,
    /// Nobody knows when it began: no time was detected, and no deployment that finished is tied to it.
    NoStart,
    /// The deployment was set aside by a person.
    Dismissed,
    /// Nothing tells which application the deployment belongs to.
    NoApplication,
    /// The pipeline reports no commit times.
    NoCommitTime,
    /// There are no stars.
    NoStars,
    /// There is no verdict.
    NoVerdict,
    /// One of the budgets is blank.
    NoBudget,
    /// The hours, people or counts are blank.
    Blank,
    /// The due date has not passed.
    NotDue,
    /// The occurrence was cancelled.
    Cancelled,
    /// Nobody has verified it yet.
    NotVerified,
}

/// How a figure is made of the records of its source.
#[derive(Debug, Default)]
pub struct Measure {
    /// Which records it is about at all; all unless given.
    pub of: Option<String>,
    /// Which are left out, by the first reason that holds.
    pub excluded: Vec<(Reason, String)>,
    /// Which of the counted ones are the numerator.
    pub numerator: Option<String>,
    /// What is summed over the counted ones.
    pub sums: Vec<String>,
    /// What the largest of is told.
    pub most: Option<String>,
    /// What medians and percentiles are taken of, of each counted one.
    pub values: Vec<String>,
    /// A further join that `values` need.
    pub join: Option<String>,
}

/// The class of a record that is not what the figure is about.
pub const NOT_OF_IT: i64 = 0;
/// The class of a counted record; below are the reasons of exclusion, in their order from 1.
pub const COUNT: i64 = 100;
/// The class of a counted record that is in the numerator.
pub const NUMERATOR: i64 = 101;

impl Measure {
    /// The class of a record, as an expression.
    pub fn class(&self) -> String {
        let mut class = String::from("CASE");
        for (index, (_, when)) in self.excluded.iter().enumerate() {
            class.push_str(&format!(" WHEN {when} THEN {}", index + 1));
        }
        if let Some(when) = &self.numerator {
            class.push_str(&format!(" WHEN {when} THEN {NUMERATOR}"));
        }
        class.push_str(&format!(" ELSE {COUNT} END"));
        // `CASE ELSE` is no SQL.
        let class = if self.excluded.is_empty() && self.numerator.is_none() { COUNT.to_string() } else { class };
        match &self.of {
            Some(of) => format!("CASE WHEN {of} THEN {class} ELSE {NOT_OF_IT} END"),
            None => class,
        }
    }
}
