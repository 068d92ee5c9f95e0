//! Figures of improvement actions: of their occurrences, by due date.

use super::{
    definition::{Definition, Unit},
    dimension::Dimension::{ActionArea, Department, OccurrenceStatus},
    measure::{At, Measure, Reason, Source},
};

/// `actions`.
pub static ACTIONS: Definition = Definition {
    id: "actions",
    version: 1,
    en: "Occurrences of improvement actions that are due in the period",
    zh: "截止日期在统计期内的改进措施事项数",
    unit: Unit::Count,
    source: Source::Occurrences,
    by: &[Department, ActionArea, OccurrenceStatus],
    split: None,
    measure: |_| Measure::default(),
};

/// `overdue_actions`.
pub static OVERDUE_ACTIONS: Definition = Definition {
    id: "overdue_actions",
    version: 1,
    en: "Occurrences due in the period that are open past their due date, with the mean and the largest days overdue",
    zh: "截止日期在统计期内、已超期且未完成的改进措施事项数，及平均与最大超期天数",
    unit: Unit::Count,
    source: Source::Occurrences,
    by: &[Department, ActionArea, OccurrenceStatus],
    split: None,
    measure: overdue,
};

fn overdue(at: &At) -> Measure {
    let days = at.days("occurrence.due_on", &at.today());
    Measure {
        of: Some(format!("occurrence.status = 'OPEN' AND occurrence.due_on < {}", at.today())),
        sums: vec![days.clone()],
        most: Some(days),
        ..Measure::default()
    }
}

/// `action_on_time_rate`.
pub static ACTION_ON_TIME_RATE: Definition = Definition {
    id: "action_on_time_rate",
    version: 1,
    en: "Occurrences completed or verified whose day of completion is not after the due date / occurrences completed, verified or overdue",
    zh: "完成日期不晚于截止日期的已完成或已验证事项数 / 已完成、已验证或已超期的事项数",
    unit: Unit::Ratio,
    source: Source::Occurrences,
    by: &[Department, ActionArea, OccurrenceStatus],
    split: None,
    measure: |at| Measure {
        excluded: vec![
            (Reason::Cancelled, "occurrence.status = 'CANCELLED'".into()),
            (Reason::NotDue, format!("occurrence.status = 'OPEN' AND occurrence.due_on >= {}", at.today())),
        ],
        numerator: Some("occurrence.status <> 'OPEN' AND occurrence.completed_on <= occurrence.due_on".into()),
        ..Measure::default()
    },
};

/// `action_verification_rate`.
pub static ACTION_VERIFICATION_RATE: Definition = Definition {
    id: "action_verification_rate",
    version: 1,
    en: "Occurrences verified at the first attempt / occurrences with at least one attempt at verification",
    zh: "首次验证即通过的事项数 / 至少验证过一次的事项数",
    unit: Unit::Ratio,
    source: Source::Occurrences,
    by: &[Department, ActionArea, OccurrenceStatus],
    split: None,
    measure: |_| Measure {
        excluded: vec![(
            Reason::NotVerified,
            "NOT EXISTS (SELECT 1 FROM verification WHERE verification.occurrence_id = occurrence.id)".into(),
        )],
        numerator: Some(
            "EXISTS (SELECT 1 FROM verification WHERE verification.occurrence_id = occurrence.id \
             AND verification.number = 1 AND verification.verdict = 'PASSED')"
                .into(),
        ),
        ..Measure::default()
    },
};
