//! The signature of the product head: over the digest of what was submitted.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    enums::{LifeCycleAct, ReportState},
    report, submission,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{
    Report,
    step::{self, Note},
};
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        payload::{UserError, answer},
    },
    store::{Announcement, Change, Origin, Permitted, Store},
};

/// What to sign.
#[derive(Debug, Clone, InputObject)]
pub struct ReportSignInput {
    /// The report.
    pub id: ID,
    /// The `contentDigest` that the signer saw; refused with `CONFLICT` when another was submitted since.
    pub digest: Option<String>,
}

/// What `reportSign` answers.
#[derive(SimpleObject)]
pub struct ReportSignPayload {
    /// The signed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// The signature.
#[derive(Default)]
pub struct SignMutation;

#[Object]
impl SignMutation {
    /// 产品部负责人签字: signs the digest of what was submitted.
    async fn report_sign(&self, ctx: &Context<'_>, input: ReportSignInput) -> Result<ReportSignPayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ReportSignPayload { report: report.map(Report::new), user_errors })
    }
}

/// The digest that was submitted in the round at hand.
///
/// # Errors
/// The user error `CONFLICT` when the caller saw another.
pub async fn submitted_digest(permitted: &Permitted, seen: Option<&str>) -> Result<String> {
    let row = permitted.report()?;
    let found = submission::Entity::find()
        .filter(submission::Column::ReportId.eq(row.id))
        .filter(submission::Column::Round.eq(row.round))
        .one(permitted.conn())
        .await?;
    let digest = found.ok_or_else(|| Error::internal("a submitted report without its submission"))?.digest;
    if seen.is_some_and(|seen| seen != digest) {
        let said = say("Another content was submitted since you read it; read it again", "报告内容已重新提交，请重新查看后再操作");
        return Err(Error::user(UserErrorCode::Conflict, "digest", said));
    }
    Ok(digest)
}

/// Signs a report.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportSignInput) -> Result<report::Model> {
    let ReportSignInput { id, digest } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportSign])?;
    let before = permitted.report()?.clone();
    let digest = submitted_digest(&permitted, digest.as_deref()).await?;
    let note = Note { digest: Some(digest.clone()), ..Note::default() };
    let row = step::take(&permitted, LifeCycleAct::Sign, before.clone(), ReportState::Signed, note).await?;
    let change = Change::of("reportSign").edited("Report", row.id, &before, &row);
    let told = json!({ "round": row.round, "digest": digest });
    permitted.commit(change.announce(Announcement::report("report.signed.v1").with("signature", told))).await?;
    Ok(row)
}
