//! Figures the plain, slow way, from rows in memory: what `metrics.md` says, read sentence by sentence, without SQL and without anything of
//! `relsum::metrics`. What the service answers is compared with it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use entity::{enums::*, pipeline::*, report};
use relsum::{clock::Calendar, report::rules::milestone_status, store::Rows};
use sea_orm::{ActiveEnum, prelude::Uuid};

/// What one record does to a figure.
#[derive(Clone)]
pub enum Did {
    /// Left out.
    Out(&'static str),
    /// Counted: whether in the numerator, with sums and values.
    In { numerator: bool, sums: Vec<i64>, values: Vec<Option<i64>> },
}

/// A record: when, and what it can be grouped and filtered by.
pub struct Record {
    pub id: Uuid,
    pub day: NaiveDate,
    pub product: Option<String>,
    pub release_type: Option<String>,
    pub strategy: Option<String>,
    /// By which it is grouped.
    pub departments: Vec<String>,
    /// By which it is filtered.
    pub belongs: Vec<String>,
    pub enums: BTreeMap<&'static str, Option<String>>,
    pub currency: Option<String>,
    pub did: Did,
}

/// A filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub products: Option<Vec<String>>,
    pub release_types: Option<Vec<String>>,
    pub departments: Option<Vec<String>>,
}

/// What was counted for a group.
#[derive(Default, Clone)]
pub struct Sum {
    pub counted: Vec<Uuid>,
    pub numerator: Vec<Uuid>,
    pub sums: Vec<i64>,
    pub values: Vec<Vec<i64>>,
    pub out: BTreeMap<&'static str, Vec<Uuid>>,
}

fn text<E: ActiveEnum<Value = String>>(value: E) -> String {
    value.to_value()
}

pub struct Plain<'a> {
    pub rows: &'a Rows,
    pub calendar: Calendar,
    pub now: DateTime<Utc>,
}

fn counted() -> Did {
    Did::In { numerator: false, sums: vec![], values: vec![] }
}

fn yes(numerator: bool) -> Did {
    Did::In { numerator, sums: vec![], values: vec![] }
}

fn of(number: i64) -> Did {
    Did::In { numerator: false, sums: vec![number], values: vec![Some(number)] }
}

fn minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to.timestamp() - from.timestamp()) / 60
}

impl Plain<'_> {
    fn counts(&self, r: &report::Model) -> bool {
        r.first_submitted_at.is_some() && r.state != ReportState::Discarded && r.superseded_at.is_none()
    }

    fn product_key(&self, id: Option<Uuid>) -> Option<String> {
        self.rows.products.iter().find(|p| Some(p.id) == id).map(|p| p.key.clone())
    }

    fn participants(&self, id: Uuid) -> Vec<String> {
        self.rows.participants.iter().filter(|p| p.report_id == id).map(|p| p.department.clone()).collect()
    }

    fn owners(&self, is: impl Fn(&entity::owner::Model) -> bool) -> Vec<entity::owner::Model> {
        self.rows.owners.iter().filter(|o| o.current && is(o)).cloned().collect()
    }

    fn report(&self, id: Uuid) -> &report::Model {
        self.rows.reports.iter().find(|r| r.id == id).unwrap()
    }

    /// A record of a report.
    fn record(&self, id: Uuid, r: &report::Model, day: NaiveDate, departments: Option<Vec<String>>, did: Did) -> Record {
        let participants = self.participants(r.id);
        let enums = [("OUTCOME", Some(text(r.outcome))), ("COMPLIANCE", r.compliance.map(text))].into();
        Record {
            id,
            day,
            product: self.product_key(r.product_id),
            release_type: r.release_type.map(text),
            strategy: r.strategy.map(text),
            belongs: departments.clone().unwrap_or_else(|| participants.clone()),
            departments: departments.unwrap_or(participants),
            enums,
            currency: None,
            did,
        }
    }

    /// The release day of a report that counts, if it has any.
    fn release_day(&self, r: &report::Model) -> Option<NaiveDate> {
        r.actual_release_at.or(r.planned_release_at).filter(|_| self.counts(r)).map(|at| self.calendar.day_of(at))
    }

    fn releases(&self, did: impl Fn(&report::Model) -> Option<Did>) -> Vec<Record> {
        let one = |r: &report::Model| {
            let day = self.release_day(r)?;
            let did = if r.actual_release_at.is_none() { Some(Did::Out("NO_ACTUAL_TIME")) } else { did(r) };
            Some(self.record(r.id, r, day, None, did?))
        };
        self.rows.reports.iter().filter_map(one).collect()
    }

    /// Records of releases below the report.
    fn below<'b, T: 'b>(
        &self,
        all: &'b [T],
        ids: impl Fn(&T) -> (Uuid, Uuid),
        departments: impl Fn(&T) -> Option<Vec<String>>,
        enums: impl Fn(&T) -> Vec<(&'static str, Option<String>)>,
        did: impl Fn(&T) -> Option<Did>,
    ) -> Vec<Record> {
        let one = |row: &'b T| {
            let (id, report_id) = ids(row);
            let r = self.report(report_id);
            let day = self.release_day(r)?;
            let did = if r.actual_release_at.is_none() { Some(Did::Out("NO_ACTUAL_TIME")) } else { did(row) };
            let mut record = self.record(id, r, day, departments(row), did?);
            record.enums = enums(row).into_iter().collect();
            Some(record)
        };
        all.iter().filter_map(one).collect()
    }

    /// The records of a figure.
    pub fn records(&self, metric: &str) -> Vec<Record> {
        let rows = self.rows;
        let problems_of = |id: Uuid| rows.problems.iter().filter(move |p| p.report_id == id);
        let problems = |did: &dyn Fn(&entity::problem::Model) -> Option<Did>| {
            self.below(
                &rows.problems,
                |p| (p.id, p.report_id),
                |p| Some(self.owners(|o| o.problem_id == Some(p.id)).into_iter().map(|o| o.department).collect()),
                |p| vec![("PROBLEM_PHASE", p.phase.map(text)), ("IMPACT", p.impact.map(text))],
                did,
            )
        };
        let severe = |p: &entity::problem::Model| p.impact == Some(Impact::High) || p.triggered_rollback;
        match metric {
            "releases" => self.releases(|_| Some(counted())),
            "onTimeReleaseRate" => self.releases(|r| {
                let Some(planned) = r.planned_release_at else { return Some(Did::Out("NO_PLAN")) };
                Some(yes(r.actual_release_at? <= planned))
            }),
            "releaseDelayMinutes" => self.releases(|r| {
                let Some(planned) = r.planned_release_at else { return Some(Did::Out("NO_PLAN")) };
                let late = minutes(planned, r.actual_release_at?);
                (late > 0).then(|| of(late))
            }),
            "durationDeviationRate" => self.releases(|r| {
                let Some(planned) = r.planned_duration_minutes else { return Some(Did::Out("NO_PLAN")) };
                let Some(actual) = r.actual_duration_minutes else { return Some(Did::Out("NO_ACTUAL_DURATION")) };
                Some(Did::In { numerator: false, sums: vec![i64::from(actual - planned), planned.into()], values: vec![] })
            }),
            "problemsPerRelease" => self.releases(|r| {
                let n = i64::try_from(problems_of(r.id).count()).unwrap();
                Some(Did::In { numerator: false, sums: vec![n], values: vec![] })
            }),
            "rollbackRate" => self.releases(|r| {
                let rolled = rows.deployments.iter().any(|d| {
                    d.report_id == Some(r.id)
                        && d.environment_class == EnvironmentClass::Production
                        && d.status == DeploymentStatus::RolledBack
                        && d.standing != DeploymentStanding::Dismissed
                });
                Some(yes(r.outcome == ReleaseOutcome::RolledBack || problems_of(r.id).any(|p| p.triggered_rollback) || rolled))
            }),
            "compliance" => self.releases(|r| Some(r.compliance.map_or(Did::Out("NO_VERDICT"), |_| counted()))),
            "effortHours" => self.releases(|r| Some(r.effort_hours.map_or(Did::Out("BLANK"), of))),
            "budget" => {
                let mut all = self.releases(|r| {
                    let (Some(planned), Some(actual)) = (r.budget_planned, r.budget_actual) else { return Some(Did::Out("NO_BUDGET")) };
                    Some(Did::In { numerator: actual > planned, sums: vec![planned, actual], values: vec![] })
                });
                for record in &mut all {
                    record.currency = Some(self.report(record.id).currency.clone());
                }
                all
            }
            "milestoneOnTimeRate" => self.below(
                &rows.milestones,
                |m| (m.id, m.report_id),
                |m| Some(self.owners(|o| o.milestone_id == Some(m.id)).into_iter().map(|o| o.department).collect()),
                |m| vec![("MILESTONE_KIND", Some(text(m.kind)))],
                |m| {
                    Some(match milestone_status(m, self.calendar, self.now) {
                        MilestoneStatus::OnTime => yes(true),
                        MilestoneStatus::Delayed | MilestoneStatus::Overdue => yes(false),
                        MilestoneStatus::NotApplicable => Did::Out("NOT_APPLICABLE"),
                        MilestoneStatus::Unplanned => Did::Out("NO_PLAN"),
                        MilestoneStatus::Pending => Did::Out("PENDING"),
                    })
                },
            ),
            "problems" => problems(&|_| Some(counted())),
            "problemHandlingMinutes" => problems(&|p| Some(p.handling_minutes.map_or(Did::Out("NO_HANDLING_TIME"), |m| of(m.into())))),
            "recoveryMinutes" => {
                let mut all = problems(&|p| {
                    let tied = rows.deployments.iter().find(|d| Some(d.id) == p.deployment_id).and_then(|d| d.finished_at);
                    let Some(resolved) = p.resolved_at else { return Some(Did::Out("NOT_RESOLVED")) };
                    Some(p.detected_at.or(tied).map_or(Did::Out("NO_START"), |since| of(minutes(since, resolved))))
                });
                all.retain(|record| rows.problems.iter().any(|p| p.id == record.id && severe(p)));
                all
            }
            "postReleaseIssues" | "fixRate" => self.below(
                &rows.statistics,
                |s| (s.id, s.report_id),
                |_| None,
                |s| vec![("ISSUE_CATEGORY", Some(text(s.category)))],
                |s| {
                    let found = [s.found_p0, s.found_p1, s.found_p2, s.found_p3, s.found_high, s.found_medium, s.found_low];
                    let Some(fixed) = s.fixed.filter(|_| found.iter().any(Option::is_some)) else { return Some(Did::Out("BLANK")) };
                    let found: Vec<i64> = found.iter().map(|f| f.unwrap_or(0).into()).collect();
                    let sums = if metric == "fixRate" {
                        vec![fixed.into(), found.iter().sum()]
                    } else {
                        std::iter::once(fixed.into()).chain(found).collect()
                    };
                    Some(Did::In { numerator: false, sums, values: vec![] })
                },
            ),
            "satisfaction" => self.below(
                &rows.cases,
                |c| (c.id, c.report_id),
                |_| None,
                |_| vec![],
                |c| Some(c.satisfaction.map_or(Did::Out("NO_STARS"), |stars| of(stars.into()))),
            ),
            "staffing" => self.below(
                &rows.staffing,
                |s| (s.id, s.report_id),
                |s| Some(vec![s.department.clone()]),
                |_| vec![],
                |s| Some(s.people.map_or(Did::Out("BLANK"), |n| of(n.into()))),
            ),
            "deploymentFrequency" | "changeFailureRate" | "leadTimeMinutes" => self.deployments(metric, &severe),
            "actions" | "overdueActions" | "actionOnTimeRate" | "actionVerificationRate" => self.occurrences(metric),
            "reportCycleMinutes" => self.cycles(),
            other => panic!("{other}"),
        }
    }

    fn deployments(&self, metric: &str, severe: &dyn Fn(&entity::problem::Model) -> bool) -> Vec<Record> {
        let rows = self.rows;
        let succeeded = |d: &entity::deployment::Model| {
            d.status == DeploymentStatus::Succeeded || d.status == DeploymentStatus::RolledBack && d.succeeded_at.is_some()
        };
        let application = |d: &entity::deployment::Model| d.application_id.or(d.report_id.map(|id| self.report(id).application_id));
        let production = || rows.deployments.iter().filter(|d| d.environment_class == EnvironmentClass::Production);
        let dismissed = |d: &entity::deployment::Model| d.standing == DeploymentStanding::Dismissed;
        let mut all = Vec::new();
        for d in production() {
            let Some(finished) = d.finished_at else { continue };
            let did = match metric {
                "deploymentFrequency" if succeeded(d) => counted(),
                "changeFailureRate"
                    if [DeploymentStatus::Succeeded, DeploymentStatus::Failed, DeploymentStatus::RolledBack].contains(&d.status) =>
                {
                    let hurt =
                        rows.problems.iter().any(|p| p.deployment_id == Some(d.id) && severe(p) && self.counts(self.report(p.report_id)));
                    yes(d.status != DeploymentStatus::Succeeded || hurt)
                }
                "leadTimeMinutes" if succeeded(d) => {
                    let app = application(d);
                    let first = production()
                        .filter(|o| succeeded(o) && !dismissed(o) && o.finished_at.is_some() && application(o) == app)
                        .min_by_key(|o| (o.finished_at, o.id));
                    if dismissed(d) || app.is_none() {
                        counted()
                    } else if first.map(|f| f.id) != Some(d.id) {
                        continue;
                    } else {
                        d.oldest_commit_at.map_or(Did::Out("NO_COMMIT_TIME"), |commit| of(minutes(commit, finished)))
                    }
                }
                _ => continue,
            };
            let did = if dismissed(d) {
                Did::Out("DISMISSED")
            } else if metric == "leadTimeMinutes" && application(d).is_none() {
                Did::Out("NO_APPLICATION")
            } else {
                did
            };
            let r = d.report_id.map(|id| self.report(id));
            let belongs = r.map(|r| self.participants(r.id)).unwrap_or_default();
            all.push(Record {
                id: d.id,
                day: self.calendar.day_of(finished),
                product: self.product_key(d.product_id.or(r.and_then(|r| r.product_id))),
                release_type: r.and_then(|r| r.release_type).map(text),
                strategy: r.and_then(|r| r.strategy).map(text),
                departments: vec![],
                belongs,
                enums: [("DEPLOYMENT_STATUS", Some(text(d.status)))].into(),
                currency: None,
                did,
            });
        }
        all
    }

    fn occurrences(&self, metric: &str) -> Vec<Record> {
        let today = self.calendar.day_of(self.now);
        let mut all = Vec::new();
        for o in &self.rows.occurrences {
            let r = self.report(o.report_id);
            if !self.counts(r) {
                continue;
            }
            let action = self.rows.actions.iter().find(|a| a.id == o.action_id).unwrap();
            let owners = self.owners(|w| w.action_id == Some(action.id));
            let leads: Vec<_> = owners.iter().filter(|o| o.lead).cloned().collect();
            let departments = if leads.is_empty() { owners } else { leads }.into_iter().map(|o| o.department).collect();
            let (open, past) = (o.status == OccurrenceStatus::Open, o.due_on < today);
            let attempts: Vec<_> = self.rows.verifications.iter().filter(|v| v.occurrence_id == o.id).collect();
            let did = match metric {
                "actions" => counted(),
                "overdueActions" if open && past => {
                    let days = (today - o.due_on).num_days();
                    Did::In { numerator: false, sums: vec![days], values: vec![Some(days)] }
                }
                "overdueActions" => continue,
                "actionOnTimeRate" if o.status == OccurrenceStatus::Cancelled => Did::Out("CANCELLED"),
                "actionOnTimeRate" if open && !past => Did::Out("NOT_DUE"),
                "actionOnTimeRate" => yes(!open && o.completed_on.is_some_and(|on| on <= o.due_on)),
                _ if attempts.is_empty() => Did::Out("NOT_VERIFIED"),
                _ => yes(attempts.iter().any(|v| v.number == 1 && v.verdict == VerificationVerdict::Passed)),
            };
            let mut record = self.record(o.id, r, o.due_on, Some(departments), did);
            record.enums = [("ACTION_AREA", Some(text(action.area))), ("OCCURRENCE_STATUS", Some(text(o.status)))].into();
            all.push(record);
        }
        all
    }

    fn cycles(&self) -> Vec<Record> {
        let mut all = Vec::new();
        for r in self.rows.reports.iter().filter(|r| self.counts(r)) {
            let Some(filed) = r.filed_at else { continue };
            let mut steps: Vec<_> = self.rows.steps.iter().filter(|s| s.report_id == r.id).collect();
            steps.sort_by_key(|s| s.number);
            let stage = |states: &[ReportState]| {
                let seconds: i64 = steps
                    .windows(2)
                    .filter(|pair| states.contains(&pair[0].to_state))
                    .map(|pair| pair[1].at.timestamp() - pair[0].at.timestamp())
                    .sum();
                Some(seconds / 60)
            };
            let returns = i64::try_from(steps.iter().filter(|s| s.act == LifeCycleAct::Return).count()).unwrap();
            let values = vec![
                r.actual_release_at.map(|at| minutes(at, filed)),
                stage(&[ReportState::Draft, ReportState::Returned]),
                stage(&[ReportState::Submitted]),
                stage(&[ReportState::Signed]),
                Some(returns),
            ];
            let did = Did::In { numerator: r.actual_release_at.is_some(), sums: vec![], values };
            all.push(self.record(r.id, r, self.calendar.day_of(filed), None, did));
        }
        all
    }
}

/// The name of the bucket that a day is in.
fn bucket(dimension: &str, day: NaiveDate) -> Option<String> {
    Some(match dimension {
        "DAY" => day.to_string(),
        "WEEK" => format!("{}-W{:02}", day.iso_week().year(), day.iso_week().week()),
        "MONTH" => day.format("%Y-%m").to_string(),
        "QUARTER" => format!("{}-Q{}", day.year(), day.month0() / 3 + 1),
        "YEAR" => day.year().to_string(),
        _ => return None,
    })
}

/// Adds records up by group; the group of none is the total. Empty buckets stand beside every other key.
pub fn add_up(records: &[Record], filter: &Filter, by: &[&str]) -> BTreeMap<Vec<Option<String>>, Sum> {
    let mut groups: BTreeMap<Vec<Option<String>>, Sum> = BTreeMap::new();
    for record in records {
        let listed = |list: &Option<Vec<String>>, value: &Option<String>| {
            list.as_ref().is_none_or(|list| value.as_ref().is_some_and(|v| list.contains(v)))
        };
        let belongs = filter.departments.as_ref().is_none_or(|list| record.belongs.iter().any(|d| list.contains(d)));
        let within = filter.from <= record.day && record.day <= filter.to;
        if !within || !belongs || !listed(&filter.products, &record.product) || !listed(&filter.release_types, &record.release_type) {
            continue;
        }
        let departments: Vec<Option<String>> = if !by.contains(&"DEPARTMENT") || record.departments.is_empty() {
            vec![None]
        } else {
            let wanted = |d: &&String| filter.departments.as_ref().is_none_or(|list| list.contains(*d));
            let all: BTreeSet<&String> = record.departments.iter().filter(wanted).collect();
            all.into_iter().cloned().map(Some).collect()
        };
        for department in departments {
            let key = |dimension: &&str| match *dimension {
                "PRODUCT" => record.product.clone(),
                "RELEASE_TYPE" => record.release_type.clone(),
                "STRATEGY" => record.strategy.clone(),
                "DEPARTMENT" => department.clone(),
                other => bucket(other, record.day).or_else(|| record.enums.get(other).cloned().flatten()),
            };
            let mut keys: Vec<Option<String>> = by.iter().map(key).collect();
            keys.extend(record.currency.clone().map(Some));
            let sum = groups.entry(keys).or_default();
            match &record.did {
                Did::Out(reason) => sum.out.entry(reason).or_default().push(record.id),
                Did::In { numerator, sums, values } => {
                    sum.counted.push(record.id);
                    if *numerator {
                        sum.numerator.push(record.id);
                    }
                    sum.sums.resize(sum.sums.len().max(sums.len()), 0);
                    sum.sums.iter_mut().zip(sums).for_each(|(all, one)| *all += one);
                    sum.values.resize(sum.values.len().max(values.len()), vec![]);
                    sum.values.iter_mut().zip(values).for_each(|(all, one)| all.extend(one));
                }
            }
        }
    }
    if let Some(time) = by.iter().position(|d| bucket(d, filter.from).is_some()) {
        let mut others: BTreeSet<Vec<Option<String>>> = groups.keys().cloned().collect();
        if others.is_empty() && by.len() == 1 {
            others.insert(vec![None]);
        }
        let mut day = filter.from;
        while day <= filter.to {
            for other in &others {
                let mut keys = other.clone();
                keys[time] = bucket(by[time], day);
                groups.entry(keys).or_default();
            }
            day += TimeDelta::days(1);
        }
    }
    groups
}
