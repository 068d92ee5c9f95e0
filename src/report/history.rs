//! The audit log for AUDITOR and ADMIN, and the history of a report for its readers.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{audit_entry, person, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::{
    auth::{Act, Facts, policy},
    catalog::Person,
    error::Result,
    graphql::{
        connection::{List, paged},
        context::{actor, row},
        filter::{DateTimeFilter, StringFilter},
        ids::Kind,
        scalars::Instant,
        walk::One,
    },
    store::page::{Kind as SortKind, PageArgs, Sort},
};

/// One act on one object.
pub struct AuditEntry(pub audit_entry::Model);

/// What happened to one field.
#[derive(SimpleObject)]
pub struct AuditChange {
    /// The field, as the API names it.
    pub field: String,
    /// The value before, as JSON text; null for none.
    pub before: Option<String>,
    /// The value after, as JSON text; null for none.
    pub after: Option<String>,
}

/// One act on one object: who, in which capacity, when, and what changed.
#[Object]
impl AuditEntry {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::AuditEntry.id(self.0.id)
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.0.at)
    }

    /// The subject of who did it.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Who did it.
    async fn by(&self, ctx: &Context<'_>) -> Option<Result<One<Person>>> {
        let found = row::<person::Entity>(ctx, self.0.person_id?).await;
        found.map(|p| p.map(|p| One(Person((*p).clone())))).transpose()
    }

    /// In which capacity: the memberships and roles of the token, as `PRODUCT:HEAD AUDITOR`.
    async fn role(&self) -> &str {
        &self.0.role
    }

    /// `x-request-id` of the request.
    async fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The mutation.
    async fn act(&self) -> &str {
        &self.0.act
    }

    /// Type of the object that changed.
    async fn object_type(&self) -> &str {
        &self.0.object_type
    }

    /// Key of the object that changed, as the database has it.
    async fn object_key(&self) -> &str {
        &self.0.object_id
    }

    /// Each field that changed.
    async fn changes(&self) -> Vec<AuditChange> {
        let text = |v: Option<&serde_json::Value>| v.filter(|v| !v.is_null()).map(ToString::to_string);
        let list = self.0.changes.as_array().map(Vec::as_slice).unwrap_or_default();
        let change = |c: &serde_json::Value| AuditChange {
            field: c.get("field").and_then(|f| f.as_str()).unwrap_or_default().to_owned(),
            before: text(c.get("before")),
            after: text(c.get("after")),
        };
        list.iter().map(change).collect()
    }
}

/// The history of a report.
#[derive(Clone)]
pub struct HistoryPart(pub Arc<report::Model>);

#[Object]
impl HistoryPart {
    /// Everything that was ever changed in it, the latest first. `first` and `last`: 20 unless given, at most 100.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<AuditEntry>>> {
        let of_report = Condition::all().add(audit_entry::Column::ReportId.eq(self.0.id));
        Some(page(ctx, of_report, PageArgs { first, after, last, before }).await)
    }
}

async fn page(ctx: &Context<'_>, which: Condition, args: PageArgs) -> Result<List<AuditEntry>> {
    let query = audit_entry::Entity::find().filter(which);
    let sort =
        Sort::by(sea_orm::sea_query::Expr::col((audit_entry::Entity, audit_entry::Column::Id)), SortKind::Int, |e: &audit_entry::Model| {
            e.id.into()
        });
    paged(ctx, query, &[sort.descending(true)], &args, AuditEntry).await
}

/// Which entries of the audit log. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct AuditWhere {
    /// The subject of who did it.
    pub subject: Option<StringFilter>,
    /// The mutation.
    pub act: Option<StringFilter>,
    /// Type of the object that changed.
    pub object_type: Option<StringFilter>,
    /// `x-request-id` of the request.
    pub request_id: Option<StringFilter>,
    /// When.
    pub at: Option<DateTimeFilter>,
    /// The report.
    pub report: Option<ID>,
}

/// Queries on the audit log.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// The audit log, the latest first. `first` and `last`: 20 unless given, at most 100.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<AuditWhere>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<AuditEntry>>> {
        Some(audit_log(ctx, filter.unwrap_or_default(), PageArgs { first, after, last, before }).await)
    }
}

async fn audit_log(ctx: &Context<'_>, filter: AuditWhere, args: PageArgs) -> Result<List<AuditEntry>> {
    policy::allows(actor(ctx)?, Act::AuditRead, &Facts::default())?;
    use audit_entry::Column;
    use sea_orm::sea_query::Expr;
    let AuditWhere { subject, act, object_type, request_id, at, report } = filter;
    let report = report.map(|id| Kind::Report.uuid(&id)).transpose()?;
    let col = |c: Column| Expr::col((audit_entry::Entity, c));
    let which = Condition::all()
        .add_option(subject.map(|f| f.on(col(Column::Subject))))
        .add_option(act.map(|f| f.on(col(Column::Act))))
        .add_option(object_type.map(|f| f.on(col(Column::ObjectType))))
        .add_option(request_id.map(|f| f.on(col(Column::RequestId))))
        .add_option(at.map(|f| f.on(col(Column::At))))
        .add_option(report.map(|id| Column::ReportId.eq(id)));
    page(ctx, which, args).await
}
