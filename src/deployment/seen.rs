//! What is known before a delivery is recorded: one statement, with which a native call begins.

use std::sync::LazyLock;

use entity::{deployment, event_sink, observation, release_application, report};
use sea_orm::Value;

use super::{
    correlate::{COUNTS, Known},
    told::Told,
};
use crate::{
    auth::Act,
    error::Result,
    store::{Found, Origin, Permitted, Several, Store},
};

/// What is known of a deployment, of where it leads, and who is to be told of it.
pub struct Seen {
    /// The deployment.
    pub before: Option<deployment::Model>,
    /// What was said of it.
    pub observations: Vec<observation::Model>,
    /// The latest that rolled it back.
    pub taken_back_by: Option<deployment::Model>,
    /// Where the application that is told leads.
    pub led: Option<Known>,
    /// Who is told of events.
    pub sinks: Vec<event_sink::Model>,
}

/// By sender, its id of the deployment, and the application.
static SEEN: LazyLock<Several> = LazyLock::new(|| {
    Several::with(3)
        .and::<deployment::Entity>("t.source_key = $1 AND t.external_id = $2")
        .and::<observation::Entity>("t.deployment_id IN (SELECT d.id FROM deployment AS d WHERE d.source_key = $1 AND d.external_id = $2)")
        .and::<deployment::Entity>("t.source_key = $1 AND t.rollback_of = $2 AND t.succeeded_at IS NOT NULL")
        .and::<release_application::Entity>("t.number = $3")
        .and::<report::Entity>(&format!("t.application_id = (SELECT a.id FROM release_application AS a WHERE a.number = $3) AND {COUNTS}"))
        .and::<event_sink::Entity>("t.state <> 'REMOVED'")
});

fn of(key: &str, id: &str, told: &Told) -> Vec<Value> {
    vec![key.into(), id.into(), told.application_number.clone().into()]
}

impl Seen {
    fn read(found: &Found) -> Result<Self> {
        Ok(Self {
            before: found.rows(0)?.into_iter().next(),
            observations: found.rows(1)?,
            taken_back_by: found.rows::<deployment::Model>(2)?.into_iter().max_by_key(|d| (d.succeeded_at, d.id)),
            led: Known::of(found.rows(3)?, found.rows(4)?),
            sinks: found.rows(5)?,
        })
    }

    /// In a transaction that has begun.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn under(permitted: &Permitted, key: &str, id: &str, told: &Told) -> Result<Self> {
        Self::read(&SEEN.read(permitted.conn(), of(key, id, told)).await?)
    }

    /// With what begins a write ([`Store::create_knowing`]).
    ///
    /// # Errors
    /// `FORBIDDEN`; a fault of the database.
    pub async fn first(store: &Store, origin: &Origin, (key, id, told): (&str, &str, &Told)) -> Result<(Permitted, Self)> {
        let (permitted, found) = store.create_knowing(origin, Act::DeploymentRecord, &SEEN, of(key, id, told)).await?;
        Ok((permitted, Self::read(&found)?))
    }
}
