//! What mutations answer: the changed object, or the user errors. Everything else is a top-level error.

use async_graphql::{Context, SimpleObject};

use super::context::{caller, lang, loaders, store};
use crate::{
    error::{Error, Result, UserErrorCode},
    store::{Origin, Store, retrying},
};

/// A business failure: which field of the input, what is wrong with it, and what to do.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    /// The kind of failure.
    pub code: UserErrorCode,
    /// Path into the input, outermost first; empty where no single field is at fault.
    pub field: Vec<String>,
    /// What is wrong and what to do, in the language of the request.
    pub message: String,
    /// With `CONFLICT`: the object's version now. Read it again, and send this as `expectedVersion`.
    pub current_version: Option<i32>,
    /// With `INCOMPLETE`: code of the department that owes it.
    pub department: Option<String>,
}

/// Runs a write (once more after a lost race in the database) and sorts its failures.
///
/// # Errors
/// All but business failures.
pub async fn answer<'a, T, F>(ctx: &Context<'a>, write: impl Fn(&'a Store, &'a Origin) -> F) -> Result<(Option<T>, Vec<UserError>)>
where
    F: Future<Output = Result<T>>,
{
    let (store, origin) = (store(ctx)?, &caller(ctx)?.origin);
    match retrying(|| write(store, origin)).await {
        Ok(done) => {
            loaders(ctx)?.renew();
            Ok((Some(done), Vec::new()))
        }
        Err(Error::User(errors)) => Ok((None, said(ctx, errors))),
        Err(other) => Err(other),
    }
}

fn said(ctx: &Context<'_>, errors: Vec<crate::error::UserError>) -> Vec<UserError> {
    let lang = lang(ctx);
    let object = |e: crate::error::UserError| UserError {
        code: e.code,
        field: e.field,
        message: e.message.text(lang).to_owned(),
        current_version: e.current_version,
        department: e.department,
    };
    errors.into_iter().map(object).collect()
}
