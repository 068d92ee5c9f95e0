//! The SQL of figures. Every figure, and every list of what a figure counted, is made over the same inner statement: a row for each
//! record (for each of its departments, where it is grouped by them), with its keys, its class in each figure, and its numbers.

use std::fmt::Write as _;

use super::{
    definition::Definition,
    dimension::{Bucket, Dimension},
    measure::{At, Axis, COUNT, Measure, Source, day, instant},
    scope::Scope,
};

/// What is read together: figures of one source, grouped alike.
pub struct Pass<'a> {
    /// What it depends on.
    pub at: At,
    /// The filter.
    pub scope: &'a Scope,
    /// The records.
    pub source: Source,
    /// What they are grouped by.
    pub by: Vec<Dimension>,
    /// The column by which they are always told apart.
    pub split: Option<&'static str>,
    /// The figures.
    pub figures: Vec<&'static Definition>,
}

fn quoted(list: &[String]) -> String {
    // Their letters were checked when the scope was made. An empty list holds nothing.
    if list.is_empty() { "NULL".into() } else { format!("'{}'", list.join("', '")) }
}

/// Which bucket a time is in, by its number: a search among the boundaries.
fn bucket(axis: &str, starts: &[String], first: usize) -> String {
    match starts {
        [] | [_] => format!("'{first}'"),
        _ => {
            let (low, high) = starts.split_at(starts.len() / 2);
            let middle = high.first().map_or("", String::as_str);
            format!("CASE WHEN {axis} < {middle} THEN {} ELSE {} END", bucket(axis, low, first), bucket(axis, high, first + low.len()))
        }
    }
}

impl Pass<'_> {
    /// The measures of the figures.
    pub fn measures(&self) -> Vec<Measure> {
        self.figures.iter().map(|d| (d.measure)(&self.at)).collect()
    }

    fn axis(&self) -> &'static str {
        match self.source.axis() {
            Axis::Instant(column) | Axis::Day(column) => column,
            Axis::Release => "COALESCE(report.actual_release_at, report.planned_release_at)",
        }
    }

    /// That the record falls into the period.
    fn period(&self) -> String {
        let next = self.scope.to.succ_opt().unwrap_or(self.scope.to);
        let (from, until) = match self.source.axis() {
            Axis::Day(_) => (day(self.scope.from), day(next)),
            _ => (instant(self.at.calendar.start_of(self.scope.from)), instant(self.at.calendar.start_of(next))),
        };
        let within = |column: &str| format!("({column} >= {from} AND {column} < {until})");
        match self.source.axis() {
            Axis::Instant(column) | Axis::Day(column) => within(column),
            // Apart, so that an index serves each.
            Axis::Release => format!(
                "({} OR (report.actual_release_at IS NULL AND {}))",
                within("report.actual_release_at"),
                within("report.planned_release_at")
            ),
        }
    }

    fn key(&self, dimension: Dimension, buckets: &[Bucket]) -> String {
        match dimension {
            time if time.is_time() => {
                let start = |b: &Bucket| match self.source.axis() {
                    Axis::Day(_) => day(b.from),
                    _ => instant(self.at.calendar.start_of(b.from)),
                };
                bucket(self.axis(), &buckets.iter().map(start).collect::<Vec<_>>(), 0)
            }
            Dimension::Product => "product.key".into(),
            Dimension::Department => "unit.department".into(),
            other => self.source.column(other).unwrap_or("NULL").into(),
        }
    }

    /// What holds of every record that is looked at.
    fn filter(&self) -> String {
        let Scope { products, release_types, strategies, departments, .. } = self.scope;
        let mut all = format!("{} AND {}", self.source.counted(), self.period());
        if let Some(keys) = products {
            let _ = write!(all, " AND {} IN (SELECT id FROM product WHERE key IN ({}))", self.source.product(), quoted(keys));
        }
        if let Some(values) = release_types {
            let _ = write!(all, " AND report.release_type IN ({})", quoted(values));
        }
        if let Some(values) = strategies {
            let _ = write!(all, " AND report.strategy IN ({})", quoted(values));
        }
        if let Some(codes) = departments {
            if self.by.contains(&Dimension::Department) {
                let _ = write!(all, " AND unit.department IN ({})", quoted(codes));
            } else {
                let (table, on) = self.source.departments();
                let _ = write!(all, " AND EXISTS (SELECT 1 FROM {table} AS unit WHERE {on} AND unit.department IN ({}))", quoted(codes));
            }
        }
        all
    }

    /// A row for each record: `id`, `k1`, `k2`, `k3`, classes `c0`…, sums `s0_0`…, largest `m0`, values `v0`… of the first figure.
    pub fn records(&self, values: bool) -> String {
        let buckets = self.scope.buckets(&self.by);
        let mut keys = self.by.iter().map(|d| self.key(*d, &buckets)).collect::<Vec<_>>();
        keys.resize(2, "NULL".into());
        keys.push(self.split.unwrap_or("NULL").into());
        let mut columns = format!("{}.id AS id", self.source.table());
        for (index, key) in keys.iter().enumerate() {
            let _ = write!(columns, ", CAST({key} AS text) AS k{}", index + 1);
        }
        let measures = self.measures();
        let mut joins = String::new();
        for (index, measure) in measures.iter().enumerate() {
            let _ = write!(columns, ", {} AS c{index}", measure.class());
            for (number, sum) in measure.sums.iter().enumerate() {
                let _ = write!(columns, ", {sum} AS s{index}_{number}");
            }
            if let Some(most) = &measure.most {
                let _ = write!(columns, ", {most} AS m{index}");
            }
        }
        if values && let Some(measure) = measures.first() {
            for (index, value) in measure.values.iter().enumerate() {
                let _ = write!(columns, ", {value} AS v{index}");
            }
            if let Some(join) = &measure.join {
                let period = format!("{} AND {}", self.source.counted(), self.period());
                joins.push_str(&format!(" {}", join.replace("{period}", &period)));
            }
        }
        if self.by.contains(&Dimension::Product) {
            let _ = write!(joins, " LEFT JOIN product ON product.id = {}", self.source.product());
        }
        if self.by.contains(&Dimension::Department) {
            let (table, on) = self.source.departments();
            let _ = write!(joins, " LEFT JOIN {table} AS unit ON {on}");
        }
        format!("SELECT {columns} FROM {}{joins} WHERE {}", self.source.from(), self.filter())
    }

    /// How many of each class, and their sums, by keys: `k1`, `k2`, `k3`, the classes, the count, then of each figure its sums and its largest.
    pub fn totals(&self) -> String {
        let (mut columns, mut groups) = (String::from("k1, k2, k3"), String::from("k1, k2, k3"));
        let mut numbers = String::from(", CAST(COUNT(*) AS bigint)");
        for (index, measure) in self.measures().iter().enumerate() {
            let _ = write!(columns, ", CAST(c{index} AS bigint)");
            let _ = write!(groups, ", c{index}");
            for number in 0..measure.sums.len() {
                let _ = write!(numbers, ", CAST(SUM(s{index}_{number}) AS bigint)");
            }
            if measure.most.is_some() {
                let _ = write!(numbers, ", CAST(MAX(m{index}) AS bigint)");
            }
        }
        format!("SELECT {columns}{numbers} FROM ({}) AS record GROUP BY {groups}", self.records(false))
    }

    /// The values of the records that the first figure counted: `k1`, `k2`, `k3`, then the values.
    pub fn values(&self) -> String {
        let values = self.measures().first().map_or(0, |m| m.values.len());
        let columns: String = (0..values).fold(String::new(), |mut all, index| {
            let _ = write!(all, ", CAST(v{index} AS bigint)");
            all
        });
        format!("SELECT k1, k2, k3{columns} FROM ({}) AS record WHERE c0 >= {COUNT}", self.records(true))
    }
}
