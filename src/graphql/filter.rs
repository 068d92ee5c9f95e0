//! Typed comparators of `where` inputs, and what they mean in SQL.

use async_graphql::{InputObject, InputType};
use entity::enums::{
    ActionArea, ActionStatus, ComplianceVerdict, Impact, MilestoneKind, OccurrenceStatus, ProblemPhase, ReleaseOutcome, ReleaseStrategy,
    ReleaseType, ReportState,
};
use entity::pipeline::{DeliveryFate, DeliveryWay, DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason};
use entity::sink::DeliveryState;
use sea_orm::{
    Condition, Value,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

use super::scalars::{Day, Instant};

/// Compares a text. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct StringFilter {
    /// Equal to.
    pub eq: Option<String>,
    /// One of.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Contains, without regard to (Latin) case.
    pub contains: Option<String>,
}

/// Compares a number. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct IntFilter {
    /// Equal to.
    pub eq: Option<i32>,
    /// At least.
    pub gte: Option<i32>,
    /// More than.
    pub gt: Option<i32>,
    /// At most.
    pub lte: Option<i32>,
    /// Less than.
    pub lt: Option<i32>,
}

/// Compares a date. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct DateFilter {
    /// On.
    pub eq: Option<Day>,
    /// On or after.
    pub gte: Option<Day>,
    /// After.
    pub gt: Option<Day>,
    /// On or before.
    pub lte: Option<Day>,
    /// Before.
    pub lt: Option<Day>,
}

/// Compares an instant. All that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct DateTimeFilter {
    /// At or after.
    pub gte: Option<Instant>,
    /// After.
    pub gt: Option<Instant>,
    /// At or before.
    pub lte: Option<Instant>,
    /// Before.
    pub lt: Option<Instant>,
    /// `true`: only where there is none; `false`: only where there is one.
    pub is_null: Option<bool>,
}

/// Compares an enum value. All that is given must hold.
#[derive(Debug, Clone, InputObject)]
#[graphql(concrete(name = "ReportStateFilter", params(ReportState)))]
#[graphql(concrete(name = "ReleaseTypeFilter", params(ReleaseType)))]
#[graphql(concrete(name = "ReleaseStrategyFilter", params(ReleaseStrategy)))]
#[graphql(concrete(name = "ReleaseOutcomeFilter", params(ReleaseOutcome)))]
#[graphql(concrete(name = "ComplianceVerdictFilter", params(ComplianceVerdict)))]
#[graphql(concrete(name = "MilestoneKindFilter", params(MilestoneKind)))]
#[graphql(concrete(name = "ProblemPhaseFilter", params(ProblemPhase)))]
#[graphql(concrete(name = "ImpactFilter", params(Impact)))]
#[graphql(concrete(name = "ActionAreaFilter", params(ActionArea)))]
#[graphql(concrete(name = "ActionStatusFilter", params(ActionStatus)))]
#[graphql(concrete(name = "OccurrenceStatusFilter", params(OccurrenceStatus)))]
#[graphql(concrete(name = "DeploymentStatusFilter", params(DeploymentStatus)))]
#[graphql(concrete(name = "DeploymentStandingFilter", params(DeploymentStanding)))]
#[graphql(concrete(name = "EnvironmentClassFilter", params(EnvironmentClass)))]
#[graphql(concrete(name = "ParkedReasonFilter", params(ParkedReason)))]
#[graphql(concrete(name = "DeliveryFateFilter", params(DeliveryFate)))]
#[graphql(concrete(name = "DeliveryStateFilter", params(DeliveryState)))]
#[graphql(concrete(name = "DeliveryWayFilter", params(DeliveryWay)))]
pub struct EnumFilter<T: InputType> {
    /// Equal to.
    pub eq: Option<T>,
    /// One of.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<T>>,
    /// None of.
    pub not_in: Option<Vec<T>>,
}

impl<T: InputType + Clone> EnumFilter<T> {
    /// The condition on `expr`, with `store` giving the value that the table holds.
    pub fn on<V: Into<Value>>(&self, expr: impl Into<Expr>, store: impl Fn(T) -> V) -> Condition {
        let expr = expr.into();
        let values = |list: &Vec<T>| list.iter().cloned().map(|v| store(v).into()).collect::<Vec<Value>>();
        Condition::all()
            .add_option(self.eq.clone().map(|v| expr.clone().eq(store(v).into())))
            .add_option(self.one_of.as_ref().map(|l| expr.clone().is_in(values(l))))
            .add_option(self.not_in.as_ref().map(|l| Condition::any().add(expr.clone().is_not_in(values(l))).add(expr.clone().is_null())))
    }
}

impl StringFilter {
    /// The condition on a text.
    pub fn on(&self, expr: impl Into<Expr>) -> Condition {
        self.on_key(expr, |text| text.to_owned())
    }

    /// The condition on a text that is stored in a normal form.
    pub fn on_key(&self, expr: impl Into<Expr>, normal: impl Fn(&str) -> String) -> Condition {
        let expr = expr.into();
        let clean = |text: &str| normal(text).replace('\0', "\u{fffd}");
        Condition::all()
            .add_option(self.eq.as_deref().map(|v| expr.clone().eq(clean(v))))
            .add_option(self.one_of.as_ref().map(|l| expr.clone().is_in(l.iter().map(|v| clean(v)))))
            .add_option(self.contains.as_deref().map(|v| {
                let escaped = clean(v).to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                Expr::expr(Func::lower(expr.clone())).like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
            }))
    }
}

impl IntFilter {
    /// The condition on a number.
    pub fn on(&self, expr: impl Into<Expr>) -> Condition {
        range(expr.into(), self.eq, self.gte, self.gt, self.lte, self.lt)
    }
}

impl DateFilter {
    /// The condition on a date.
    pub fn on(&self, expr: impl Into<Expr>) -> Condition {
        let day = |d: Option<Day>| d.map(|d| d.0);
        range(expr.into(), day(self.eq), day(self.gte), day(self.gt), day(self.lte), day(self.lt))
    }
}

impl DateTimeFilter {
    /// The condition on an instant.
    pub fn on(&self, expr: impl Into<Expr>) -> Condition {
        let expr = expr.into();
        let at = |i: Option<Instant>| i.map(|i| i.0);
        range(expr.clone(), None, at(self.gte), at(self.gt), at(self.lte), at(self.lt))
            .add_option(self.is_null.map(|null| if null { expr.clone().is_null() } else { expr.is_not_null() }))
    }
}

fn range<V: Into<Value>>(expr: Expr, eq: Option<V>, gte: Option<V>, gt: Option<V>, lte: Option<V>, lt: Option<V>) -> Condition {
    Condition::all()
        .add_option(eq.map(|v| expr.clone().eq(v.into())))
        .add_option(gte.map(|v| expr.clone().gte(v.into())))
        .add_option(gt.map(|v| expr.clone().gt(v.into())))
        .add_option(lte.map(|v| expr.clone().lte(v.into())))
        .add_option(lt.map(|v| expr.lt(v.into())))
}

/// Joins `and`, `or` and `not` of a `where` input with what it says itself. An empty `or` holds nowhere.
pub fn combine<F>(own: Condition, and: Option<&Vec<F>>, or: Option<&Vec<F>>, not: Option<&F>, of: impl Fn(&F) -> Condition) -> Condition {
    let mut all = own;
    for filter in and.into_iter().flatten() {
        all = all.add(of(filter));
    }
    if let Some(or) = or {
        let any = or.iter().fold(Condition::any(), |any, filter| any.add(of(filter)));
        all = all.add(if or.is_empty() { Condition::all().add(Expr::value(false)) } else { any });
    }
    match not {
        // "Not" of what is unknown (a blank field) is taken as true.
        Some(filter) => all.add(Expr::expr(Func::coalesce([Expr::from(of(filter)), Expr::value(false)])).eq(false)),
        None => all,
    }
}
