//! 2.2 资源投入情况: people, machines and money.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    enums::{BudgetOutcome, ReportSection},
    report, staffing,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use crate::{
    auth::Act,
    catalog::{Department, department::check_codes},
    error::{Result, UserErrorCode, say},
    graphql::{
        context::children,
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Hundredths,
        walk::{Many, One},
    },
    report::Report,
    store::{Change, Origin, Store, insert_many, update},
};

/// 2.2 资源投入情况.
#[derive(Clone)]
pub struct Resources(pub Arc<report::Model>);

/// People of one department.
pub struct Staffing(staffing::Model);

/// 人力资源: people of one department.
#[Object]
impl Staffing {
    /// The department.
    async fn department(&self, ctx: &Context<'_>) -> Result<One<Department>> {
        Department::by_code(ctx, &self.0.department).await
    }

    /// How many people took part; null where blank.
    async fn people(&self) -> Option<i32> {
        self.0.people
    }
}

/// 2.2 资源投入情况: people, machines and money.
#[Object]
impl Resources {
    /// 人力资源: people per department, in order.
    async fn staffing(&self, ctx: &Context<'_>) -> Result<Many<Staffing>> {
        let rows = children::<staffing::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Staffing).collect())
    }

    /// 总投入工时, in hours.
    async fn effort_hours(&self) -> Option<Hundredths> {
        self.0.effort_hours.map(Hundredths)
    }

    /// 生产服务器.
    async fn production_servers(&self) -> Option<i32> {
        self.0.production_servers
    }

    /// 测试服务器.
    async fn test_servers(&self) -> Option<i32> {
        self.0.test_servers
    }

    /// 新增存储资源, in GB.
    async fn storage_added_gb(&self) -> Option<Hundredths> {
        self.0.storage_added_gb.map(Hundredths)
    }

    /// Currency of the budget, as ISO 4217: `CNY`.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// 预算.
    async fn budget_planned(&self) -> Option<Hundredths> {
        self.0.budget_planned.map(Hundredths)
    }

    /// 实际花费.
    async fn budget_actual(&self) -> Option<Hundredths> {
        self.0.budget_actual.map(Hundredths)
    }

    /// Derived: actual − planned; negative when money was saved.
    async fn budget_variance(&self) -> Option<Hundredths> {
        variance(&self.0).map(Hundredths)
    }

    /// Derived: 节余, 超支, or as planned.
    async fn budget_outcome(&self) -> Option<BudgetOutcome> {
        variance(&self.0).map(|v| match v {
            ..0 => BudgetOutcome::Saved,
            0 => BudgetOutcome::OnBudget,
            1.. => BudgetOutcome::Overspent,
        })
    }

    /// Why cost and budget differ.
    async fn budget_reason(&self) -> Option<&str> {
        self.0.budget_reason.as_deref()
    }

    /// Counts the changes of this section; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.resources_version
    }
}

fn variance(row: &report::Model) -> Option<i64> {
    Some(row.budget_actual? - row.budget_planned?)
}

/// People of one department.
#[derive(Debug, Clone, InputObject)]
pub struct StaffingInput {
    /// Code of the department.
    pub department: String,
    /// How many people took part; null where blank.
    pub people: Option<i32>,
}

/// A patch of the resources: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct ResourcesUpdateInput {
    /// The report.
    pub report_id: ID,
    /// Refused with `CONFLICT` when `resources.version` is another.
    pub expected_version: Option<i32>,
    /// 人力资源; the list replaces the one before.
    pub staffing: MaybeUndefined<Vec<StaffingInput>>,
    /// 总投入工时, in hours.
    pub effort_hours: MaybeUndefined<Hundredths>,
    /// 生产服务器.
    pub production_servers: MaybeUndefined<i32>,
    /// 测试服务器.
    pub test_servers: MaybeUndefined<i32>,
    /// 新增存储资源, in GB.
    pub storage_added_gb: MaybeUndefined<Hundredths>,
    /// Currency, as ISO 4217.
    pub currency: MaybeUndefined<String>,
    /// 预算.
    pub budget_planned: MaybeUndefined<Hundredths>,
    /// 实际花费.
    pub budget_actual: MaybeUndefined<Hundredths>,
    /// Why cost and budget differ.
    pub budget_reason: MaybeUndefined<String>,
}

/// What `resourcesUpdate` answers.
#[derive(SimpleObject)]
pub struct ResourcesUpdatePayload {
    /// The changed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of the resources.
#[derive(Default)]
pub struct ResourcesMutation;

#[Object]
impl ResourcesMutation {
    /// Edits people, machines and money of a release.
    async fn resources_update(&self, ctx: &Context<'_>, input: ResourcesUpdateInput) -> Result<ResourcesUpdatePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ResourcesUpdatePayload { report: report.map(Report::new), user_errors })
    }
}

async fn run(store: &Store, origin: &Origin, input: ResourcesUpdateInput) -> Result<report::Model> {
    let ResourcesUpdateInput {
        report_id,
        expected_version,
        staffing,
        effort_hours,
        production_servers,
        test_servers,
        storage_added_gb,
        currency,
        budget_planned,
        budget_actual,
        budget_reason,
    } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::ReportEdit])?;
    let before = permitted.report()?.clone();
    expect_version(expected_version, before.resources_version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_decimal("effortHours", effort_hours, false, &mut row.effort_hours);
    checks.patch_count("productionServers", production_servers, &mut row.production_servers);
    checks.patch_count("testServers", test_servers, &mut row.test_servers);
    checks.patch_decimal("storageAddedGb", storage_added_gb, false, &mut row.storage_added_gb);
    checks.patch_value("currency", currency, &mut row.currency);
    checks.require(
        row.currency.len() == 3 && row.currency.bytes().all(|b| b.is_ascii_uppercase()),
        UserErrorCode::Invalid,
        "currency",
        || say("A currency has three capital letters, as CNY", "币种为三个大写字母，如 CNY"),
    );
    checks.patch_decimal("budgetPlanned", budget_planned, false, &mut row.budget_planned);
    checks.patch_decimal("budgetActual", budget_actual, false, &mut row.budget_actual);
    checks.patch_text("budgetReason", budget_reason, LONG, &mut row.budget_reason);
    let query = staffing::Entity::find().filter(staffing::Column::ReportId.eq(row.id)).order_by_asc(staffing::Column::Position);
    let old: Vec<(String, Option<i32>)> = query.all(permitted.conn()).await?.into_iter().map(|s| (s.department, s.people)).collect();
    let mut new = old.clone();
    checks.patch_value("staffing", staffing.map_value(|list| list.into_iter().map(|s| (s.department, s.people)).collect()), &mut new);
    checks.list("staffing", &new, 40);
    let departments = |rows: &[(String, Option<i32>)]| rows.iter().map(|(d, _)| d.clone()).collect::<Vec<_>>();
    check_codes(&permitted, &mut checks, "staffing", &departments(&new), &departments(&old)).await?;
    for (index, (_, people)) in new.iter().enumerate() {
        if let Some(people) = people {
            checks.count(&format!("staffing.{index}.people"), *people);
        }
    }
    checks.done()?;
    let change = Change::of("resourcesUpdate").edited("Report", row.id, &before, &row).field("Report", row.id, "staffing", &old, &new);
    if !change.is_empty() {
        row.resources_version += 1;
        row.updated_at = permitted.now();
        update(&permitted, row.clone()).await?;
    }
    if new != old {
        staffing::Entity::delete_many().filter(staffing::Column::ReportId.eq(row.id)).exec(permitted.conn()).await?;
        let rows = (1..).zip(new).map(|(position, (department, people))| staffing::Model {
            id: Uuid::now_v7(),
            report_id: row.id,
            department,
            people,
            position,
        });
        insert_many(&permitted, rows.collect()).await?;
    }
    permitted.commit(change.content(ReportSection::Resources, row.id, row.resources_version)).await?;
    Ok(row)
}
