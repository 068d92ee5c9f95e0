//! 审批与备案 as GraphQL shows it: completeness, rounds, signature, opinions, filing. All read from the steps.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::{
    enums::{LifeCycleAct, OpinionVerdict, ReportState},
    life_cycle_step, product, release_application, report,
};
use sea_orm::prelude::Uuid;

use super::{completeness::Completeness, content::Content, digest::canonical};
use crate::{
    catalog::{Department, Person},
    error::{Error, Result},
    graphql::{
        context::{children, parent},
        scalars::{Day, Instant},
        walk::{Many, One},
    },
};

/// Approval and filing.
#[derive(Clone)]
pub struct ApprovalPart(pub Arc<report::Model>);

#[Object]
impl ApprovalPart {
    /// What submission still needs, who owes it, and the share done per section.
    async fn completeness(&self, ctx: &Context<'_>) -> Option<Result<One<Completeness>>> {
        Some(completeness(ctx, &self.0).await.map(One))
    }

    /// How often it was submitted.
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// SHA-256 of the canonical form of what was submitted last; null before the first submission.
    async fn content_digest(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        let steps = match children::<life_cycle_step::Entity>(ctx, self.0.id).await {
            Ok(steps) => steps,
            Err(error) => return Some(Err(error)),
        };
        steps.iter().rev().find(|s| s.act == LifeCycleAct::Submit).and_then(|s| s.digest.clone()).map(Ok)
    }

    /// 产品部负责人签字, of the round at hand; null while it is not signed.
    async fn product_head_signature(&self, ctx: &Context<'_>) -> Option<Result<One<Signature>>> {
        if !matches!(self.0.state, ReportState::Signed | ReportState::Filed) {
            return None;
        }
        let steps = match children::<life_cycle_step::Entity>(ctx, self.0.id).await {
            Ok(steps) => steps,
            Err(error) => return Some(Err(error)),
        };
        let step = steps.iter().rev().find(|s| s.act == LifeCycleAct::Sign && s.round == self.0.round)?;
        Some(Signature::of(&self.0, step).map(One))
    }

    /// 产品发布管理委员会意见, of every round.
    async fn committee_opinions(&self, ctx: &Context<'_>) -> Result<Many<CommitteeOpinion>> {
        let steps = children::<life_cycle_step::Entity>(ctx, self.0.id).await?;
        Ok(steps.iter().filter_map(|s| CommitteeOpinion::of(s, &steps)).collect())
    }

    /// 备案: null while it is not filed.
    async fn filing(&self, ctx: &Context<'_>) -> Option<Result<One<Filing>>> {
        let steps = match children::<life_cycle_step::Entity>(ctx, self.0.id).await {
            Ok(steps) => steps,
            Err(error) => return Some(Err(error)),
        };
        let step = steps.iter().find(|s| s.act == LifeCycleAct::File)?.clone();
        Some(Ok(One(Filing(step))))
    }

    /// Every submission with what became of it, the first first.
    async fn rounds(&self, ctx: &Context<'_>) -> Result<Vec<Round>> {
        let steps = children::<life_cycle_step::Entity>(ctx, self.0.id).await?;
        let submitted = steps.iter().filter(|s| s.act == LifeCycleAct::Submit);
        Ok(submitted.map(|s| Round { report: Arc::clone(&self.0), steps: Arc::clone(&steps), submission: s.clone() }).collect())
    }

    /// Every step of the life cycle, the first first.
    async fn steps(&self, ctx: &Context<'_>) -> Result<Vec<LifeCycleStep>> {
        let steps = children::<life_cycle_step::Entity>(ctx, self.0.id).await?;
        Ok(steps.iter().cloned().map(LifeCycleStep).collect())
    }
}

async fn completeness(ctx: &Context<'_>, row: &Arc<report::Model>) -> Result<Completeness> {
    Completeness::of(ctx, &Box::pin(Content::read(ctx, Arc::clone(row))).await?).await
}

/// A signature: who, when, and the digest of what was signed.
pub struct Signature {
    report: Arc<report::Model>,
    person: Uuid,
    at: chrono::DateTime<chrono::Utc>,
    digest: String,
}

impl Signature {
    fn of(report: &Arc<report::Model>, step: &life_cycle_step::Model) -> Result<Self> {
        let digest = step.digest.clone().ok_or_else(|| Error::internal("a signature without a digest"))?;
        Ok(Self { report: Arc::clone(report), person: step.person_id, at: step.at, digest })
    }
}

/// A signature: who, when, and the digest of what was signed.
#[Object]
impl Signature {
    /// Who signed.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.person).await
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.at)
    }

    /// SHA-256 of the canonical form of what was signed.
    async fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the content, canonicalised now, still has this digest. Renamings and the later life of actions do not change it.
    async fn valid(&self, ctx: &Context<'_>) -> Option<Result<bool>> {
        Some(digest_now(ctx, &self.report).await.map(|now| now == self.digest))
    }
}

async fn digest_now(ctx: &Context<'_>, row: &Arc<report::Model>) -> Result<String> {
    let content = Box::pin(Content::read(ctx, Arc::clone(row))).await?;
    let application = parent::<release_application::Entity>(ctx, row.application_id).await?;
    let product = match row.product_id {
        Some(id) => Some(parent::<product::Entity>(ctx, id).await?),
        None => None,
    };
    Ok(canonical(&content, &application.number, product.as_deref().map(|p| p.key.as_str())).digest)
}

/// 产品发布管理委员会意见: what the committee found of one round.
pub struct CommitteeOpinion {
    step: life_cycle_step::Model,
    digest: Option<String>,
}

impl CommitteeOpinion {
    fn of(step: &life_cycle_step::Model, steps: &[life_cycle_step::Model]) -> Option<Self> {
        let gives = match step.act {
            LifeCycleAct::File => true,
            LifeCycleAct::Return => step.from_state == Some(ReportState::Signed),
            _ => false,
        };
        let submission = steps.iter().find(|s| s.act == LifeCycleAct::Submit && s.round == step.round);
        gives.then(|| Self { step: step.clone(), digest: submission.and_then(|s| s.digest.clone()) })
    }
}

/// 产品发布管理委员会意见: what the committee found of one round.
#[Object]
impl CommitteeOpinion {
    /// Which submission it is about.
    async fn round(&self) -> i32 {
        self.step.round
    }

    /// 同意备案 or 需补充说明.
    async fn verdict(&self) -> OpinionVerdict {
        if self.step.act == LifeCycleAct::File { OpinionVerdict::Agreed } else { OpinionVerdict::SupplementRequired }
    }

    /// 补充要求, with `SUPPLEMENT_REQUIRED`.
    async fn requirements(&self) -> Option<&str> {
        if self.step.act == LifeCycleAct::File { None } else { self.step.reason.as_deref() }
    }

    /// Who signed for the committee.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.step.person_id).await
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.step.at)
    }

    /// SHA-256 of what the opinion is about.
    async fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

/// 备案: department, date, by whom.
pub struct Filing(life_cycle_step::Model);

/// 备案: department, date, by whom.
#[Object]
impl Filing {
    /// 备案部门.
    async fn department(&self, ctx: &Context<'_>) -> Option<Result<One<Department>>> {
        match &self.0.department {
            Some(code) => Some(Department::by_code(ctx, code).await),
            None => None,
        }
    }

    /// 备案日期.
    async fn date(&self) -> Option<Day> {
        self.0.filed_on.map(Day)
    }

    /// Who filed it.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.0.person_id).await
    }

    /// When that was recorded.
    async fn at(&self) -> Instant {
        Instant(self.0.at)
    }
}

/// One submission and what became of it.
pub struct Round {
    report: Arc<report::Model>,
    steps: Arc<Vec<life_cycle_step::Model>>,
    submission: life_cycle_step::Model,
}

impl Round {
    fn step(&self, act: LifeCycleAct) -> Option<&life_cycle_step::Model> {
        self.steps.iter().find(|s| s.act == act && s.round == self.submission.round)
    }
}

/// One submission and what became of it.
#[Object(name = "SubmissionRound")]
impl Round {
    /// 1 for the first submission.
    async fn round(&self) -> i32 {
        self.submission.round
    }

    /// Who submitted.
    async fn submitted_by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.submission.person_id).await
    }

    /// When.
    async fn submitted_at(&self) -> Instant {
        Instant(self.submission.at)
    }

    /// SHA-256 of what was submitted.
    async fn digest(&self) -> Option<&str> {
        self.submission.digest.as_deref()
    }

    /// The signature of the product head, if it was signed.
    async fn signature(&self) -> Option<Result<Signature>> {
        self.step(LifeCycleAct::Sign).map(|step| Signature::of(&self.report, step))
    }

    /// The opinion of the committee, if it gave one.
    async fn opinion(&self) -> Option<CommitteeOpinion> {
        let round = self.submission.round;
        self.steps.iter().filter(|s| s.round == round).find_map(|s| CommitteeOpinion::of(s, &self.steps))
    }

    /// When it was taken back, if it was.
    async fn withdrawn_at(&self) -> Option<Instant> {
        self.step(LifeCycleAct::Withdraw).map(|s| Instant(s.at))
    }

    /// How it was sent back, if it was.
    async fn returned(&self) -> Option<LifeCycleStep> {
        self.step(LifeCycleAct::Return).cloned().map(LifeCycleStep)
    }
}

/// A step of the life cycle.
pub struct LifeCycleStep(life_cycle_step::Model);

/// A step of the life cycle.
#[Object]
impl LifeCycleStep {
    /// What was done.
    async fn act(&self) -> LifeCycleAct {
        self.0.act
    }

    /// The state before; null at creation.
    async fn from_state(&self) -> Option<ReportState> {
        self.0.from_state
    }

    /// The state after.
    async fn to_state(&self) -> ReportState {
        self.0.to_state
    }

    /// How many submissions there were by then.
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// Why, where the step needs a reason.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// By whom.
    async fn by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.0.person_id).await
    }

    /// When.
    async fn at(&self) -> Instant {
        Instant(self.0.at)
    }
}
