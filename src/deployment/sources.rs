//! Ingestion sources as those who receive and work need them: with their secrets opened and their rules read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use entity::{environment_rule, ingestion_source, source_secret};
use regex::Regex;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use super::environment::version_rule;
use crate::{
    auth::seal::Seal,
    error::{Error, Result},
    store::Store,
};

/// A source, ready for use.
pub struct Source {
    /// Its row.
    pub row: ingestion_source::Model,
    /// Its rules on environments, in order.
    pub rules: Vec<environment_rule::Model>,
    /// Its rule on versions.
    pub version_rule: Regex,
    secrets: Vec<(String, Option<DateTime<Utc>>)>,
}

impl Source {
    /// The secrets that count now.
    pub fn secrets(&self, now: DateTime<Utc>) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter(move |(_, ends_at)| ends_at.is_none_or(|end| now < end)).map(|(secret, _)| secret.as_str())
    }
}

/// Knows sources. What is kept counts only as long as the row's version is the same, so that a replica never acts on what was changed.
pub struct Sources {
    /// Opens and seals secrets.
    pub seal: Arc<Seal>,
    kept: Mutex<HashMap<String, Arc<Source>>>,
}

/// Sources that are kept at most.
const MOST: usize = 1_000;

impl Sources {
    /// Knows none yet.
    pub fn new(seal: Arc<Seal>) -> Self {
        Self { seal, kept: Mutex::default() }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Source>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source of this name, as it was when it was read last; whoever acts on it checks its version.
    ///
    /// # Errors
    /// A fault of the database, or a secret that does not open.
    pub async fn named(&self, store: &Store, name: &str) -> Result<Option<Arc<Source>>> {
        let kept = self.kept().get(name).cloned();
        match kept {
            Some(kept) => Ok(Some(kept)),
            None => self.fresh(store, name).await,
        }
    }

    /// The source of this name, as it is.
    ///
    /// # Errors
    /// A fault of the database, or a secret that does not open.
    pub async fn fresh(&self, store: &Store, name: &str) -> Result<Option<Arc<Source>>> {
        let row = store.one(ingestion_source::Entity::find().filter(ingestion_source::Column::Name.eq(name))).await?;
        match row {
            Some(row) => self.ready(store, row).await.map(Some),
            None => {
                self.kept().remove(name);
                Ok(None)
            }
        }
    }

    /// The source with this id, as it is.
    ///
    /// # Errors
    /// A fault of the database, or a secret that does not open.
    pub async fn by_id(&self, store: &Store, id: Uuid) -> Result<Arc<Source>> {
        let row = store.one(ingestion_source::Entity::find_by_id(id)).await?.ok_or_else(|| Error::internal("a delivery of no source"))?;
        self.ready(store, row).await
    }

    async fn ready(&self, store: &Store, row: ingestion_source::Model) -> Result<Arc<Source>> {
        let kept = self.kept().get(&row.name).cloned();
        if let Some(kept) = kept.filter(|kept| kept.row == row) {
            return Ok(kept);
        }
        let secrets = store.all(source_secret::Entity::find().filter(source_secret::Column::SourceId.eq(row.id))).await?;
        let opened = secrets.into_iter().map(|s| Ok((self.seal.open(&about(s.id), &s.sealed)?, s.ends_at))).collect::<Result<_>>()?;
        let rules = environment_rule::Entity::find()
            .filter(environment_rule::Column::SourceId.eq(row.id))
            .order_by_asc(environment_rule::Column::Position);
        let rules = store.all(rules).await?;
        let version_rule = version_rule(&row.version_pattern).map_err(Error::internal)?;
        let source = Arc::new(Source { row, rules, version_rule, secrets: opened });
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(source.row.name.clone(), Arc::clone(&source));
        Ok(source)
    }
}

/// What a secret is bound to when it is sealed.
pub fn about(secret: Uuid) -> String {
    format!("source_secret/{secret}")
}
