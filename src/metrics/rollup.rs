//! The figures of the overview, from roll-ups: releases, on-time rate, delay, problems and overdue actions by month, in all and by
//! department (problems by impact too), where nothing but a period of whole months is asked for. Same measures, same classes, same
//! numbers as from the base data; `relsum rollup check` and a test compare.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fmt::Write as _,
};

use chrono::{Datelike, NaiveDate};

use super::{
    actions::OVERDUE_ACTIONS,
    count::{Ask, Cell, Counted, Keys, Name, count_base},
    definition::Definition,
    dimension::{Bucket, Dimension},
    measure::{At, COUNT, Measure, day},
    problems::PROBLEMS,
    releases::{ON_TIME_RELEASE_RATE, RELEASE_DELAY_MINUTES, RELEASES},
    scope::Scope,
};
use crate::{
    clock::Calendar,
    error::{Error, Result},
    store::{
        Store,
        rollup::{OPEN_BY_DAY, OPEN_BY_MONTH, days_since_1970},
    },
};

/// What is rolled up, each also in all.
static ROLLED: [(&Definition, &[Dimension]); 5] = [
    (&RELEASES, &[Dimension::Department]),
    (&ON_TIME_RELEASE_RATE, &[Dimension::Department]),
    (&RELEASE_DELAY_MINUTES, &[Dimension::Department]),
    (&PROBLEMS, &[Dimension::Department, Dimension::Impact]),
    (&OVERDUE_ACTIONS, &[Dimension::Department]),
];

/// The statement of what reports contribute, for [`Store::rolling`].
pub fn rolls(postgres: bool, of: &str) -> String {
    // None of these measures knows what time it is: being overdue is decided when it is read.
    let at = At { postgres, now: chrono::DateTime::UNIX_EPOCH, calendar: Calendar { zone: chrono_tz::UTC } };
    let mut all = String::new();
    for (figure, dimensions) in ROLLED {
        let open = figure.id == OVERDUE_ACTIONS.id;
        let measure = if open { open_occurrences() } else { (figure.measure)(&at) };
        let source = figure.source;
        let time = if open {
            "CAST(occurrence.due_on AS text)".to_owned()
        } else {
            format!("CAST({} AS text)", at.seconds("COALESCE(report.actual_release_at, report.planned_release_at)"))
        };
        for dimension in std::iter::once(None).chain(dimensions.iter().copied().map(Some)) {
            let (key, join) = match dimension {
                None => ("''", String::new()),
                Some(Dimension::Department) => {
                    let (table, on) = source.departments();
                    ("unit.department", format!(" LEFT JOIN {table} AS unit ON {on}"))
                }
                Some(other) => (source.column(other).unwrap_or("''"), String::new()),
            };
            let id = if postgres { "CAST(id AS text)" } else { "lower(hex(id))" };
            let sum = measure.sums.first().map_or("0", String::as_str);
            let name = dimension.map_or("", Dimension::name);
            if !all.is_empty() {
                all.push_str(" UNION ALL ");
            }
            let figure = if open { OPEN_BY_DAY } else { figure.id };
            let _ = write!(
                all,
                "SELECT {id}, '{figure}', '{name}', time, key, CAST(class AS bigint), CAST(COUNT(*) AS bigint), \
                 CAST(COALESCE(SUM(CASE WHEN class >= {COUNT} THEN total END), 0) AS bigint) FROM \
                 (SELECT report.id AS id, {time} AS time, {key} AS key, {class} AS class, {sum} AS total FROM {from}{join} WHERE {counted} AND {of}) \
                 AS part WHERE class > 0 GROUP BY id, time, key, class",
                class = measure.class(),
                from = source.from(),
                counted = source.counted(),
            );
        }
    }
    all
}

fn open_occurrences() -> Measure {
    Measure { of: Some("occurrence.status = 'OPEN'".into()), ..Measure::default() }
}

/// Whether roll-ups answer this.
fn rolled(scope: &Scope, ask: &Ask) -> bool {
    let Some((_, dimensions)) = ROLLED.iter().find(|(figure, _)| figure.id == ask.figure.id) else { return false };
    let whole = scope.from.day() == 1 && scope.to.succ_opt().is_some_and(|next| next.day() == 1);
    let by = |d: &Dimension| matches!(d, Dimension::Month | Dimension::Quarter | Dimension::Year) || dimensions.contains(d);
    let apart = ask.by.iter().filter(|d| !d.is_time()).count();
    // Medians and the largest need the rows.
    scope.is_open() && whole && !ask.values && apart <= 1 && ask.by.iter().all(by)
}

/// Takes what roll-ups answer out of `asks`, and answers it: one statement for all.
///
/// # Errors
/// A fault of the database.
pub async fn take(store: &Store, at: &At, scope: &Scope, asks: &mut Vec<Ask>) -> Result<HashMap<Name, Counted>> {
    let (wanted, rest): (Vec<Ask>, Vec<Ask>) = asks.drain(..).partition(|ask| rolled(scope, ask));
    *asks = rest;
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = store.figures(statement(at, scope, &wanted), 4).await?;
    if !rows.iter().any(|(texts, _)| texts.first().is_some_and(|t| t.as_deref() == Some("READY"))) {
        // Not made yet.
        asks.extend(wanted);
        return Ok(HashMap::new());
    }
    let mut answers = HashMap::new();
    for ask in wanted {
        let mut counted = Counted::default();
        for cells in [false, true] {
            // In all, and by the dimension that it is grouped by; where there is none, both are the same rows.
            let apart = ask.by.iter().copied().find(|d| !d.is_time()).filter(|_| cells);
            let groups = if cells { &mut counted.groups } else { &mut counted.total };
            if cells && ask.by.is_empty() {
                continue;
            }
            let buckets = if cells { scope.buckets(&ask.by) } else { Vec::new() };
            let mut places = HashMap::new();
            for (texts, numbers) in &rows {
                let text = |index: usize| texts.get(index).and_then(|t| t.as_deref()).unwrap_or_default();
                if text(0) != ask.figure.id || text(1) != apart.map_or("", Dimension::name) {
                    continue;
                }
                let keys = if cells {
                    let place = match places.entry(text(2)) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => new.insert(place(&buckets, text(2))?),
                    };
                    keys(&ask.by, place.as_deref(), text(3))
                } else {
                    [None, None, None]
                };
                let number = |index: usize| numbers.get(index).copied().flatten().unwrap_or(0);
                groups.entry(keys).or_default().add(number(0), number(1), &[Some(number(2))], None);
            }
        }
        for cell in counted.total.values_mut().chain(counted.groups.values_mut()) {
            tidy(cell);
        }
        counted.total.retain(|_, cell| !cell.classes.is_empty());
        counted.groups.retain(|_, cell| !cell.classes.is_empty());
        answers.insert((ask.figure.id, ask.by.clone()), counted);
    }
    Ok(answers)
}

/// What has come and gone is as if it had never been.
fn tidy(cell: &mut Cell) {
    cell.classes.retain(|_, count| *count != 0);
    if !cell.classes.keys().any(|class| *class >= COUNT) {
        cell.sums.clear();
    }
}

/// The time bucket of a day.
fn place(buckets: &[Bucket], day: &str) -> Result<Option<String>> {
    let day: NaiveDate = day.parse().map_err(Error::internal)?;
    Ok(buckets.iter().position(|b| b.from <= day && day <= b.to).map(|index| index.to_string()))
}

fn keys(by: &[Dimension], bucket: Option<&str>, key: &str) -> Keys {
    let mut keys: Keys = [None, None, None];
    for (place, dimension) in keys.iter_mut().zip(by) {
        let value = if dimension.is_time() { bucket } else { Some(key).filter(|key| !key.is_empty()) };
        *place = value.map(str::to_owned);
    }
    keys
}

/// Figure, dimension, first day of the month, key; class, count and total.
fn statement(at: &At, scope: &Scope, asks: &[Ask]) -> String {
    let (from, to) = (day(scope.from), day(scope.to));
    let mut kept: Vec<String> = Vec::new();
    let mut overdue: Vec<&str> = Vec::new();
    for ask in asks {
        for dimension in [""].into_iter().chain(ask.by.iter().filter(|d| !d.is_time()).map(|d| d.name())) {
            if ask.figure.id == OVERDUE_ACTIONS.id {
                overdue.push(dimension);
            } else {
                kept.push(format!("(figure = '{}' AND dimension = '{dimension}')", ask.figure.id));
            }
        }
    }
    let both = |columns: &str, held: &str| {
        format!("(SELECT {columns} FROM rollup_cell WHERE {held} UNION ALL SELECT {columns} FROM rollup_delta WHERE {held}) AS cell")
    };
    let columns = "figure, dimension, day, key, class, count, total";
    let mut parts = vec![
        "SELECT figure, '', '', '', CAST(0 AS bigint), CAST(1 AS bigint), CAST(0 AS bigint) FROM rollup_cell WHERE figure = 'READY'"
            .to_owned(),
    ];
    if !kept.is_empty() {
        kept.sort();
        kept.dedup();
        let held = format!("({}) AND day >= {from} AND day <= {to}", kept.join(" OR "));
        // As they are: they are few, and adding up is cheaper than grouping.
        parts.push(format!(
            "SELECT figure, dimension, CAST(day AS text), key, CAST(class AS bigint), count, total FROM {}",
            both(columns, &held)
        ));
    }
    if !overdue.is_empty() {
        overdue.sort_unstable();
        overdue.dedup();
        let dimensions = format!("dimension IN ('{}')", overdue.join("', '"));
        let today = at.calendar.day_of(at.now);
        let this_month = today.with_day(1).unwrap_or(today);
        let number = days_since_1970(today);
        let id = OVERDUE_ACTIONS.id;
        // Months that are over are overdue as a whole; of the present one, its days until yesterday.
        let held = format!("figure = '{OPEN_BY_MONTH}' AND {dimensions} AND day >= {from} AND day <= {to} AND day < {}", day(this_month));
        parts.push(format!(
            "SELECT '{id}', dimension, CAST(day AS text), key, CAST({COUNT} AS bigint), count, count * {number} - total FROM {}",
            both(columns, &held)
        ));
        let held = format!(
            "figure = '{OPEN_BY_DAY}' AND {dimensions} AND day >= {from} AND day <= {to} AND day >= {} AND day < {}",
            day(this_month),
            day(today)
        );
        parts.push(format!(
            "SELECT '{id}', dimension, CAST({} AS text), key, CAST({COUNT} AS bigint), CAST(SUM(count) AS bigint), \
             CAST(SUM(count * {}) AS bigint) FROM {} GROUP BY dimension, key",
            day(this_month),
            at.days("day", &day(today)),
            both(columns, &held)
        ));
    }
    parts.join(" UNION ALL ")
}

/// The statement that gives overdue occurrences by department, for `/metrics`: `OVERDUE`, the department, how many.
pub fn overdue_now(store: &Store) -> String {
    let held = format!("figure = '{OPEN_BY_DAY}' AND dimension = '{}' AND day < {}", Dimension::Department.name(), day(store.today()));
    format!(
        "SELECT 'OVERDUE', key, CAST(SUM(count) AS bigint) FROM (SELECT key, count FROM rollup_cell WHERE {held} \
         UNION ALL SELECT key, count FROM rollup_delta WHERE {held}) AS open GROUP BY key"
    )
}

/// Compares the roll-ups with the base data, year by year; what differs, as lines. On a database in use a change can come between the two
/// readings: what differs is read again before it is told.
///
/// # Errors
/// A fault of the database.
pub async fn check(store: &Store) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let today = store.today();
    let bounds =
        store.figures("SELECT CAST(MIN(day) AS text), CAST(MAX(day) AS text) FROM rollup_cell WHERE figure <> 'READY'".into(), 2).await?;
    let base = "SELECT CAST(MIN(COALESCE(actual_release_at, planned_release_at)) AS text), CAST(MAX(COALESCE(actual_release_at, planned_release_at)) AS text) \
         FROM report UNION ALL SELECT CAST(MIN(due_on) AS text), CAST(MAX(due_on) AS text) FROM occurrence";
    let years = bounds.into_iter().chain(store.figures(base.into(), 2).await?).flat_map(|(texts, _)| texts).flatten();
    let years: Vec<i32> = years.filter_map(|text| text.get(..4)?.parse().ok()).collect();
    let (first, last) = (years.iter().min().copied().unwrap_or(today.year()), years.iter().max().copied().unwrap_or(today.year()));
    // A release at the edge of a year may be of another year here.
    for year in (first - 1)..=(last + 1) {
        let (Some(from), Some(to)) = (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year, 12, 31)) else { continue };
        let scope = Scope { from, to, products: None, release_types: None, strategies: None, departments: None };
        for (figure, dimensions) in ROLLED {
            let groupings = std::iter::once(vec![Dimension::Month]).chain(dimensions.iter().map(|d| vec![Dimension::Month, *d]));
            let asks: Vec<Ask> = groupings.map(|by| Ask { figure, by, values: false }).collect();
            let mut differs = BTreeMap::new();
            for _ in 0..3 {
                let at = At::of(store);
                let mut left = asks.clone();
                let rolled = take(store, &at, &scope, &mut left).await?;
                if !left.is_empty() {
                    return Ok(vec!["the roll-ups were never made: relsum rollup rebuild".into()]);
                }
                differs = compare(figure, &rolled, &count_base(store, &at, &scope, &asks).await?, &asks);
                if differs.is_empty() {
                    break;
                }
            }
            wrong.extend(differs.into_values());
        }
    }
    Ok(wrong)
}

fn compare(figure: &Definition, rolled: &HashMap<Name, Counted>, base: &HashMap<Name, Counted>, asks: &[Ask]) -> BTreeMap<String, String> {
    let mut differs = BTreeMap::new();
    for ask in asks {
        let name = (figure.id, ask.by.clone());
        let (Some(rolled), Some(base)) = (rolled.get(&name), base.get(&name)) else { continue };
        for keys in rolled.groups.keys().chain(base.groups.keys()) {
            let of = |counted: &Counted| {
                let mut cell = counted.groups.get(keys).cloned().unwrap_or_default();
                tidy(&mut cell);
                // The largest is not rolled up.
                (cell.classes, cell.sums.first().copied().unwrap_or(0))
            };
            let (got, want) = (of(rolled), of(base));
            if got != want {
                let line = format!("{} by {:?}, {keys:?}: {got:?} in the roll-ups, {want:?} in the base data", figure.id, ask.by);
                differs.insert(line.clone(), line);
            }
        }
    }
    differs
}
