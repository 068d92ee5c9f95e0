//! Pages: keyset pagination over any sort, stable under inserts. A cursor holds the sort values of its row, the id last.
//! Blank values come last in either direction, on both databases.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, Utc};
use entity::report;
use sea_orm::{
    Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, Iterable, Order, QueryFilter, QueryOrder, QueryResult,
    QueryTrait, Select, Statement, Value,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, NullOrdering, SelectStatement},
};
use serde::{Deserialize, Serialize};

use super::{
    Store,
    bundle::{Bundled, Tables},
    counting,
    lists::{self, Whose},
};
use crate::error::{Error, Result, say};

/// Rows on a page when the client does not say.
pub const DEFAULT_ROWS: u64 = 20;
/// Rows on a page at most.
pub const MOST_ROWS: u64 = 100;

/// What a row is sorted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SortValue {
    /// Blank.
    Blank,
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
    /// A time.
    Instant(DateTime<Utc>),
    /// A date.
    Day(NaiveDate),
    /// An id.
    Id(Uuid),
}

impl SortValue {
    fn bind(&self) -> Value {
        match self.clone() {
            Self::Blank => Value::String(None),
            Self::Text(v) => v.into(),
            Self::Int(v) => v.into(),
            Self::Instant(v) => v.into(),
            Self::Day(v) => v.into(),
            Self::Id(v) => v.into(),
        }
    }

    fn same_kind(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Blank, _)
                | (Self::Text(_), Kind::Text)
                | (Self::Int(_), Kind::Int)
                | (Self::Instant(_), Kind::Instant)
                | (Self::Day(_), Kind::Day)
                | (Self::Id(_), Kind::Id)
        )
    }
}

impl<T: Into<SortValue>> From<Option<T>> for SortValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Blank, Into::into)
    }
}

impl From<String> for SortValue {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}

impl From<i32> for SortValue {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}

impl From<i64> for SortValue {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<DateTime<Utc>> for SortValue {
    fn from(v: DateTime<Utc>) -> Self {
        Self::Instant(v)
    }
}

impl From<NaiveDate> for SortValue {
    fn from(v: NaiveDate) -> Self {
        Self::Day(v)
    }
}

impl From<Uuid> for SortValue {
    fn from(v: Uuid) -> Self {
        Self::Id(v)
    }
}

/// The kind of a sort's values; a cursor of another sort is refused instead of bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Numbers.
    Int,
    /// Times.
    Instant,
    /// Dates.
    Day,
    /// Ids.
    Id,
}

/// One key of a sort.
pub struct Sort<M> {
    expr: Expr,
    kind: Kind,
    nullable: bool,
    descending: bool,
    value: fn(&M) -> SortValue,
}

impl<M> Sort<M> {
    /// Sorts by a column that is never blank.
    pub fn by(expr: impl Into<Expr>, kind: Kind, value: fn(&M) -> SortValue) -> Self {
        Self { expr: expr.into(), kind, nullable: false, descending: false, value }
    }

    /// Blank values exist; they come last.
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Largest first, if so.
    pub fn descending(mut self, descending: bool) -> Self {
        self.descending = descending;
        self
    }

    /// The condition that a row comes strictly after `value` in reading direction.
    fn after(&self, value: &SortValue, forward: bool) -> Condition {
        let mut condition = Condition::any();
        if *value == SortValue::Blank {
            return if forward { condition.add(Expr::value(false)) } else { condition.add(self.expr.clone().is_not_null()) };
        }
        let up = self.descending != forward;
        condition = condition.add(if up { self.expr.clone().gt(value.bind()) } else { self.expr.clone().lt(value.bind()) });
        if forward && self.nullable { condition.add(self.expr.clone().is_null()) } else { condition }
    }

    fn same(&self, value: &SortValue) -> Expr {
        if *value == SortValue::Blank { self.expr.clone().is_null() } else { self.expr.clone().eq(value.bind()) }
    }
}

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct PageArgs {
    /// Rows from the start.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// Rows from the end.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

impl PageArgs {
    /// How many rows, and whether from the start.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for negative, too large or contradictory arguments.
    fn rows(&self) -> Result<(u64, bool)> {
        let (rows, forward) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::BadInput(say("Give first or last, not both", "first 与 last 只能给出一个"))),
            (None, Some(last)) => (Some(last), false),
            (first, None) => (first, true),
        };
        let Some(rows) = rows else { return Ok((DEFAULT_ROWS, forward)) };
        match u64::try_from(rows) {
            Ok(rows) if rows <= MOST_ROWS => Ok((rows, forward)),
            _ => Err(Error::BadInput(say(
                format!("first and last take 0 to {MOST_ROWS}"),
                format!("first 与 last 的取值范围为 0 到 {MOST_ROWS}"),
            ))),
        }
    }
}

/// Rows with their cursors.
pub struct Page<M> {
    /// In order.
    pub rows: Vec<(String, M)>,
    /// Whether rows come before.
    pub has_previous: bool,
    /// Whether rows come after.
    pub has_next: bool,
    /// How many there are in all pages together, if that was asked for and the page has a row to tell it.
    pub total: Option<u64>,
}

impl<M> Page<M> {
    /// Its rows as something else, without those that are nothing.
    pub fn filter_map<T>(self, each: impl Fn(M) -> Option<T>) -> Page<T> {
        let Self { rows, has_previous, has_next, total } = self;
        let rows = rows.into_iter().filter_map(|(cursor, row)| Some((cursor, each(row)?))).collect();
        Page { rows, has_previous, has_next, total }
    }
}

/// The column in which a page's rows tell how many there are in all pages together.
const TOTAL: &str = "total_count";

/// The statement of a page under way: of what, how many rows, from which end.
struct Paged {
    rows: usize,
    forward: bool,
    counted: bool,
    query: SelectStatement,
}

impl Paged {
    fn of<E: EntityTrait>(query: Select<E>, sorts: &[Sort<E::Model>], args: &PageArgs, counted: bool) -> Result<Self> {
        let (rows, forward) = args.rows()?;
        let all = counted.then(|| counting(query.clone()).into_query());
        let mut query = query;
        if let Some(cursor) = &args.after {
            query = query.filter(beyond(sorts, &decode(sorts, cursor)?, true));
        }
        if let Some(cursor) = &args.before {
            query = query.filter(beyond(sorts, &decode(sorts, cursor)?, false));
        }
        for sort in sorts {
            let order = if sort.descending == forward { Order::Desc } else { Order::Asc };
            query = if sort.nullable {
                query.order_by_with_nulls(sort.expr.clone(), order, if forward { NullOrdering::Last } else { NullOrdering::First })
            } else {
                query.order_by(sort.expr.clone(), order)
            };
        }
        let mut query = query.into_query();
        if let Some(all) = all {
            query.expr_as(Expr::SubQuery(None, Box::new(all.into())), TOTAL);
        }
        Ok(Self { rows: usize::try_from(rows).unwrap_or(usize::MAX), forward, counted, query })
    }

    /// The statement; a row more than the page has tells whether others come after it.
    fn statement(&self, backend: DbBackend) -> Statement {
        limited(backend, &self.query, self.rows + 1)
    }

    /// The page that was found, whose rows are read so.
    fn page<M>(
        &self,
        found: &[QueryResult],
        read: fn(&QueryResult) -> Result<M, DbErr>,
        sorts: &[Sort<M>],
        args: &PageArgs,
    ) -> Result<Page<M>> {
        let total: Option<i64> = match found.first().filter(|_| self.counted) {
            Some(row) => Some(row.try_get("", TOTAL)?),
            None => None,
        };
        let mut rows = found.iter().take(self.rows).map(read).collect::<Result<Vec<_>, _>>()?;
        let more = found.len() > self.rows;
        if !self.forward {
            rows.reverse();
        }
        let (has_previous, has_next) = if self.forward { (args.after.is_some(), more) } else { (more, args.before.is_some()) };
        let rows = rows.into_iter().map(|row| (encode(sorts, &row), row)).collect();
        Ok(Page { rows, has_previous, has_next, total: total.and_then(|n| u64::try_from(n).ok()) })
    }
}

impl Store {
    /// One page of a query in the order of `sorts`, of which the last must tell rows apart; and how many rows the query has, if that is
    /// to be counted.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for arguments out of range and foreign cursors.
    pub async fn page<E: EntityTrait>(
        &self,
        query: Select<E>,
        sorts: &[Sort<E::Model>],
        args: &PageArgs,
        counted: bool,
    ) -> Result<Page<E::Model>> {
        let paged = Paged::of(query, sorts, args, counted)?;
        let found = {
            let _turn = self.turn().await;
            self.db.query_all_raw(paged.statement(self.db.get_database_backend())).await?
        };
        paged.page(&found, |row| E::Model::from_query_result(row, ""), sorts, args)
    }

    /// [`Store::page`] of reports, and these tables of those on it, kept for the request: one statement, whose first row has the lists.
    ///
    /// # Errors
    /// As above.
    pub async fn page_bundled(
        &self,
        into: &Bundled,
        tables: Tables,
        query: Select<report::Entity>,
        sorts: &[Sort<report::Model>],
        args: &PageArgs,
        counted: bool,
    ) -> Result<Page<report::Model>> {
        if tables.is_empty() {
            return self.page(query, sorts, args, counted).await;
        }
        let paged = Paged::of(query, sorts, args, counted)?;
        let backend = self.db.get_database_backend();
        let Statement { sql, values, .. } = paged.statement(backend);
        let lists = lists::text(tables, backend, Whose::OnPage);
        let sql = format!(
            "WITH page AS MATERIALIZED ({sql}), on_page AS MATERIALIZED (SELECT id, product_id, application_id, release_owner_id FROM page LIMIT {}) \
             SELECT report.*, {lists} FROM (SELECT page.*, row_number() OVER () AS place FROM page) AS report ORDER BY place",
            paged.rows
        );
        let found = {
            let _turn = self.turn().await;
            self.db.query_all_raw(Statement { sql, values, db_backend: backend }).await?
        };
        let page = paged.page(&found, |row| report::Model::at(row, 0), sorts, args)?;
        if let Some(first) = found.first() {
            let ids: Vec<Uuid> = page.rows.iter().map(|(_, report)| report.id).collect();
            // Behind the report come its place, and before that the total.
            self.unpack(into, tables, (first, report::Column::iter().count() + usize::from(counted) + 1), &ids)?;
        }
        Ok(page)
    }
}

/// A query of so many rows at most. The limit is written out: where it is a parameter, PostgreSQL plans the statement anew each time.
pub(super) fn limited(backend: DbBackend, query: &SelectStatement, rows: usize) -> Statement {
    let Statement { sql, values, .. } = backend.build(query);
    Statement { sql: format!("{sql} LIMIT {rows}"), values, db_backend: backend }
}

/// The condition that a row lies beyond the cursor's row.
fn beyond<M>(sorts: &[Sort<M>], values: &[SortValue], forward: bool) -> Condition {
    let mut any = Condition::any();
    for (index, (sort, value)) in sorts.iter().zip(values).enumerate() {
        let mut all = Condition::all();
        for (earlier, same) in sorts.iter().zip(values).take(index) {
            all = all.add(earlier.same(same));
        }
        any = any.add(all.add(sort.after(value, forward)));
    }
    any
}

fn encode<M>(sorts: &[Sort<M>], row: &M) -> String {
    let values: Vec<SortValue> = sorts.iter().map(|s| (s.value)(row)).collect();
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&values).unwrap_or_default())
}

fn decode<M>(sorts: &[Sort<M>], cursor: &str) -> Result<Vec<SortValue>> {
    let foreign = || Error::BadInput(say("The cursor does not belong to this list and order", "游标与当前列表或排序不符"));
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let values: Vec<SortValue> = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
    let text_is_clean = |v: &SortValue| !matches!(v, SortValue::Text(t) if t.contains('\0'));
    let fits = values.len() == sorts.len()
        && sorts.iter().zip(&values).all(|(s, v)| v.same_kind(s.kind) && (s.nullable || *v != SortValue::Blank) && text_is_clean(v));
    if fits { Ok(values) } else { Err(foreign()) }
}
