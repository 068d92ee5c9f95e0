//! What all figures have in common as GraphQL shows them: definition, keys, exclusions, the way to the records. The families are in
//! `family.rs`.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ContainerType, Context, ID, Object, SimpleObject};

use super::{
    count::{Cell, Keys},
    definition::{Definition, Unit},
    dimension::{Bucket, Dimension},
    drill::{DrillDown, Part, down, left_out},
    measure::{Measure, Reason},
    scope::Scope,
};
use crate::{
    error::{Error, Lang, Result},
    graphql::{
        context::{departments, lang},
        labels::LABELS,
        scalars::Day,
        walk::Many,
    },
};

/// What a figure means.
#[derive(Clone, Copy)]
pub struct MetricDefinition(pub &'static Definition);

/// What a figure means.
#[Object]
impl MetricDefinition {
    /// Stable, with the version of its meaning: `on_time_release_rate@1`.
    async fn id(&self) -> ID {
        ID(self.0.name())
    }

    /// The id without the version; in camel case the name of the field of `metrics`.
    async fn metric(&self) -> &str {
        self.0.id
    }

    /// Grows when the meaning changes.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What it means, in one sentence, in the language of the request.
    async fn sentence(&self, ctx: &Context<'_>) -> &str {
        if lang(ctx) == Lang::Zh { self.0.zh } else { self.0.en }
    }

    /// What it is counted in.
    async fn unit(&self) -> Unit {
        self.0.unit
    }

    /// What it can be grouped by, any one or two of them.
    async fn dimensions(&self) -> Vec<Dimension> {
        self.0.dimensions()
    }
}

/// A figure with what it was asked for: what all groups share.
pub struct Asked {
    /// Which.
    pub figure: &'static Definition,
    /// The filter.
    pub scope: Scope,
    /// Grouped by what.
    pub by: Vec<Dimension>,
    /// Its time buckets.
    pub buckets: Vec<Bucket>,
    /// Names of products, by key.
    pub products: HashMap<String, String>,
    /// How it is made: built once, not for each group.
    pub measure: Measure,
}

/// A group, and what was counted for it.
pub struct Shared {
    asked: Arc<Asked>,
    grouped: bool,
    keys: Keys,
    excluded: Vec<(Reason, i64)>,
    numerator: bool,
}

/// A key of a group.
pub struct MetricKey {
    asked: Arc<Asked>,
    dimension: Dimension,
    value: Option<String>,
}

/// A key of a group.
#[Object]
impl MetricKey {
    /// Of which dimension.
    async fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// The value: an enum's, a product's key, a department's code, the name of a time bucket (`2026-03`); null where there is none.
    async fn value(&self) -> Option<&str> {
        self.bucket().map_or(self.value.as_deref(), |bucket| Some(&bucket.name))
    }

    /// The value for people, in the language of the request.
    async fn label(&self, ctx: &Context<'_>) -> Result<String> {
        let zh = lang(ctx) == Lang::Zh;
        let Some(value) = &self.value else { return Ok(if zh { "未填写" } else { "none" }.into()) };
        if let Some(bucket) = self.bucket() {
            return Ok(bucket.name.clone());
        }
        if let Some(of) = self.dimension.labels() {
            let found = LABELS.iter().find(|(name, v, ..)| *name == of && v == value);
            return Ok(found.map_or_else(|| value.clone(), |(_, _, label_zh, label_en)| if zh { *label_zh } else { *label_en }.to_owned()));
        }
        if self.dimension == Dimension::Department {
            let all = departments(ctx).await?;
            return Ok(all.get(value).map_or_else(|| value.clone(), |d| if zh { d.name_zh.clone() } else { d.name_en.clone() }));
        }
        Ok(self.asked.products.get(value).cloned().unwrap_or_else(|| value.clone()))
    }

    /// Of a time bucket: its first day within the period.
    async fn from(&self) -> Option<Day> {
        self.bucket().map(|b| Day(b.from))
    }

    /// Of a time bucket: its last day within the period.
    async fn to(&self) -> Option<Day> {
        self.bucket().map(|b| Day(b.to))
    }
}

impl MetricKey {
    fn bucket(&self) -> Option<&Bucket> {
        let index: usize = self.value.as_deref().filter(|_| self.dimension.is_time())?.parse().ok()?;
        self.asked.buckets.get(index)
    }
}

/// How many records were left out of a figure, and why.
#[derive(SimpleObject)]
pub struct MetricExclusion {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: i32,
    /// The way to them.
    pub drill_down: DrillDown,
}

/// What all figures have.
#[Object]
impl Shared {
    /// What the group stands for; none for the total.
    async fn keys(&self) -> Many<MetricKey> {
        if !self.grouped {
            return Many(Vec::new());
        }
        let key = |(dimension, value): (&Dimension, &Option<String>)| MetricKey {
            asked: Arc::clone(&self.asked),
            dimension: *dimension,
            value: value.clone(),
        };
        self.asked.by.iter().zip(&self.keys).map(key).collect()
    }

    /// How many records were left out, by reason.
    async fn excluded(&self) -> Result<Vec<MetricExclusion>> {
        let one = |(reason, n): &(Reason, i64)| {
            let drill_down = left_out(self.asked.figure, &self.asked.measure, &self.asked.scope, self.by(), &self.keys, *reason);
            Ok(MetricExclusion { reason: *reason, count: int(*n)?, drill_down })
        };
        self.excluded.iter().map(one).collect()
    }

    /// The ways to the records that were counted, and to those in the numerator.
    async fn drill_down(&self) -> Vec<DrillDown> {
        let parts = if self.numerator { vec![Part::Counted, Part::Numerator] } else { vec![Part::Counted] };
        parts.into_iter().map(|part| down(self.asked.figure, &self.asked.scope, self.by(), &self.keys, part)).collect()
    }
}

impl Shared {
    /// Which figure it is.
    pub fn figure(&self) -> &'static str {
        self.asked.figure.id
    }

    /// The key that always tells apart.
    pub fn split(&self) -> Option<String> {
        self.keys.get(2).cloned().flatten()
    }

    fn by(&self) -> &[Dimension] {
        if self.grouped { &self.asked.by } else { &[] }
    }
}

/// A count as GraphQL's `Int`.
///
/// # Errors
/// A fault, for more than that counts.
pub fn int(n: i64) -> Result<i32> {
    i32::try_from(n).map_err(|_| Error::internal("more than Int counts"))
}

/// A kind of figure, made of what was counted for a group.
pub trait Figure: Sized + ContainerType {
    /// Makes it; `days` is how long its period or bucket is.
    ///
    /// # Errors
    /// More than Int counts.
    fn of(shared: Shared, cell: &Cell, days: i64) -> Result<Self>;
}

/// What is behind one group.
pub fn shared(asked: &Arc<Asked>, grouped: bool, keys: Keys, cell: &Cell) -> Shared {
    let of_its_own = asked.figure.id == super::releases::PROBLEMS_PER_RELEASE.id;
    let excluded = cell.excluded(&asked.measure);
    Shared { asked: Arc::clone(asked), grouped, keys, excluded, numerator: asked.measure.numerator.is_some() || of_its_own }
}
