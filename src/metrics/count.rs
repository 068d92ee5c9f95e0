//! Counting: passes are run, and their rows added up by key.

use std::collections::{BTreeMap, HashMap};

use super::{
    definition::Definition,
    dimension::Dimension,
    measure::{At, COUNT, Measure, NUMERATOR, Reason, Source},
    rollup,
    scope::Scope,
    statement::Pass,
};
use crate::{error::Result, store::Store};

/// A figure that is asked for.
#[derive(Clone)]
pub struct Ask {
    /// Which.
    pub figure: &'static Definition,
    /// Grouped by what; nothing for the total alone.
    pub by: Vec<Dimension>,
    /// Whether medians and percentiles are asked for.
    pub values: bool,
}

/// The keys of a group: by the first and the second dimension, and the one that always tells apart.
pub type Keys = [Option<String>; 3];

/// What was counted for one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many of each class.
    pub classes: BTreeMap<i64, i64>,
    /// The sums over the counted ones.
    pub sums: Vec<i64>,
    /// The largest of the counted ones.
    pub most: Option<i64>,
    /// The values of the counted ones, column by column.
    pub values: Vec<Vec<i64>>,
}

impl Cell {
    /// How many were counted.
    pub fn counted(&self) -> i64 {
        self.classes.range(COUNT..).map(|(_, n)| n).sum()
    }

    /// How many of these are in the numerator.
    pub fn numerator(&self) -> i64 {
        self.classes.get(&NUMERATOR).copied().unwrap_or(0)
    }

    /// A sum; 0 where nothing was counted.
    pub fn sum(&self, index: usize) -> i64 {
        self.sums.get(index).copied().unwrap_or(0)
    }

    /// How many were left out, by reason.
    pub fn excluded(&self, measure: &Measure) -> Vec<(Reason, i64)> {
        let of = |index: usize| i64::try_from(index + 1).ok().and_then(|class| self.classes.get(&class)).copied().unwrap_or(0);
        measure.excluded.iter().enumerate().map(|(index, (reason, _))| (*reason, of(index))).filter(|(_, n)| *n > 0).collect()
    }

    /// Adds the rows of one class.
    pub fn add(&mut self, class: i64, count: i64, sums: &[Option<i64>], most: Option<i64>) {
        *self.classes.entry(class).or_default() += count;
        if class < COUNT {
            return;
        }
        self.sums.resize(self.sums.len().max(sums.len()), 0);
        for (sum, more) in self.sums.iter_mut().zip(sums) {
            *sum += more.unwrap_or(0);
        }
        self.most = self.most.max(most);
    }

    fn merge(&mut self, other: &Self) {
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
        self.sums.resize(self.sums.len().max(other.sums.len()), 0);
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        self.most = self.most.max(other.most);
        self.values.resize(self.values.len().max(other.values.len()), Vec::new());
        for (values, more) in self.values.iter_mut().zip(&other.values) {
            values.extend(more);
        }
    }
}

/// A figure as it was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Without groups, by what always tells apart.
    pub total: BTreeMap<Keys, Cell>,
    /// By group.
    pub groups: BTreeMap<Keys, Cell>,
}

/// What is read in one pass: the records, how they are grouped, and by what they are always told apart.
type Together = (Source, Vec<Dimension>, Option<&'static str>);

/// What tells asks apart in a request.
pub type Name = (&'static str, Vec<Dimension>);

/// Counts what is asked for: from the roll-ups what they have, everything else from the base data.
///
/// # Errors
/// A fault of the database.
pub async fn count(store: &Store, at: &At, scope: &Scope, mut asks: Vec<Ask>) -> Result<HashMap<Name, Counted>> {
    let mut counted = rollup::take(store, at, scope, &mut asks).await?;
    counted.extend(count_base(store, at, scope, &asks).await?);
    Ok(counted)
}

/// Counts in the base data, in as few passes as it takes: figures of one source that are grouped alike are one statement.
///
/// # Errors
/// A fault of the database.
pub async fn count_base(store: &Store, at: &At, scope: &Scope, asks: &[Ask]) -> Result<HashMap<Name, Counted>> {
    let at = *at;
    // What is grouped by department counts a record in each of its groups, so that the total is a pass of its own.
    let mut wanted: Vec<(&'static Definition, Vec<Dimension>)> = Vec::new();
    for ask in asks {
        wanted.push((ask.figure, ask.by.clone()));
        if ask.by.contains(&Dimension::Department) {
            wanted.push((ask.figure, Vec::new()));
        }
    }
    let mut passes: BTreeMap<Together, Vec<&'static Definition>> = BTreeMap::new();
    for (figure, by) in wanted {
        let together = passes.entry((figure.source, by, figure.split)).or_default();
        if !together.iter().any(|d| d.id == figure.id) {
            together.push(figure);
        }
    }
    let mut found: HashMap<Name, BTreeMap<Keys, Cell>> = HashMap::new();
    for ((source, by, split), figures) in passes {
        let pass = Pass { at, scope, source, by, split, figures };
        totals(store, &pass, &mut found).await?;
        for figure in &pass.figures {
            let needs =
                |ask: &Ask| ask.values && figure.takes_values() && ask.figure.id == figure.id && (ask.by == pass.by || pass.by.is_empty());
            if asks.iter().any(needs) {
                let alone = Pass { at, scope, source, by: pass.by.clone(), split, figures: vec![figure] };
                values(store, &alone, &mut found).await?;
            }
        }
    }
    let mut counted = HashMap::new();
    for Ask { figure, by, .. } in asks {
        let groups = found.get(&(figure.id, by.clone())).cloned().unwrap_or_default();
        let total = if by.contains(&Dimension::Department) {
            found.get(&(figure.id, Vec::new())).cloned().unwrap_or_default()
        } else {
            let mut total: BTreeMap<Keys, Cell> = BTreeMap::new();
            for ([_, _, split], cell) in &groups {
                total.entry([None, None, split.clone()]).or_default().merge(cell);
            }
            total
        };
        let groups = if by.is_empty() { BTreeMap::new() } else { groups };
        counted.insert((figure.id, by.clone()), Counted { total, groups });
    }
    Ok(counted)
}

fn keys(texts: Vec<Option<String>>) -> Keys {
    let mut texts = texts.into_iter();
    [(); 3].map(|()| texts.next().flatten())
}

async fn totals(store: &Store, pass: &Pass<'_>, found: &mut HashMap<Name, BTreeMap<Keys, Cell>>) -> Result<()> {
    let measures = pass.measures();
    for (texts, numbers) in store.figures(pass.totals(), 3).await? {
        let keys = keys(texts);
        let (classes, rest) = numbers.split_at(measures.len().min(numbers.len()));
        let mut rest = rest.iter().copied();
        let count = rest.next().flatten().unwrap_or(0);
        for ((figure, measure), class) in pass.figures.iter().zip(&measures).zip(classes) {
            let sums: Vec<Option<i64>> = rest.by_ref().take(measure.sums.len()).collect();
            let most = if measure.most.is_some() { rest.next().flatten() } else { None };
            let groups = found.entry((figure.id, pass.by.clone())).or_default();
            // A key that has only what the figure is not about is no group.
            if let Some(class) = class.filter(|class| *class > 0) {
                groups.entry(keys.clone()).or_default().add(class, count, &sums, most);
            }
        }
    }
    Ok(())
}

async fn values(store: &Store, pass: &Pass<'_>, found: &mut HashMap<Name, BTreeMap<Keys, Cell>>) -> Result<()> {
    let Some(figure) = pass.figures.first() else { return Ok(()) };
    let groups = found.entry((figure.id, pass.by.clone())).or_default();
    for (texts, numbers) in store.figures(pass.values(), 3).await? {
        let cell = groups.entry(keys(texts)).or_default();
        cell.values.resize(cell.values.len().max(numbers.len()), Vec::new());
        for (column, value) in cell.values.iter_mut().zip(numbers) {
            column.extend(value);
        }
    }
    Ok(())
}
