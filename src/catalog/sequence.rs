//! Where a year's report numbers continue: for companies that have paper reports already.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::number::FormNumber;
use crate::{
    auth::Act,
    error::{Result, UserErrorCode, say},
    graphql::{
        input::Checks,
        payload::{UserError, answer},
    },
    store::{Change, Origin, Store, numbering},
};

/// Where a year's numbers continue.
#[derive(Debug, Clone, InputObject)]
pub struct NumberSequenceSetInput {
    /// The year of the preparation date.
    pub year: i32,
    /// The sequence of the last paper report; the next number follows it. It can only move forward.
    pub last: i32,
}

/// What `numberSequenceSet` answers.
#[derive(SimpleObject)]
pub struct NumberSequenceSetPayload {
    /// The number that the next report of the year gets; null when there are user errors.
    next_number: Option<String>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of number sequences.
#[derive(Default)]
pub struct SequenceMutation;

#[Object]
impl SequenceMutation {
    /// Lets a year's report numbers continue after the paper ones.
    async fn number_sequence_set(&self, ctx: &Context<'_>, input: NumberSequenceSetInput) -> Result<NumberSequenceSetPayload> {
        let (next_number, user_errors) = answer(ctx, |store, origin| set(store, origin, input.clone())).await?;
        Ok(NumberSequenceSetPayload { next_number, user_errors })
    }
}

async fn set(store: &Store, origin: &Origin, input: NumberSequenceSetInput) -> Result<String> {
    let NumberSequenceSetInput { year, last } = input;
    let permitted = store.create(origin, Act::SequenceManage).await?;
    let mut checks = Checks::default();
    checks.require((2000..=2999).contains(&year), UserErrorCode::OutOfRange, "year", || {
        say("A year from 2000 to 2999", "年份范围为 2000 到 2999")
    });
    checks.require((0..=999_999).contains(&last), UserErrorCode::OutOfRange, "last", || {
        say("A sequence from 0 to 999999", "序号范围为 0 到 999999")
    });
    checks.done()?;
    let before = numbering::last(&permitted, year).await?;
    let mut checks = Checks::default();
    checks.require(last >= before, UserErrorCode::Invalid, "last", || {
        say(
            format!("{} was given already; numbers are never reused", FormNumber::report(year, before)),
            format!("{} 已被使用，编号不可重复", FormNumber::report(year, before)),
        )
    });
    checks.done()?;
    numbering::continue_after(&permitted, year, last).await?;
    permitted.commit(Change::of("numberSequenceSet").field("NumberSequence", year, "last", before, last)).await?;
    Ok(FormNumber::report(year, last + 1).to_string())
}
