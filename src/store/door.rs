//! The one door to writing: [`Store::open`] locks a visible report, [`Opened::permit`] asks the law about it, and only
//! [`Permitted`] hands out a connection, which it takes back together with the audit entry and the event.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use entity::{department, enums::LifeCycleAct, event_sink, life_cycle_step, participant, report};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, PrimaryKeyTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, Value, prelude::Uuid,
};

use super::{Change, Found, Line, Origin, Several, Store, Tx, audit, batch::Batch, no_such_report, outbox, rollup, visible};
use crate::{
    auth::{Act, Facts, policy},
    clock::Calendar,
    error::{Error, Result},
};

/// A table whose rows belong to a report and are named by an id of their own.
pub trait ReportRow: EntityTrait<PrimaryKey: PrimaryKeyTrait<ValueType: From<Uuid>>> {
    /// What a client calls such a row.
    const NAME: &'static str;
    /// The report that a row belongs to.
    fn report_id(row: &Self::Model) -> Uuid;
}

/// A report that the caller sees, locked; nothing can be written yet.
pub struct Opened {
    tx: Tx,
    origin: Origin,
    calendar: Calendar,
    rolls: Option<rollup::Rolls>,
    /// The report as it stands under the lock.
    pub report: report::Model,
    facts: Facts,
}

/// What the law allowed; dropping it rolls everything back.
pub struct Permitted {
    tx: Tx,
    origin: Origin,
    calendar: Calendar,
    report: Option<report::Model>,
    rolls: Option<rollup::Rolls>,
    /// Reports whose part in the figures may be another now.
    counts: BTreeSet<Uuid>,
    /// What is inserted with the next audit entries, at the latest with the commit.
    later: Batch,
    /// Whether an event was written.
    tells: bool,
    /// Whether an event is to be delivered.
    delivers: bool,
    /// Whether there is something to work.
    works: bool,
}

impl Store {
    /// Begins, selects the report if the caller sees it, and locks it.
    ///
    /// # Errors
    /// `NOT_FOUND`, the same for absent and invisible.
    pub async fn open(&self, origin: &Origin, id: Uuid) -> Result<Opened> {
        let tx = self.begin(origin).await?;
        let found = report::Entity::find_by_id(id).filter(visible(&origin.actor)).lock_exclusive().one(&tx.conn).await?;
        let report = found.ok_or_else(no_such_report)?;
        let facts = load_facts(&tx.conn, Some(&report)).await?;
        Ok(Opened { tx, origin: origin.clone(), calendar: self.calendar, rolls: self.rolls, report, facts })
    }

    /// [`Store::open`] on the report that a row belongs to, and the row as it stands under the lock.
    ///
    /// # Errors
    /// `NOT_FOUND` when the row or its report is absent or invisible.
    pub async fn open_row<E: ReportRow>(&self, origin: &Origin, id: Uuid) -> Result<(Opened, E::Model)>
    where
        E::Model: Sync,
    {
        let missing = || Error::not_found(E::NAME);
        let row = self.one(E::find_by_id(id)).await?.ok_or_else(missing)?;
        let opened = match self.open(origin, E::report_id(&row)).await {
            Err(Error::NotFound(_)) => return Err(missing()),
            other => other?,
        };
        let row = E::find_by_id(id).one(&opened.tx.conn).await?.ok_or_else(missing)?;
        Ok((opened, row))
    }

    /// For what has no report yet, or none at all: straight to [`Permitted`].
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub async fn create(&self, origin: &Origin, act: Act<'_>) -> Result<Permitted> {
        self.allowed(origin, act).await?;
        let tx = self.begin(origin).await?;
        Ok(self.permitted(tx, origin))
    }

    /// [`Store::create`], and what must be known for it. On PostgreSQL nothing has begun then: a write that is one insert at its commit
    /// costs two statements, and no way for BEGIN and COMMIT.
    ///
    /// # Errors
    /// As above.
    pub async fn create_knowing(&self, origin: &Origin, act: Act<'_>, what: &Several, of: Vec<Value>) -> Result<(Permitted, Found)> {
        if self.db.get_database_backend() != DbBackend::Postgres {
            let permitted = self.create(origin, act).await?;
            let found = what.read(permitted.conn(), of).await?;
            return Ok((permitted, found));
        }
        self.allowed(origin, act).await?;
        let found = what.read_asking(&self.db, of, &origin.actor).await?;
        let tx = self.begin_knowing(origin, &found).await?;
        Ok((self.permitted(tx, origin), found))
    }

    fn permitted(&self, tx: Tx, origin: &Origin) -> Permitted {
        Permitted {
            tx,
            origin: origin.clone(),
            calendar: self.calendar,
            report: None,
            rolls: self.rolls,
            counts: BTreeSet::new(),
            later: Batch::default(),
            tells: false,
            delivers: false,
            works: false,
        }
    }

    /// Asked before the database is: the retired departments can only widen what is allowed, so only a refusal needs them.
    async fn allowed(&self, origin: &Origin, act: Act<'_>) -> Result<()> {
        if !policy::may(&origin.actor, act, &Facts::default()) {
            let facts = Facts { retired: self.retired().await?, ..Facts::default() };
            policy::allows(&origin.actor, act, &facts)?;
        }
        Ok(())
    }

    /// The codes of the retired departments.
    pub async fn retired(&self) -> Result<std::collections::HashSet<String>> {
        let rows = self.all(department::Entity::find().filter(department::Column::Active.eq(false))).await?;
        Ok(rows.into_iter().map(|d| d.code).collect())
    }
}

/// What the law looks at of a report.
async fn load_facts(conn: &Line, report: Option<&report::Model>) -> Result<Facts> {
    let retired = department::Entity::find().filter(department::Column::Active.eq(false)).all(conn).await?;
    let retired = retired.into_iter().map(|d| d.code).collect();
    let Some(report) = report else { return Ok(Facts { retired, ..Facts::default() }) };
    let participants = participant::Entity::find()
        .filter(participant::Column::ReportId.eq(report.id))
        .order_by_asc(participant::Column::Position)
        .all(conn)
        .await?;
    let signature = life_cycle_step::Entity::find()
        .filter(life_cycle_step::Column::ReportId.eq(report.id))
        .filter(life_cycle_step::Column::Round.eq(report.round))
        .filter(life_cycle_step::Column::Act.eq(LifeCycleAct::Sign))
        .one(conn)
        .await?;
    Ok(Facts {
        state: Some(report.state),
        participants: participants.into_iter().map(|p| p.department).collect(),
        signer: signature.map(|s| s.person_id),
        retired,
    })
}

impl Opened {
    /// Rows that a rule looks at before it can be asked.
    pub async fn all<E: EntityTrait>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        Ok(query.all(&self.tx.conn).await?)
    }

    /// Asks the law, for each of the acts that the input amounts to.
    ///
    /// # Errors
    /// `FORBIDDEN`, or the user error `WRONG_STATE`.
    pub fn permit(self, acts: &[Act<'_>]) -> Result<Permitted> {
        for act in acts {
            policy::allows(&self.origin.actor, *act, &self.facts)?;
        }
        let Self { tx, origin, calendar, rolls, report, .. } = self;
        Ok(Permitted {
            tx,
            origin,
            calendar,
            report: Some(report),
            rolls,
            counts: BTreeSet::new(),
            later: Batch::default(),
            tells: false,
            delivers: false,
            works: false,
        })
    }
}

impl Permitted {
    /// The only way to write.
    pub fn conn(&self) -> &Line {
        &self.tx.conn
    }

    /// The time of this write: the one clock of the transaction.
    pub fn now(&self) -> DateTime<Utc> {
        self.tx.now
    }

    /// The business time zone.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Today in the business time zone.
    pub fn today(&self) -> NaiveDate {
        self.calendar.day_of(self.tx.now)
    }

    /// The caller.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The caller's row in `person`.
    pub fn person(&self) -> Uuid {
        self.origin.actor.person_id()
    }

    /// Rings for whoever works, once this is committed.
    pub fn ring_work(&mut self) {
        self.works = true;
    }

    /// The report that was opened.
    ///
    /// # Errors
    /// A fault, when none was.
    pub fn report(&self) -> Result<&report::Model> {
        self.report.as_ref().ok_or_else(|| Error::internal("no report was opened"))
    }

    /// Writes the audit entries and the events of one change of several that this transaction makes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note(&mut self, change: Change) -> Result<()> {
        let report_id = change.report_id.or(self.report.as_ref().map(|r| r.id));
        self.tells |= !change.announcements.is_empty();
        self.counts.extend(change.counting(self.report.as_ref()));
        let mut later = std::mem::take(&mut self.later);
        if change.is_empty() {
            return later.run(&self.tx.conn).await;
        }
        if let Some(id) = report_id.filter(|_| change.touches) {
            report::Entity::update_many()
                .col_expr(report::Column::UpdatedAt, sea_orm::sea_query::Expr::value(self.tx.now))
                .filter(report::Column::Id.eq(id))
                .exec(&self.tx.conn)
                .await?;
        }
        later.add_new(audit::entries(&self.origin, self.tx.now, report_id, &change)?);
        self.delivers |= outbox::announce(&self.tx.conn, self.tx.now, report_id, change.announcements, later).await?;
        Ok(())
    }

    /// [`Permitted::commit`] of a change that tells one event, to these sinks. Where nothing has begun yet and it is all that is written,
    /// it is one statement; where something has, it is no different.
    ///
    /// # Errors
    /// As there.
    pub async fn commit_heard(mut self, mut change: Change, sinks: &[event_sink::Model]) -> Result<()> {
        let act = change.act();
        let of_no_report = !change.touches && change.report_id.is_none();
        let uncounted = self.counts.is_empty() && change.counting(self.report.as_ref()).is_empty();
        let fits = change.announcements.len() == 1 && self.later.fits(sinks.len() + change.entries());
        let apart = self.tx.conn.apart().filter(|_| of_no_report && uncounted && fits);
        let (Some(apart), Some(announcement)) = (apart, apart.and_then(|_| change.announcements.pop())) else {
            return self.commit(change).await;
        };
        let mut later = std::mem::take(&mut self.later);
        later.add_new(audit::entries(&self.origin, self.tx.now, None, &change)?);
        self.delivers = outbox::announce_apart(apart, self.tx.now, announcement, sinks, later).await?;
        self.tells = true;
        self.done(act);
        Ok(())
    }

    /// Writes the audit entries and the events, and commits. A change of nothing is committed as nothing.
    pub async fn commit(mut self, change: Change) -> Result<()> {
        let act = change.act();
        self.note(change).await?;
        if let Some(rolls) = self.rolls
            && !self.counts.is_empty()
        {
            rollup::refresh(&self.tx.conn, rolls, self.calendar, &self.counts).await?;
        }
        self.tx.conn.commit().await?;
        self.done(act);
        Ok(())
    }

    /// Rings for those who follow, after the commit.
    fn done(&self, act: &'static str) {
        self.tx.plans.committed(act);
        if self.tells {
            self.tx.bell.notify_one();
        }
        if self.delivers {
            self.tx.post.notify_one();
        }
        if self.works {
            self.tx.work.notify_one();
        }
    }
}

/// Inserts a row with what is noted next, in one statement where the database lets it be; nothing may read it before.
pub fn insert_later<M>(permitted: &mut Permitted, row: M)
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior,
{
    permitted.later.add(row);
}

/// [`insert_later`] of a row that another write may have made meanwhile: then what is noted next is [`Error::Raced`].
pub fn insert_later_unless_raced<M>(permitted: &mut Permitted, row: M)
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior,
{
    permitted.later.may_race();
    insert_later(permitted, row);
}

/// Inserts a row.
pub async fn insert<M>(permitted: &Permitted, row: M) -> Result<()>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
{
    insert_many(permitted, vec![row]).await
}

/// Inserts rows, in as few statements as the database's limit on variables allows.
pub async fn insert_many<M>(permitted: &Permitted, rows: Vec<M>) -> Result<()>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
{
    bulk_insert(permitted.conn(), rows).await
}

/// [`insert_many`] on any connection of the store.
pub(super) async fn bulk_insert<M>(conn: &impl sea_orm::ConnectionTrait, rows: Vec<M>) -> Result<()>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send,
{
    use sea_orm::Iterable;
    let columns = <M::Entity as EntityTrait>::Column::iter().count().max(1);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        // SQLite takes 32,766 variables in a statement (`stack.md`, trap 7).
        let chunk: Vec<_> = rows.by_ref().take(30_000 / columns).map(|row| row.into_active_model().reset_all()).collect();
        M::Entity::insert_many(chunk).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Writes a row as it is now.
pub async fn update<M>(permitted: &Permitted, row: M) -> Result<()>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelBehavior + Send + ActiveModelTrait<Entity = M::Entity>,
{
    let row = row.into_active_model().reset_all();
    M::Entity::update(row).exec_without_returning(permitted.conn()).await?;
    Ok(())
}
