//! One report after the other: header, basics and the sections.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use entity::{
    department_evaluation,
    enums::{
        ComplianceVerdict, Impact, IssueCategory, MilestoneKind, MilestonePrecision, ProblemPhase, ReleaseOutcome, ReleaseStrategy,
        ReleaseType, ReportState,
    },
    feedback_source, incident_review, milestone, owner, participant, participant_person, person, planned_fix, post_release_stat, problem,
    product, product_project, release_application, report, shortcoming, staffing, timeline_entry, typical_case,
};
use sea_orm::prelude::Uuid;

use super::{draw::Draw, text};
use crate::{
    auth::actor::person_id,
    catalog::number::{FormNumber, version_key, version_sort},
    clock::Calendar,
    error::Result,
    store::Rows,
};

/// The company, one report after the other in the order of their releases.
pub struct Company {
    pub(super) draw: Draw,
    pub(super) calendar: Calendar,
    pub(super) now: DateTime<Utc>,
    products: Vec<Uuid>,
    minors: Vec<i32>,
    sequences: BTreeMap<i32, i32>,
    applications: BTreeMap<i32, i32>,
    total: u32,
    made: u32,
}

/// A report while it is made.
pub(super) struct Making {
    pub row: report::Model,
    pub release: DateTime<Utc>,
    pub product_key: &'static str,
    pub application_number: String,
    /// Counted from the latest: 0 is the last report of all.
    pub age: u32,
}

impl Company {
    pub fn new(calendar: Calendar, now: DateTime<Utc>, total: u32) -> Self {
        let mut draw = Draw::new(20_260_401);
        let products = text::PRODUCTS.iter().map(|_| draw.id()).collect();
        Self {
            draw,
            calendar,
            now,
            products,
            minors: vec![0, 3, 6],
            sequences: BTreeMap::new(),
            applications: BTreeMap::new(),
            total,
            made: 0,
        }
    }

    /// Products and people.
    pub fn catalog(&mut self) -> Rows {
        let mut rows = Rows::default();
        for (id, (key, name, path)) in self.products.iter().zip(text::PRODUCTS) {
            rows.products.push(product::Model { id: *id, key: key.into(), name: name.into(), active: true, version: 1 });
            let project = product_project::Model { id: self.draw.id(), product_id: *id, path: path.into(), position: 1 };
            rows.projects.push(project);
        }
        for (subject, name, _) in text::PEOPLE {
            rows.people.push(person::Model { id: person_id(subject), subject: Some(subject.into()), name: name.into(), erased: false });
        }
        rows
    }

    /// The last number given of each year.
    pub fn sequences(&self) -> impl Iterator<Item = (i32, i32)> {
        self.sequences.iter().map(|(year, last)| (*year, *last))
    }

    /// The next release: two thirds of all in the year before the last twelve months, one third in them.
    fn release_time(&mut self) -> DateTime<Utc> {
        let (early, total) = (self.total - self.total / 3, self.total.max(1));
        let days = if self.made < early {
            730 - i64::from(self.made) * 365 / i64::from(early.max(1))
        } else {
            363 - i64::from(self.made - early) * 360 / i64::from((total - early).max(1))
        };
        let minutes = i64::from(self.draw.between(0, 8)) * 15;
        let day = self.calendar.day_of(self.now) - TimeDelta::days(days);
        self.calendar.start_of(day) + TimeDelta::hours(20) + TimeDelta::minutes(minutes)
    }

    fn counted(of: &mut BTreeMap<i32, i32>, year: i32) -> i32 {
        let last = of.entry(year).or_default();
        *last += 1;
        *last
    }

    /// Adds the next report.
    pub fn report(&mut self, rows: &mut Rows) -> Result<()> {
        let mut making = self.header(rows);
        self.made += 1;
        self.participants(rows, &making.row);
        self.milestones(rows, &mut making);
        self.problems(rows, &mut making);
        self.aftermath(rows, &mut making);
        self.evaluations(rows, &making.row);
        self.actions(rows, &making);
        let age = making.age;
        self.life(rows, making)?;
        self.deployments(rows, age);
        Ok(())
    }

    fn header(&mut self, rows: &mut Rows) -> Making {
        let release = self.release_time();
        let age = self.total - self.made - 1;
        let which = usize::try_from(self.made % 3).unwrap_or(0);
        let (product_key, ..) = text::PRODUCTS.get(which).copied().unwrap_or(("netaudit", "", ""));
        let product_id = self.products.get(which).copied();
        let minor = self.minors.get_mut(which).map_or(0, |minor| {
            *minor += 1;
            *minor
        });
        // The form's own example is the report before the last few.
        let example = age == 6;
        let version = if example { "V4.1.2".to_owned() } else { format!("V{}.{}.{}", 3 + minor / 12, minor % 12, minor % 3) };
        let prepared_on = self.calendar.day_of(release) + Days::new(5);
        let prepared_on = prepared_on.min(self.calendar.day_of(self.now));
        let (year, of_release) = (prepared_on.year(), self.calendar.day_of(release).year());
        let sequence = Self::counted(&mut self.sequences, year);
        let application = FormNumber::application_of(of_release, Self::counted(&mut self.applications, of_release)).to_string();
        let late = if self.draw.percent(30) { self.draw.between(5, 180) } else { -self.draw.between(0, 10) };
        let planned_minutes = self.draw.between(4, 16) * 15;
        let release_type = self.draw.one(
            &[
                ReleaseType::Feature,
                ReleaseType::Feature,
                ReleaseType::Patch,
                ReleaseType::Patch,
                ReleaseType::Major,
                ReleaseType::Emergency,
            ],
            ReleaseType::Patch,
        );
        let strategy = self.draw.one(
            &[
                ReleaseStrategy::Canary,
                ReleaseStrategy::Canary,
                ReleaseStrategy::BlueGreen,
                ReleaseStrategy::Rolling,
                ReleaseStrategy::Full,
            ],
            ReleaseStrategy::Full,
        );
        let outcome = if self.draw.percent(8) { ReleaseOutcome::RolledBack } else { ReleaseOutcome::Released };
        let partial = strategy == ReleaseStrategy::Canary;
        let planned_budget = i64::from(self.draw.between(20, 120)) * 100_000; // thousands of yuan, in fen
        let spent = planned_budget * i64::from(self.draw.between(88, 112)) / 100;
        let made_at = self.calendar.start_of(prepared_on).min(self.now);
        let application_id = self.draw.id();
        rows.applications.push(release_application::Model {
            id: application_id,
            number: application.clone(),
            product_id,
            version: Some(version.clone()),
            url: Some(format!("https://oa.xx.example/release/{application}")),
            planned_release_at: Some(release),
            created_at: made_at,
        });
        let row = report::Model {
            id: self.draw.id(),
            number: FormNumber::report(year, sequence).to_string(),
            number_year: year,
            number_sequence: sequence,
            application_id,
            live_application_id: Some(application_id),
            prepared_by: "PRODUCT".into(),
            prepared_on,
            state: ReportState::Draft,
            outcome: if example { ReleaseOutcome::Released } else { outcome },
            product_id,
            version_key: Some(version_key(&version)),
            version_sort: Some(version_sort(&version)),
            version: Some(version),
            release_type: Some(if example { ReleaseType::Feature } else { release_type }),
            release_owner_id: Some(person_id("u-1001")),
            planned_release_at: Some(release),
            actual_release_at: Some(release + TimeDelta::minutes(i64::from(late))),
            planned_duration_minutes: Some(planned_minutes),
            actual_duration_minutes: Some((planned_minutes + self.draw.between(-30, 40)).max(10)),
            strategy: Some(if example { ReleaseStrategy::Canary } else { strategy }),
            strategy_note: None,
            audience_internal: true,
            audience_partial_external: partial || example,
            audience_all_external: !(partial || example),
            external_percent: (partial || example).then_some(i64::from(self.draw.between(1, 9)) * 10_00),
            row_version: 1,
            effort_hours: Some(i64::from(self.draw.between(80, 600)) * 50),
            production_servers: Some(self.draw.between(4, 24)),
            test_servers: Some(self.draw.between(2, 10)),
            storage_added_gb: Some(i64::from(self.draw.between(0, 20)) * 50_00),
            currency: "CNY".into(),
            budget_planned: Some(planned_budget),
            budget_actual: Some(spent),
            budget_reason: (spent != planned_budget).then(|| "云资源按量计费，用量与预估有差异".to_owned()),
            resources_version: 1,
            strategy_fit: Some(true),
            strategy_fit_reason: Some("发布策略有效控制了新功能风险，未出现大规模问题".into()),
            strategy_suggestions: Some("下次功能迭代可缩短批次间隔时间，提升发布效率".into()),
            compliance: Some(
                self.draw.one(&[ComplianceVerdict::Full, ComplianceVerdict::Full, ComplianceVerdict::Mostly], ComplianceVerdict::Full),
            ),
            non_compliances: None,
            rectification: None,
            evaluation_version: 1,
            features_added: Some(self.draw.between(0, 9)),
            bugs_fixed: Some(self.draw.between(3, 40)),
            vulnerabilities_fixed: Some(self.draw.between(0, 4)),
            highlights: Some(self.draw.one(&text::HIGHLIGHTS, "系统扫描效率").to_owned()),
            strategy_findings: Some("为后续同类型版本发布提供了实践经验".into()),
            collaboration_findings: Some("各部门协作流程进一步顺畅".into()),
            efficiency_gain_percent: Some(i64::from(self.draw.between(-5, 20)) * 100),
            summary_version: 1,
            round: 0,
            first_submitted_at: None,
            filed_at: None,
            supersedes_id: None,
            superseded_at: None,
            last_problem: 0,
            last_case: 0,
            created_by: person_id("u-1002"),
            created_at: made_at,
            updated_at: made_at,
        };
        let mut making = Making { row, release, product_key, application_number: application, age };
        if making.row.compliance == Some(ComplianceVerdict::Mostly) {
            making.row.non_compliances = Some("未提前 24 小时提交最终版本程序包".into());
            making.row.rectification = Some("下次发布需严格按照规范提前提交程序包，由运维部确认接收".into());
        }
        making
    }

    fn participants(&mut self, rows: &mut Rows, row: &report::Model) {
        for (position, department) in (1..).zip(crate::report::participants::OF_THE_FORM) {
            let id = self.draw.id();
            rows.participants.push(participant::Model { id, report_id: row.id, department: department.into(), position });
            if let Some((subject, ..)) = text::PEOPLE.iter().find(|(.., d)| *d == department) {
                let person = participant_person::Model {
                    id: self.draw.id(),
                    participant_id: id,
                    report_id: row.id,
                    person_id: person_id(subject),
                    position: 1,
                };
                rows.participant_people.push(person);
            }
        }
        for (position, department) in (1..).zip(["RND", "TEST", "OPS", "PRODUCT"]) {
            let people = Some(self.draw.between(1, 9));
            rows.staffing.push(staffing::Model { id: self.draw.id(), report_id: row.id, department: department.into(), people, position });
        }
    }

    pub(super) fn owners(
        &mut self,
        rows: &mut Rows,
        report_id: Uuid,
        of: (Option<Uuid>, Option<Uuid>, Option<Uuid>),
        codes: &[&str],
        lead: bool,
    ) {
        for (position, code) in (1..).zip(codes) {
            rows.owners.push(owner::Model {
                id: self.draw.id(),
                report_id,
                milestone_id: of.0,
                problem_id: of.1,
                action_id: of.2,
                department: (*code).to_owned(),
                position,
                lead: lead && position == 1,
                current: true,
                submitted: of.2.is_some(),
            });
        }
    }

    fn milestones(&mut self, rows: &mut Rows, making: &mut Making) {
        let report_id = making.row.id;
        let release_day = self.calendar.day_of(making.release);
        let day = |offset: i64| release_day + TimeDelta::days(offset);
        let start = |calendar: Calendar, day: NaiveDate| calendar.start_of(day);
        let done = making.row.actual_release_at.unwrap_or(making.release)
            + TimeDelta::minutes(i64::from(making.row.actual_duration_minutes.unwrap_or(60)));
        let rolled_back = making.row.outcome == ReleaseOutcome::RolledBack;
        for (position, (kind, precision, owners)) in (1..).zip(crate::report::create::MILESTONES) {
            let by_day = |offset: i64, late: i64| (start(self.calendar, day(offset)), Some(start(self.calendar, day(offset + late))));
            let late = i64::from(self.draw.percent(20));
            let (planned, actual) = match kind {
                MilestoneKind::PlanApproval => by_day(-10, 0),
                MilestoneKind::TestingCompleted => by_day(-5, late),
                MilestoneKind::StagingVerification => by_day(-2, late),
                MilestoneKind::ReviewMeeting => by_day(3, 0),
                MilestoneKind::ProductionDeployment => {
                    (making.release + TimeDelta::minutes(i64::from(making.row.planned_duration_minutes.unwrap_or(60))), Some(done))
                }
                MilestoneKind::ReleaseVerification | MilestoneKind::Custom => {
                    (making.release + TimeDelta::hours(5), Some(done + TimeDelta::minutes(40)))
                }
            };
            let actual = actual.filter(|at| *at <= self.now && !(rolled_back && precision == MilestonePrecision::Minute));
            let id = self.draw.id();
            let mut row = milestone::Model {
                id,
                report_id,
                kind,
                name: None,
                precision,
                position,
                planned_at: Some(planned),
                actual_at: actual,
                delay_reason: None,
                not_applicable: false,
                not_applicable_reason: None,
                version: 1,
            };
            if crate::report::rules::milestone_status(&row, self.calendar, self.now) == entity::enums::MilestoneStatus::Delayed {
                row.delay_reason = Some(self.draw.one(&text::DELAYS, "网络短暂波动").to_owned());
            }
            rows.milestones.push(row);
            self.owners(rows, report_id, (Some(id), None, None), owners, false);
        }
    }

    fn problems(&mut self, rows: &mut Rows, making: &mut Making) {
        let report_id = making.row.id;
        let rolled_back = making.row.outcome == ReleaseOutcome::RolledBack;
        let example = making.age == 6;
        let count = if example {
            3
        } else if rolled_back {
            2
        } else {
            self.draw.between(0, 3)
        };
        for number in 1..=count {
            let first = usize::try_from(number - 1).unwrap_or(0);
            let fallback = text::PROBLEMS.get(first).copied().unwrap_or(("", "", &["OPS"]));
            let (description, resolution, owners) = if example { fallback } else { self.draw.one(&text::PROBLEMS, fallback) };
            let rollback = rolled_back && number == 1;
            let impact =
                if rollback { Impact::High } else { self.draw.one(&[Impact::Medium, Impact::Low, Impact::Low, Impact::High], Impact::Low) };
            let impact = if example { Impact::Medium } else { impact };
            let phase = self.draw.one(
                &[ProblemPhase::ProductionDeployment, ProblemPhase::ReleaseVerification, ProblemPhase::First24Hours, ProblemPhase::Staging],
                ProblemPhase::ProductionDeployment,
            );
            let minutes = self.draw.between(1, 24) * 10;
            let detected = making.release + TimeDelta::minutes(i64::from(self.draw.between(10, 600)));
            let id = self.draw.id();
            rows.problems.push(problem::Model {
                id,
                report_id,
                number,
                description: description.into(),
                phase: Some(phase),
                impact: Some(impact),
                resolution: Some(resolution.into()),
                handling_minutes: Some(minutes),
                detected_at: Some(detected),
                resolved_at: Some(detected + TimeDelta::minutes(i64::from(minutes))),
                triggered_rollback: rollback,
                deployment_id: None,
                recorded_by: person_id("u-1041"),
                recorded_at: making.row.created_at,
                version: 1,
            });
            self.owners(rows, report_id, (None, Some(id), None), owners, false);
            if rollback || impact == Impact::High {
                rows.reviews.push(incident_review::Model {
                    problem_id: id,
                    report_id,
                    details: Some(format!("{description}，影响部分用户使用")),
                    root_cause: Some("变更在预发布环境未按生产数据量验证".into()),
                    accountability: Some("研发部脚本测试不充分，运维部未在预发布环境完全模拟生产场景".into()),
                    corrective_measures: Some("完善脚本评审机制，预发布环境按 1:1 模拟生产数据量".into()),
                    version: 1,
                });
                for (position, event) in (1..).zip(["发现问题", "启动处理流程", "处理完成，系统恢复正常"]) {
                    let at = detected + TimeDelta::minutes(i64::from(minutes) * i64::from(position - 1) / 2);
                    rows.timeline.push(timeline_entry::Model {
                        id: self.draw.id(),
                        problem_id: id,
                        report_id,
                        at,
                        event: event.into(),
                        position,
                    });
                }
            }
        }
        making.row.last_problem = count;
    }

    fn aftermath(&mut self, rows: &mut Rows, making: &mut Making) {
        let report_id = making.row.id;
        for (category, sources) in crate::report::create::STATISTICS {
            let id = self.draw.id();
            let security = category == IssueCategory::Security;
            let mut few = |most: i32, of: bool| of.then(|| self.draw.between(0, most));
            let (p1, p2, p3) = (few(1, !security), few(3, !security), few(6, !security));
            let (high, medium, low) = (few(0, security), few(1, security), few(2, security));
            let found: i32 = [p1, p2, p3, high, medium, low].iter().flatten().sum();
            let open = if found > 0 && self.draw.percent(40) { 1 } else { 0 };
            rows.statistics.push(post_release_stat::Model {
                id,
                report_id,
                category,
                found_p0: (!security).then_some(0),
                found_p1: p1,
                found_p2: p2,
                found_p3: p3,
                found_high: high,
                found_medium: medium,
                found_low: low,
                fixed: Some(found - open),
                version: 1,
            });
            if open > 0 {
                rows.fixes.push(planned_fix::Model {
                    id: self.draw.id(),
                    stat_id: id,
                    report_id,
                    release_version: "下一补丁版本".into(),
                    count: open,
                    position: 1,
                });
            }
            for (position, source) in (1..).zip(sources) {
                rows.sources.push(feedback_source::Model {
                    id: self.draw.id(),
                    stat_id: id,
                    report_id,
                    text: (*source).to_owned(),
                    position,
                });
            }
        }
        let cases = self.draw.between(0, 2);
        for number in 1..=cases {
            let (description, solution, lesson) = self.draw.one(&text::CASES, ("", "", ""));
            rows.cases.push(typical_case::Model {
                id: self.draw.id(),
                report_id,
                number,
                description: description.into(),
                solution: Some(solution.into()),
                satisfaction: Some(self.draw.between(3, 5)),
                lesson: Some(lesson.into()),
                created_at: making.row.created_at,
                version: 1,
            });
        }
        making.row.last_case = cases;
    }

    fn evaluations(&mut self, rows: &mut Rows, row: &report::Model) {
        for (position, (department, performance, shortcomings, suggestions)) in (1..).zip(text::EVALUATIONS) {
            rows.evaluations.push(department_evaluation::Model {
                id: self.draw.id(),
                report_id: row.id,
                department: department.into(),
                position,
                performance: Some(performance.into()),
                shortcomings: Some(shortcomings.into()),
                suggestions: Some(suggestions.into()),
                version: 1,
            });
        }
        for position in 1..=self.draw.between(1, 3) {
            let statement = self.draw.one(&text::SHORTCOMINGS, "").to_owned();
            rows.shortcomings.push(shortcoming::Model { id: self.draw.id(), report_id: row.id, statement, position });
        }
    }
}
