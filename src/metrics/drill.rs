//! From a figure to what it counted: an opaque text that a list takes as `counted`, made of the figure, its filter and its group.

use async_graphql::{Enum, ID, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{Condition, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{
    count::Keys,
    definition::{Definition, named},
    dimension::Dimension,
    measure::{At, COUNT, Measure, NUMERATOR, Reason, Source},
    releases::PROBLEMS_PER_RELEASE,
    scope::Scope,
    statement::Pass,
};
use crate::{
    error::{Error, Result, say},
    store::Store,
};

/// Which of a figure's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[graphql(name = "MetricPart")]
pub enum Part {
    /// All that were counted: the denominator, the sample.
    Counted,
    /// Those in the numerator.
    Numerator,
    /// Those that were left out for one reason.
    Excluded,
}

/// The lists that figures lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "MetricList")]
pub enum List {
    /// `reports`.
    Reports,
    /// `milestones`.
    Milestones,
    /// `problems`.
    Problems,
    /// `cases`.
    Cases,
    /// `actionOccurrences`.
    ActionOccurrences,
    /// `deployments`.
    Deployments,
}

impl List {
    fn of(figure: &Definition, part: Part) -> Self {
        match figure.source {
            Source::Releases if part == Part::Numerator && figure.id == PROBLEMS_PER_RELEASE.id => Self::Problems,
            Source::Releases | Source::Filings | Source::Statistics | Source::Staffing => Self::Reports,
            Source::Milestones => Self::Milestones,
            Source::Problems => Self::Problems,
            Source::Cases => Self::Cases,
            Source::Deployments => Self::Deployments,
            Source::Occurrences => Self::ActionOccurrences,
        }
    }
}

/// The records behind a figure.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "MetricDrillDown")]
pub struct DrillDown {
    /// Which of its records.
    pub part: Part,
    /// The list that shows them. It shows what you may see: of deployments that are parked or held, that may be fewer.
    pub list: List,
    /// What that list takes as `counted`.
    pub counted: ID,
}

/// What `counted` says.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    #[serde(rename = "m")]
    figure: String,
    #[serde(rename = "s")]
    scope: Scope,
    #[serde(rename = "b")]
    by: Vec<Dimension>,
    #[serde(rename = "k")]
    keys: Keys,
    #[serde(rename = "p")]
    part: Part,
    /// The number of the reason, of what was left out.
    #[serde(rename = "r")]
    reason: i64,
}

/// The way to a part of a group.
pub fn down(figure: &Definition, scope: &Scope, by: &[Dimension], keys: &Keys, part: Part) -> DrillDown {
    tell(figure, scope, by, keys, (part, 0))
}

/// The way to what was left out of a group for a reason.
pub fn left_out(figure: &Definition, measure: &Measure, scope: &Scope, by: &[Dimension], keys: &Keys, reason: Reason) -> DrillDown {
    let place = measure.excluded.iter().position(|(r, _)| *r == reason);
    let class = place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or(0);
    tell(figure, scope, by, keys, (Part::Excluded, class))
}

fn tell(figure: &Definition, scope: &Scope, by: &[Dimension], keys: &Keys, (part, reason): (Part, i64)) -> DrillDown {
    let told = Told { figure: figure.name(), scope: scope.clone(), by: by.to_vec(), keys: keys.clone(), part, reason };
    let counted = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&told).unwrap_or_default());
    DrillDown { part, list: List::of(figure, part), counted: ID(counted) }
}

/// The condition on the list `on` that holds for exactly what `counted` names.
///
/// # Errors
/// `BAD_USER_INPUT` for a text that is none, or of another list.
pub fn condition(store: &Store, on: List, counted: Option<&ID>) -> Result<Condition> {
    let Some(counted) = counted else { return Ok(Condition::all()) };
    let wrong = || {
        Error::BadInput(say(
            "counted: take it as a figure's drillDown gives it, for the list that it names",
            "counted 无效：请原样使用指标 drillDown 给出的值，并用于其指明的列表",
        ))
    };
    let bytes = URL_SAFE_NO_PAD.decode(counted.as_bytes()).map_err(|_| wrong())?;
    let Told { figure, scope, by, keys, part, reason } = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let figure = named(&figure).ok_or_else(wrong)?;
    let scope = scope.again()?;
    scope.check(&by)?;
    let dimensions = figure.dimensions();
    let plain = |key: &String| key.len() <= 60 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if List::of(figure, part) != on || !by.iter().all(|d| dimensions.contains(d)) || !keys.iter().flatten().all(plain) {
        return Err(wrong());
    }
    let at = At::of(store);
    let measure = (figure.measure)(&at);
    let class = match part {
        Part::Counted => format!("c0 >= {COUNT}"),
        // Where the numerator is a sum over what was counted, that is where it comes from.
        Part::Numerator if measure.numerator.is_none() => format!("c0 >= {COUNT}"),
        Part::Numerator => format!("c0 = {NUMERATOR}"),
        Part::Excluded => format!("c0 = {}", reason.clamp(1, COUNT - 1)),
    };
    let mut held = class;
    for (index, key) in keys.iter().enumerate() {
        let grouped = index < by.len() || index == 2 && figure.split.is_some();
        match key {
            Some(key) => held.push_str(&format!(" AND k{} = '{key}'", index + 1)),
            None if grouped => held.push_str(&format!(" AND k{} IS NULL", index + 1)),
            None => {}
        }
    }
    let pass = Pass { at, scope: &scope, source: figure.source, by, split: figure.split, figures: vec![figure] };
    let ids = format!("SELECT id FROM ({}) AS record WHERE {held}", pass.records(false));
    let sql = match (on, figure.source) {
        (List::Problems, Source::Releases) => format!("problem.report_id IN ({ids})"),
        (List::Reports, Source::Statistics | Source::Staffing) => {
            let table = figure.source.table();
            format!("report.id IN (SELECT report_id FROM {table} WHERE id IN ({ids}))")
        }
        _ => format!("{}.id IN ({ids})", figure.source.table()),
    };
    Ok(Condition::all().add(Expr::cust(sql)))
}
