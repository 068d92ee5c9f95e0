//! `metrics` and `metricDefinitions`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use async_graphql::{Context, Object, SelectionField, Value};
use entity::product;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    actions, aftermath,
    count::{Ask, Cell, Counted, Keys, Name, count},
    cycle,
    definition::{ALL, Definition},
    deployments,
    dimension::Dimension,
    family::{
        BudgetMetric, CountFigure, CycleFigure, DurationFigure, HoursFigure, IssuesFigure, MeanFigure, Metric, OverdueFigure, PeopleFigure,
        RateFigure,
    },
    figure::{Asked, Figure, MetricDefinition, shared},
    measure::At,
    milestones, problems, releases, resources,
    scope::{MetricsWhere, Scope},
};
use crate::{
    auth::{Act, Facts, policy},
    error::{Error, Result, say},
    graphql::{
        context::{actor, caller, store, turns},
        scalars::Day,
        walk::Many,
    },
    store::Store,
};

/// Queries on figures.
#[derive(Default)]
pub struct MetricQuery;

/// Figures asked for in one `metrics` at most.
const FIGURES: usize = 60;

#[Object]
impl MetricQuery {
    /// Figures over the reports that were ever submitted and are neither discarded nor superseded, and over production deployments. All
    /// figures of one `metrics` share its filter; those that are made of the same records and grouped alike are read in one pass.
    async fn metrics(&self, ctx: &Context<'_>, #[graphql(name = "where")] filter: Option<MetricsWhere>) -> Option<Result<Metrics>> {
        Some(metrics(ctx, filter.unwrap_or_default()).await)
    }

    /// All figures, with what each means.
    async fn metric_definitions(&self) -> Vec<MetricDefinition> {
        ALL.into_iter().map(MetricDefinition).collect()
    }
}

async fn metrics(ctx: &Context<'_>, filter: MetricsWhere) -> Result<Metrics> {
    policy::allows(actor(ctx)?, Act::MetricsRead, &Facts::default())?;
    let store = store(ctx)?;
    let at = At::of(store);
    let scope = Scope::of(filter, store.today())?;
    let asks = asked(ctx, &scope);
    if asks.len() > FIGURES {
        return Err(Error::BadInput(say(
            format!("metrics takes at most {FIGURES} figures at once"),
            format!("metrics 一次最多查询 {FIGURES} 个指标"),
        )));
    }
    let _turn = turns(ctx)?.take(&caller(ctx)?.origin.actor.subject).await?;
    let counted = count(store, &at, &scope, asks).await?;
    let products = product_names(store, &counted).await?;
    Ok(Metrics { scope, at, counted, products })
}

/// What the selection asks for. What cannot be asked for is left to the field, which says why.
fn asked(ctx: &Context<'_>, scope: &Scope) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for field in ctx.field().selection_set() {
        let Some(figure) = ALL.into_iter().find(|d| camel(d.id) == field.name()) else { continue };
        let by = match field.arguments() {
            Ok(arguments) => {
                arguments.into_iter().find(|(name, _)| name == "groupBy").map_or_else(Vec::new, |(_, value)| dimensions(&value))
            }
            Err(_) => continue,
        };
        if check(figure, scope, &by).is_err() {
            continue;
        }
        // A cycle is made of medians only.
        let values = figure.id == cycle::REPORT_CYCLE_MINUTES.id
            || match figure.id {
                "overdue_actions" => selects(field, &["maxDays"]),
                _ => figure.takes_values() && selects(field, &["value", "median", "p90"]),
            };
        match asks.iter_mut().find(|ask| ask.figure.id == figure.id && ask.by == by) {
            Some(ask) => ask.values |= values,
            None => asks.push(Ask { figure, by, values }),
        }
    }
    asks
}

fn selects(field: SelectionField<'_>, names: &[&str]) -> bool {
    field
        .selection_set()
        .any(|below| names.contains(&below.name()) && below.selection_set().next().is_none() || selects_below(below, names))
}

fn selects_below(field: SelectionField<'_>, names: &[&str]) -> bool {
    matches!(field.name(), "total" | "groups") && selects(field, names)
}

fn dimensions(value: &Value) -> Vec<Dimension> {
    let one = |value: &Value| match value {
        Value::Enum(name) => Dimension::named(name),
        Value::String(name) => Dimension::named(name),
        _ => None,
    };
    match value {
        Value::List(list) => list.iter().filter_map(one).collect(),
        single => one(single).into_iter().collect(),
    }
}

/// `on_time_release_rate` as a field: `onTimeReleaseRate`.
fn camel(id: &str) -> String {
    let mut words = id.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

fn check(figure: &Definition, scope: &Scope, by: &[Dimension]) -> Result<()> {
    let dimensions = figure.dimensions();
    if let Some(other) = by.iter().find(|d| !dimensions.contains(d)) {
        let name = other.name();
        return Err(Error::BadInput(say(
            format!("groupBy: {} cannot be grouped by {name}; metricDefinitions says by what it can", figure.id),
            format!("groupBy：{} 不能按 {name} 分组，可用维度见 metricDefinitions", figure.id),
        )));
    }
    scope.check(by)
}

/// Names of the products that are keys of groups.
async fn product_names(store: &Store, counted: &HashMap<Name, Counted>) -> Result<HashMap<String, String>> {
    let mut keys = BTreeSet::new();
    for ((_, by), counted) in counted {
        let Some(place) = by.iter().position(|d| *d == Dimension::Product) else { continue };
        keys.extend(counted.groups.keys().filter_map(|k| k.get(place).cloned().flatten()));
    }
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = store.all(product::Entity::find().filter(product::Column::Key.is_in(keys))).await?;
    Ok(rows.into_iter().map(|p| (p.key, p.name)).collect())
}

/// Figures over one filter.
pub struct Metrics {
    scope: Scope,
    at: At,
    counted: HashMap<Name, Counted>,
    products: HashMap<String, String>,
}

impl Metrics {
    fn counted(&self, figure: &'static Definition, by: &[Dimension]) -> Result<(Arc<Asked>, &Counted)> {
        check(figure, &self.scope, by)?;
        let counted = self.counted.get(&(figure.id, by.to_vec())).ok_or_else(|| Error::internal("a figure that was not counted"))?;
        let products = if by.contains(&Dimension::Product) { self.products.clone() } else { HashMap::new() };
        let buckets = self.scope.buckets(by);
        let measure = (figure.measure)(&self.at);
        Ok((Arc::new(Asked { figure, scope: self.scope.clone(), by: by.to_vec(), buckets, products, measure }), counted))
    }

    fn metric<F: Figure>(&self, figure: &'static Definition, by: Option<Vec<Dimension>>) -> Option<Result<Metric<F>>> {
        let by = by.unwrap_or_default();
        let made = self.counted(figure, &by).and_then(|(asked, counted)| {
            let none = Cell::default();
            let cell = counted.total.get(&[None, None, None]).unwrap_or(&none);
            let total = F::of(shared(&asked, false, [None, None, None], cell), cell, self.scope.days())?;
            Ok(Metric { definition: MetricDefinition(figure), total, groups: self.groups(&asked, counted)? })
        });
        Some(made)
    }

    /// The groups in order, each empty time bucket beside every other key that occurs.
    fn groups<F: Figure>(&self, asked: &Arc<Asked>, counted: &Counted) -> Result<Many<F>> {
        let buckets = &asked.buckets;
        let time = asked.by.iter().position(|d| d.is_time());
        let mut cells: BTreeMap<(usize, Keys), Option<&Cell>> = BTreeMap::new();
        let place = |keys: &Keys| time.and_then(|t| keys.get(t)).and_then(|k| k.as_deref()?.parse().ok()).unwrap_or(0);
        for (keys, cell) in &counted.groups {
            cells.insert((place(keys), keys.clone()), Some(cell));
        }
        if let Some(time) = time {
            let without = |keys: &Keys| {
                let mut keys = keys.clone();
                if let Some(key) = keys.get_mut(time) {
                    *key = None;
                }
                keys
            };
            let mut others: BTreeSet<Keys> = counted.groups.keys().map(without).collect();
            if others.is_empty() && asked.by.len() == 1 {
                others.insert([None, None, None]);
            }
            for other in others {
                for index in 0..buckets.len() {
                    let mut keys = other.clone();
                    if let Some(key) = keys.get_mut(time) {
                        *key = Some(index.to_string());
                    }
                    cells.entry((index, keys)).or_insert(None);
                }
            }
        }
        let none = Cell::default();
        let group = |((index, keys), cell): ((usize, Keys), Option<&Cell>)| {
            let cell = cell.unwrap_or(&none);
            let days = buckets.get(index).map_or(self.scope.days(), |b| b.days());
            F::of(shared(asked, true, keys, cell), cell, days)
        };
        cells.into_iter().map(group).collect()
    }
}

/// Figures over one filter. Each is null, with an error, where it cannot be grouped as asked.
#[Object]
impl Metrics {
    /// The first day of the period.
    async fn from(&self) -> Day {
        Day(self.scope.from)
    }

    /// The last day of the period.
    async fn to(&self) -> Day {
        Day(self.scope.to)
    }

    /// Reports with an actual release time in the period.
    async fn releases(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<CountFigure>>> {
        self.metric(&releases::RELEASES, group_by)
    }

    /// Releases that were not later than planned / releases with both times.
    async fn on_time_release_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&releases::ON_TIME_RELEASE_RATE, group_by)
    }

    /// By how much late releases were late.
    async fn release_delay_minutes(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<DurationFigure>>> {
        self.metric(&releases::RELEASE_DELAY_MINUTES, group_by)
    }

    /// (Σ actual − Σ planned duration) / Σ planned duration.
    async fn duration_deviation_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&releases::DURATION_DEVIATION_RATE, group_by)
    }

    /// Milestones on time / milestones on time, delayed or overdue.
    async fn milestone_on_time_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&milestones::MILESTONE_ON_TIME_RATE, group_by)
    }

    /// Problems of releases.
    async fn problems(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<CountFigure>>> {
        self.metric(&problems::PROBLEMS, group_by)
    }

    /// How long problems took to handle.
    async fn problem_handling_minutes(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<DurationFigure>>> {
        self.metric(&problems::PROBLEM_HANDLING_MINUTES, group_by)
    }

    /// Problems / releases.
    async fn problems_per_release(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&releases::PROBLEMS_PER_RELEASE, group_by)
    }

    /// Releases that were rolled back / releases.
    async fn rollback_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&releases::ROLLBACK_RATE, group_by)
    }

    /// Successful production deployments a day.
    async fn deployment_frequency(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&deployments::DEPLOYMENT_FREQUENCY, group_by)
    }

    /// From the oldest new commit of an application to its first successful production deployment.
    async fn lead_time_minutes(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<DurationFigure>>> {
        self.metric(&deployments::LEAD_TIME_MINUTES, group_by)
    }

    /// Production deployments that failed in some way / finished production deployments.
    async fn change_failure_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&deployments::CHANGE_FAILURE_RATE, group_by)
    }

    /// How long it took to recover from severe problems.
    async fn recovery_minutes(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<DurationFigure>>> {
        self.metric(&problems::RECOVERY_MINUTES, group_by)
    }

    /// Issues found after releases, fixed and unfixed.
    async fn post_release_issues(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<IssuesFigure>>> {
        self.metric(&aftermath::POST_RELEASE_ISSUES, group_by)
    }

    /// Issues fixed / found.
    async fn fix_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&aftermath::FIX_RATE, group_by)
    }

    /// Mean stars of typical cases.
    async fn satisfaction(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<MeanFigure>>> {
        self.metric(&aftermath::SATISFACTION, group_by)
    }

    /// Releases with a verdict on compliance.
    async fn compliance(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<CountFigure>>> {
        self.metric(&releases::COMPLIANCE, group_by)
    }

    /// What was planned and spent.
    async fn budget(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<BudgetMetric>> {
        let by = group_by.unwrap_or_default();
        let made = self.counted(&resources::BUDGET, &by).and_then(|(asked, counted)| {
            let one = |(keys, cell): (&Keys, &Cell)| Figure::of(shared(&asked, false, keys.clone(), cell), cell, self.scope.days());
            let totals = counted.total.iter().map(one).collect::<Result<_>>()?;
            Ok(BudgetMetric { definition: MetricDefinition(&resources::BUDGET), totals, groups: self.groups(&asked, counted)? })
        });
        Some(made)
    }

    /// Σ hours.
    async fn effort_hours(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<HoursFigure>>> {
        self.metric(&resources::EFFORT_HOURS, group_by)
    }

    /// Σ people.
    async fn staffing(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<PeopleFigure>>> {
        self.metric(&resources::STAFFING, group_by)
    }

    /// Occurrences of improvement actions.
    async fn actions(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<CountFigure>>> {
        self.metric(&actions::ACTIONS, group_by)
    }

    /// Occurrences that are open past their due date.
    async fn overdue_actions(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<OverdueFigure>>> {
        self.metric(&actions::OVERDUE_ACTIONS, group_by)
    }

    /// Occurrences done by their due date / occurrences done or overdue.
    async fn action_on_time_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&actions::ACTION_ON_TIME_RATE, group_by)
    }

    /// Occurrences verified at the first attempt / occurrences with an attempt.
    async fn action_verification_rate(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<RateFigure>>> {
        self.metric(&actions::ACTION_VERIFICATION_RATE, group_by)
    }

    /// How long reports take from the release to their filing.
    async fn report_cycle_minutes(&self, group_by: Option<Vec<Dimension>>) -> Option<Result<Metric<CycleFigure>>> {
        self.metric(&cycle::REPORT_CYCLE_MINUTES, group_by)
    }
}
