//! Owner departments of milestones, problems and actions: an ordered list; of an action one may be the lead.

use std::sync::Arc;

use async_graphql::Context;
use entity::owner;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use crate::{
    catalog::Department,
    error::Result,
    graphql::{
        context::{children, loaders},
        walk::Many,
    },
    store::{Opened, Permitted, insert_many},
};

/// Whose owners.
#[derive(Debug, Clone, Copy)]
pub enum Owned {
    /// A milestone's.
    Milestone(Uuid),
    /// A problem's.
    Problem(Uuid),
    /// An action's.
    Action(Uuid),
}

impl Owned {
    fn ids(self) -> (Option<Uuid>, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Milestone(id) => (Some(id), None, None),
            Self::Problem(id) => (None, Some(id), None),
            Self::Action(id) => (None, None, Some(id)),
        }
    }

    fn condition(self) -> Condition {
        let is = match self {
            Self::Milestone(id) => owner::Column::MilestoneId.eq(id),
            Self::Problem(id) => owner::Column::ProblemId.eq(id),
            Self::Action(id) => owner::Column::ActionId.eq(id),
        };
        Condition::all().add(is).add(owner::Column::Current.eq(true))
    }

    fn owns(self, row: &owner::Model) -> bool {
        row.current && (row.milestone_id, row.problem_id, row.action_id) == self.ids()
    }

    /// The rows under the lock, in order.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn opened(self, opened: &Opened) -> Result<Vec<owner::Model>> {
        opened.all(owner::Entity::find().filter(self.condition()).order_by_asc(owner::Column::Position)).await
    }

    /// The rows for an answer among those of others, batched.
    async fn among(self, ctx: &Context<'_>, report_id: Uuid) -> Result<Arc<Vec<owner::Model>>> {
        let ahead = match self {
            Self::Milestone(id) => loaders(ctx)?.bundled().milestone_owners(id),
            _ => None,
        };
        match ahead {
            Some(owners) => Ok(owners),
            None => children::<owner::Entity>(ctx, report_id).await,
        }
    }

    /// The rows for an answer, batched.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read(self, ctx: &Context<'_>, report_id: Uuid) -> Result<Vec<owner::Model>> {
        Ok(self.among(ctx, report_id).await?.iter().filter(|o| self.owns(o)).cloned().collect())
    }

    /// The departments for an answer, in order.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn departments(self, ctx: &Context<'_>, report_id: Uuid) -> Result<Many<Department>> {
        let among = self.among(ctx, report_id).await?;
        Department::by_codes(ctx, among.iter().filter(|o| self.owns(o)).map(|o| o.department.as_str())).await
    }

    /// Writes the list in place of the one before. Owners that were part of a submission are kept aside, for its digest.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write(self, permitted: &Permitted, report_id: Uuid, codes: &[String], lead: Option<&str>) -> Result<()> {
        let conn = permitted.conn();
        owner::Entity::delete_many().filter(self.condition()).filter(owner::Column::Submitted.eq(false)).exec(conn).await?;
        owner::Entity::update_many()
            .col_expr(owner::Column::Current, sea_orm::sea_query::Expr::value(false))
            .filter(self.condition())
            .exec(conn)
            .await?;
        let (milestone_id, problem_id, action_id) = self.ids();
        let rows = (1..).zip(codes).map(|(position, code)| owner::Model {
            id: Uuid::now_v7(),
            report_id,
            milestone_id,
            problem_id,
            action_id,
            department: code.clone(),
            position,
            lead: lead == Some(code.as_str()),
            current: true,
            submitted: false,
        });
        insert_many(permitted, rows.collect()).await
    }
}

/// The codes of owners, in order.
pub fn codes(owners: &[owner::Model]) -> Vec<String> {
    owners.iter().map(|o| o.department.clone()).collect()
}

/// The lead, or all owners if there is none: whose HEAD steers an action.
pub fn leads(owners: &[owner::Model]) -> Vec<String> {
    let lead: Vec<String> = owners.iter().filter(|o| o.lead).map(|o| o.department.clone()).collect();
    if lead.is_empty() { codes(owners) } else { lead }
}
