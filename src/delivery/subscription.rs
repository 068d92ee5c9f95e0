//! Subscriptions: views of the event log, resumable behind any position, on every replica.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use super::{
    event::{Event, EventType},
    feed::Feed,
    follow::{Wanted, follow},
};
use crate::{
    error::{Error, Result},
    graphql::{
        context::{actor, loaders},
        ids::Kind,
    },
};

/// What happens, as it happens. Each event comes to those who may read its report then; `after` resumes behind a position.
pub struct Subscriptions;

/// What happens, as it happens. Each event comes to those who may read its report then; `after` resumes behind a position.
#[Subscription(name = "Subscription")]
impl Subscriptions {
    /// Whatever happens to a report, its content, its problems and its actions; to all that you may read unless one is named.
    async fn report_changed<'a>(
        &self,
        ctx: &Context<'a>,
        #[graphql(desc = "One report; all unless given.")] report: Option<ID>,
        #[graphql(desc = "Resume behind this position; from now on unless given.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<'a>> {
        events(ctx, wanted(report.as_ref(), None)?, after).await
    }

    /// Whatever happens to improvement actions.
    async fn action_events<'a>(
        &self,
        ctx: &Context<'a>,
        #[graphql(desc = "Only these types; all about actions unless given.")] types: Option<Vec<EventType>>,
        #[graphql(desc = "Actions of one report; of all unless given.")] report: Option<ID>,
        #[graphql(desc = "Actions that this department owns, by its code; all unless given.")] department: Option<String>,
        #[graphql(desc = "Resume behind this position; from now on unless given.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<'a>> {
        let wanted = Wanted { actions_only: true, department, ..wanted(report.as_ref(), types)? };
        events(ctx, wanted, after).await
    }

    /// What pipelines tell of deployments, and what becomes of them: of reports that you may read, of what is parked if you may see
    /// that, and a pipeline's own.
    async fn deployment_recorded<'a>(
        &self,
        ctx: &Context<'a>,
        #[graphql(desc = "Deployments of one report; all unless given.")] report: Option<ID>,
        #[graphql(desc = "Resume behind this position; from now on unless given.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<'a>> {
        let wanted = Wanted { deployments_only: true, ..wanted(report.as_ref(), Some(vec![EventType::DeploymentRecorded]))? };
        events(ctx, wanted, after).await
    }

    /// The event log. `REPORT_CHANGED`, which every edit of content tells, comes only where `types` names it.
    async fn events<'a>(
        &self,
        ctx: &Context<'a>,
        #[graphql(desc = "Only these types; all but REPORT_CHANGED unless given.")] types: Option<Vec<EventType>>,
        #[graphql(desc = "Events of one report; of all unless given.")] report: Option<ID>,
        #[graphql(desc = "Resume behind this position; from now on unless given.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<'a>> {
        let types = types.unwrap_or_else(EventType::all_but_edits);
        events(ctx, wanted(report.as_ref(), Some(types))?, after).await
    }
}

fn wanted(report: Option<&ID>, types: Option<Vec<EventType>>) -> Result<Wanted> {
    let report = report.map(|id| Kind::Report.uuid(id)).transpose()?;
    Ok(Wanted { report, types, ..Wanted::default() })
}

async fn events<'a>(ctx: &Context<'a>, wanted: Wanted, after: Option<String>) -> Result<impl Stream<Item = Result<Event>> + use<'a>> {
    let feed = Arc::clone(ctx.data::<Arc<Feed>>().map_err(|e| Error::internal(e.message))?);
    let loaders = loaders(ctx)?;
    let followed = follow(feed, actor(ctx)?.clone(), wanted, after).await?;
    Ok(followed.filter_map(move |event| {
        // Each event reads the world anew.
        loaders.renew();
        std::future::ready(event.map(Event::of).transpose())
    }))
}
