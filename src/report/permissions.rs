//! `viewerCan` of the report, from the one policy; and the facts that the policy looks at, loaded for reading.

use async_graphql::{Context, SimpleObject};
use entity::{
    enums::{LifeCycleAct, ReportState},
    life_cycle_step, participant, report,
};

use super::object::retired;
use crate::{
    auth::{Act, Facts, policy},
    error::Result,
    graphql::context::{actor, children},
};

/// What the caller may do with a report as it stands.
#[derive(Debug, Clone, SimpleObject)]
pub struct ReportPermissions {
    /// Edit header, basics, participants, resources, strategy and compliance, achievements and shortcomings.
    pub edit: bool,
    /// Submit it.
    pub submit: bool,
    /// Take the submission back.
    pub withdraw: bool,
    /// Sign it.
    pub sign: bool,
    /// Send it back.
    pub send_back: bool,
    /// File it.
    pub file: bool,
    /// Give it up.
    pub discard: bool,
    /// Open a draft that replaces it.
    pub supersede: bool,
    /// Add, edit and remove milestones.
    pub plan_milestones: bool,
    /// Record a problem.
    pub record_problem: bool,
    /// Add a typical case.
    pub add_case: bool,
    /// Add an improvement action.
    pub add_action: bool,
}

impl ReportPermissions {
    /// Asks the policy.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn of(ctx: &Context<'_>, row: &report::Model) -> Result<Self> {
        let facts = facts(ctx, row).await?;
        let actor = actor(ctx)?;
        let may = |act: Act<'_>| policy::may(actor, act, &facts);
        Ok(Self {
            edit: may(Act::ReportEdit),
            submit: may(Act::ReportSubmit),
            withdraw: may(Act::ReportWithdraw),
            sign: may(Act::ReportSign),
            send_back: may(Act::ReportReturn),
            file: may(Act::ReportFile),
            discard: may(Act::ReportDiscard),
            supersede: may(Act::ReportSupersede) && row.superseded_at.is_none(),
            plan_milestones: may(Act::MilestonePlan),
            record_problem: may(Act::ProblemRecord),
            add_case: may(Act::CaseEdit),
            add_action: may(Act::ActionPlan),
        })
    }
}

/// What the policy looks at of a report, batched.
///
/// # Errors
/// A fault of the database.
pub async fn facts(ctx: &Context<'_>, row: &report::Model) -> Result<Facts> {
    let (participants, steps, retired) = futures_util::try_join!(
        children::<participant::Entity>(ctx, row.id),
        children::<life_cycle_step::Entity>(ctx, row.id),
        retired(ctx)
    )?;
    Ok(Facts {
        state: Some(row.state),
        participants: participants.iter().map(|p| p.department.clone()).collect(),
        signer: signer(row, &steps),
        retired,
    })
}

fn signer(row: &report::Model, steps: &[life_cycle_step::Model]) -> Option<sea_orm::prelude::Uuid> {
    if !matches!(row.state, ReportState::Signed | ReportState::Filed) {
        return None;
    }
    steps.iter().rev().find(|s| s.act == LifeCycleAct::Sign && s.round == row.round).map(|s| s.person_id)
}
