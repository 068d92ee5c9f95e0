//! Demo content of a believable company: deterministic for a given day, any number of reports, a third of them in the last
//! twelve months. The form's own example is among them. Benchmarks use the same generator.

mod actions;
mod deploys;
mod draw;
mod life;
mod report;
mod text;

use entity::number_sequence;
use sea_orm::EntityTrait;

use crate::store::{Rows, Store};

/// How many reports the demo company has.
pub const REPORTS: u32 = 40;

/// Reports that are written in one transaction.
const BATCH: usize = 250;

/// Whether the database holds no report and no product.
///
/// # Errors
/// The database's.
pub async fn is_empty(store: &Store) -> Result<bool, String> {
    let told = |e: crate::error::Error| format!("demo: {e:?}");
    let reports = store.count(entity::report::Entity::find()).await.map_err(told)?;
    let products = store.count(entity::product::Entity::find()).await.map_err(told)?;
    Ok(reports == 0 && products == 0)
}

/// The rows of a company with so many reports, for tests that make them awkward.
///
/// # Errors
/// A fault of ours.
pub fn rows(calendar: crate::clock::Calendar, now: chrono::DateTime<chrono::Utc>, reports: u32) -> crate::error::Result<Rows> {
    let mut company = report::Company::new(calendar, now, reports);
    let mut rows = company.catalog();
    for _ in 0..reports {
        company.report(&mut rows)?;
    }
    Ok(rows)
}

/// Fills an empty database with `reports` reports.
///
/// # Errors
/// The database's.
pub async fn fill(store: &Store, reports: u32) -> Result<(), String> {
    let told = |e: crate::error::Error| format!("demo: {e:?}");
    let mut company = report::Company::new(store.calendar, store.now(), reports);
    store.import(company.catalog()).await.map_err(told)?;
    let mut left = reports;
    while left > 0 {
        let mut rows = Rows::default();
        for _ in 0..BATCH.min(usize::try_from(left).unwrap_or(BATCH)) {
            company.report(&mut rows).map_err(told)?;
            left -= 1;
        }
        store.import(rows).await.map_err(told)?;
    }
    let sequences = company.sequences().map(|(year, last)| number_sequence::Model { year, last }).collect();
    store.import(Rows { sequences, ..Rows::default() }).await.map_err(told)?;
    while store.fold_rollups().await.map_err(told)? > 0 {}
    Ok(())
}
