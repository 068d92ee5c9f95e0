//! The inbox (`events.md` 22): what was received, raw, stored before anything is done with it. Machinery, so unaudited.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{deployment, inbound_delivery, ingestion_source, pipeline::DeliveryFate, report};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query, SimpleExpr},
};
use tokio::sync::Notify;

use super::{Permitted, Store};
use crate::error::{Error, Result, Said};

/// What became of a delivery that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Stored, under its id.
    Stored,
    /// It came before, under this id.
    Repeated(Uuid),
    /// The source is another than the caller knows: look again.
    SourceMoved,
}

/// Deliveries that are looked at together.
const GLANCE: u64 = 200;
/// How often a delivery is tried before it is given up.
const ATTEMPTS: i32 = 8;

impl Store {
    /// Rung when there is something to work in this process.
    pub fn work_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.work)
    }

    /// Stores a webhook's delivery in one statement, provided that its source is still the one that it was checked against.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn receive(&self, row: inbound_delivery::Model, source: (Uuid, i32)) -> Result<Receipt> {
        use ingestion_source::{Column, Entity};
        let _turn = self.writers_turn().await?;
        let (id, dedupe_key) = (row.id, row.dedupe_key.clone());
        let active = row.into_active_model();
        let columns: Vec<inbound_delivery::Column> = inbound_delivery::Column::iter().collect();
        let values: Vec<SimpleExpr> = columns
            .iter()
            .map(|column| {
                sea_orm::ActiveModelTrait::get(&active, *column).into_value().map_or(Expr::value(Option::<String>::None), Expr::value)
            })
            .collect();
        let mut select = Query::select();
        select.exprs(values).from(Entity).and_where(Column::Id.eq(source.0)).and_where(Column::Version.eq(source.1));
        select.and_where(Column::Active.eq(true));
        let mut insert = Query::insert();
        insert.into_table(inbound_delivery::Entity).columns(columns).on_conflict(
            OnConflict::columns([inbound_delivery::Column::SourceId, inbound_delivery::Column::DedupeKey]).do_nothing().to_owned(),
        );
        insert.select_from(select).map_err(Error::internal)?;
        if self.db.execute(&insert).await?.rows_affected() == 1 {
            self.work.notify_one();
            self.db.plans().committed("webhook");
            return Ok(Receipt::Stored);
        }
        let before = inbound_delivery::Entity::find()
            .select_only()
            .column(inbound_delivery::Column::Id)
            .filter(inbound_delivery::Column::SourceId.eq(source.0))
            .filter(inbound_delivery::Column::DedupeKey.eq(dedupe_key));
        let before: Option<Uuid> = before.into_tuple().one(&self.db).await?;
        Ok(before.filter(|before| *before != id).map_or(Receipt::SourceMoved, Receipt::Repeated))
    }

    /// How many deliveries wait to be worked, and since when the oldest.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn inbox_backlog(&self) -> Result<(i64, Option<DateTime<Utc>>)> {
        use inbound_delivery::Column;
        let query = inbound_delivery::Entity::find()
            .select_only()
            .column_as(Column::Id.count(), "number")
            .column_as(Column::ReceivedAt.min(), "oldest")
            .filter(Column::Fate.eq(DeliveryFate::Received));
        Ok(query.into_tuple().one(&self.db).await?.unwrap_or_default())
    }

    /// Ids of deliveries that wait, the oldest first, with who sent them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn waiting(&self, now: DateTime<Utc>) -> Result<Vec<(Uuid, Option<Uuid>)>> {
        use inbound_delivery::Column;
        let due = Condition::any().add(Column::NextAttemptAt.is_null()).add(Column::NextAttemptAt.lte(now));
        let query = inbound_delivery::Entity::find()
            .select_only()
            .columns([Column::Id, Column::SourceId])
            .filter(Column::Fate.eq(DeliveryFate::Received))
            .filter(due)
            .order_by_asc(Column::Id)
            .limit(GLANCE);
        Ok(query.into_tuple().all(&self.db).await?)
    }

    /// Notes that a delivery could not be worked, and when it is tried again; after the last attempt it counts as failed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn put_off(&self, id: Uuid, now: DateTime<Utc>) -> Result<()> {
        use inbound_delivery::Column;
        let _turn = self.writers_turn().await?;
        let row = inbound_delivery::Entity::find_by_id(id).one(&self.db).await?;
        let Some(row) = row.filter(|row| row.fate == DeliveryFate::Received) else { return Ok(()) };
        let attempts = row.attempts + 1;
        let wait = TimeDelta::seconds(1 << attempts.clamp(0, 12));
        let mut update = inbound_delivery::Entity::update_many()
            .col_expr(Column::Attempts, Expr::value(attempts))
            .col_expr(Column::NextAttemptAt, Expr::value(now + wait))
            .filter(Column::Id.eq(id))
            .filter(Column::Fate.eq(DeliveryFate::Received));
        if attempts >= ATTEMPTS {
            update = update
                .col_expr(Column::Fate, Expr::value(DeliveryFate::Failed))
                .col_expr(Column::Reason, Expr::value("The service failed on it again and again; see its log, then replay"))
                .col_expr(Column::ReasonZh, Expr::value("服务多次处理失败，请查看日志后重放"));
        }
        update.exec(&self.db).await?;
        Ok(())
    }

    /// Parked deployments that a report seems to fit, which came while nobody looked (two writes that did not see each other),
    /// are marked to be looked at again.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn mark_missed(&self) -> Result<()> {
        use deployment::Column;
        use entity::pipeline::ParkedReason;
        let _turn = self.writers_turn().await?;
        let of = |column: Column| Expr::col((deployment::Entity, column));
        let fits = Condition::any().add(of(Column::ApplicationId).equals((report::Entity, report::Column::ApplicationId))).add(
            of(Column::ProductId)
                .equals((report::Entity, report::Column::ProductId))
                .and(of(Column::VersionKey).equals((report::Entity, report::Column::VersionKey))),
        );
        let open = report::Entity::find()
            .select_only()
            .expr(Expr::value(1))
            .filter(report::Column::State.ne(entity::enums::ReportState::Discarded))
            .filter(report::Column::SupersededAt.is_null())
            .filter(fits);
        deployment::Entity::update_many()
            .col_expr(Column::Recheck, Expr::value(true))
            .filter(parked())
            .filter(Column::Recheck.eq(false))
            .filter(Column::ParkedReason.eq(ParkedReason::NoReport))
            .filter(Expr::exists(open.into_query()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Deployments that are to be looked at again.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn to_recheck(&self) -> Result<Vec<Uuid>> {
        let query = deployment::Entity::find()
            .select_only()
            .column(deployment::Column::Id)
            .filter(deployment::Column::Recheck.eq(true))
            .order_by_asc(deployment::Column::Id)
            .limit(GLANCE);
        Ok(query.into_tuple().all(&self.db).await?)
    }

    /// Forgets raw bodies of before `bodies`, idempotency keys of before `keys`, and deliveries that were done before `deliveries`
    /// (`operations.md`, Retention).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn forget(&self, bodies: DateTime<Utc>, keys: DateTime<Utc>, deliveries: DateTime<Utc>) -> Result<()> {
        use entity::{event_delivery, idempotency_key, sink::DeliveryState};
        use inbound_delivery::Column;
        let _turn = self.writers_turn().await?;
        inbound_delivery::Entity::update_many()
            .col_expr(Column::Body, Expr::value(Option::<Vec<u8>>::None))
            .filter(Column::ReceivedAt.lt(bodies))
            .filter(Column::Body.is_not_null())
            .filter(Column::Fate.ne(DeliveryFate::Received))
            .exec(&self.db)
            .await?;
        idempotency_key::Entity::delete_many().filter(idempotency_key::Column::At.lt(keys)).exec(&self.db).await?;
        event_delivery::Entity::delete_many()
            .filter(event_delivery::Column::State.eq(DeliveryState::Delivered))
            .filter(event_delivery::Column::DeliveredAt.lt(deliveries))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

/// A delivery that waits, locked for this transaction; none when another worker has it, or had it.
///
/// # Errors
/// A fault of the database.
pub async fn take(permitted: &Permitted, id: Uuid) -> Result<Option<inbound_delivery::Model>> {
    let query = inbound_delivery::Entity::find_by_id(id)
        .filter(inbound_delivery::Column::Fate.eq(DeliveryFate::Received))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    Ok(query.one(permitted.conn()).await?)
}

/// Writes what became of a delivery.
///
/// # Errors
/// A fault of the database.
pub async fn settle(permitted: &Permitted, id: Uuid, fate: DeliveryFate, reason: Option<&Said>, deployment: Option<Uuid>) -> Result<()> {
    use inbound_delivery::Column;
    inbound_delivery::Entity::update_many()
        .col_expr(Column::Fate, Expr::value(fate))
        .col_expr(Column::Reason, Expr::value(reason.map(|said| said.en.clone())))
        .col_expr(Column::ReasonZh, Expr::value(reason.map(|said| said.zh.clone())))
        .col_expr(Column::DeploymentId, Expr::value(deployment))
        .col_expr(Column::WorkedAt, Expr::value(permitted.now()))
        .filter(Column::Id.eq(id))
        .exec(permitted.conn())
        .await?;
    Ok(())
}

/// That a deployment is parked, in the words of the indexes of those that are: as a parameter it would fit none of them.
pub fn parked() -> Expr {
    Expr::cust("deployment.standing = 'PARKED'")
}

/// Marks deployments to be looked at again, by whoever works.
///
/// # Errors
/// A fault of the database.
pub async fn recheck(permitted: &Permitted, which: Condition) -> Result<u64> {
    let marked = deployment::Entity::update_many()
        .col_expr(deployment::Column::Recheck, Expr::value(true))
        .filter(parked())
        .filter(which)
        .exec(permitted.conn())
        .await?;
    Ok(marked.rows_affected)
}
