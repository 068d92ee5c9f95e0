//! People: a display name, and the identity provider's subject where it is known.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{person, submission};
use sea_orm::{EntityTrait, QueryFilter, QuerySelect, sea_query::ExprTrait};

use crate::{
    auth::Act,
    error::{Error, Result},
    graphql::{
        context::parent,
        ids::Kind,
        input::{Checks, SHORT},
        payload::{UserError, answer},
        walk::One,
    },
    store::{Change, Origin, Permitted, Store, people, update},
};

/// A person who is named in reports.
#[derive(Debug, Clone)]
pub struct Person(pub person::Model);

/// A person who is named in reports.
#[Object]
impl Person {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Person.id(self.0.id)
    }

    /// Display name; `—` once it was erased.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The identity provider's subject, where it is known.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }
}

impl Person {
    /// The person with this id, batched.
    ///
    /// # Errors
    /// A fault, when a foreign key was broken.
    pub async fn by_id(ctx: &Context<'_>, id: sea_orm::prelude::Uuid) -> Result<One<Self>> {
        Ok(One(Self((*parent::<person::Entity>(ctx, id).await?).clone())))
    }
}

/// A person: found by subject, or by name where no subject is given; made on first mention.
#[derive(Debug, Clone, InputObject)]
pub struct PersonInput {
    /// Display name.
    pub name: String,
    /// The identity provider's subject, where it is known.
    pub subject: Option<String>,
}

impl PersonInput {
    /// Checks the values.
    pub fn check(&self, checks: &mut Checks, path: &str) {
        checks.filled(&format!("{path}.name"), &self.name, SHORT);
        if let Some(subject) = &self.subject {
            checks.filled(&format!("{path}.subject"), subject, SHORT);
        }
    }

    /// The person's row.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn mention(&self, permitted: &Permitted) -> Result<sea_orm::prelude::Uuid> {
        people::mention(permitted, self.subject.as_deref(), self.name.trim()).await
    }
}

/// Whose name to erase.
#[derive(Debug, Clone, InputObject)]
pub struct PersonEraseInput {
    /// The person.
    pub id: ID,
}

/// What `personErase` answers.
#[derive(SimpleObject)]
pub struct PersonErasePayload {
    /// The person without a name; null when there are user errors.
    person: Option<Person>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of people.
#[derive(Default)]
pub struct PersonMutation;

#[Object]
impl PersonMutation {
    /// Erases a person's display name for good; reports, signatures and the audit log keep the subject alone.
    async fn person_erase(&self, ctx: &Context<'_>, input: PersonEraseInput) -> Result<PersonErasePayload> {
        let (person, user_errors) = answer(ctx, |store, origin| erase(store, origin, input.clone())).await?;
        Ok(PersonErasePayload { person: person.map(Person), user_errors })
    }
}

/// The names of the day that are kept beside each submission, outside its digest.
async fn forget_in_snapshots(permitted: &Permitted, person: sea_orm::prelude::Uuid) -> Result<()> {
    let signs = submission::Entity::find().filter(sea_orm::sea_query::Expr::cust("CAST(names AS text)").like(format!("%{person}%")));
    for mut row in signs.all(permitted.conn()).await? {
        if let Some(name) = row.names.pointer_mut(&format!("/people/{person}")) {
            *name = "—".into();
            update(permitted, row).await?;
        }
    }
    Ok(())
}

async fn erase(store: &Store, origin: &Origin, input: PersonEraseInput) -> Result<person::Model> {
    let PersonEraseInput { id } = input;
    let permitted = store.create(origin, Act::PersonErase).await?;
    let found = person::Entity::find_by_id(Kind::Person.uuid(&id)?).lock_exclusive().one(permitted.conn()).await?;
    let mut row = found.ok_or_else(|| Error::not_found("Person"))?;
    row.name = "—".into();
    row.erased = true;
    update(&permitted, row.clone()).await?;
    forget_in_snapshots(&permitted, row.id).await?;
    // The name itself must not move into the audit log.
    permitted.commit(Change::of("personErase").field("Person", row.id, "erased", false, true)).await?;
    Ok(row)
}
