//! 参与部门: the rows of departments and people, written as one list; each participating department has its evaluation.

use async_graphql::InputObject;
use entity::{department_evaluation, participant, participant_person};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use crate::{
    catalog::{PersonInput, department::check_codes},
    error::Result,
    graphql::input::Checks,
    store::{Change, Permitted, insert_later, update},
};

/// The form's six departments, with which a new report starts.
pub const OF_THE_FORM: [&str; 6] = ["PRODUCT", "RND", "TEST", "OPS", "INFOSEC", "CUSTOMER_SUCCESS"];

/// A participating department and its people.
#[derive(Debug, Clone, InputObject)]
pub struct ParticipantInput {
    /// Code of the department.
    pub department: String,
    /// 核心参与人员, in order.
    pub people: Vec<PersonInput>,
}

/// Checks a list of participants.
///
/// # Errors
/// A fault of the database.
pub async fn check(permitted: &Permitted, checks: &mut Checks, list: &[ParticipantInput], before: &[String]) -> Result<()> {
    checks.list("participants", list, 40);
    let codes: Vec<String> = list.iter().map(|p| p.department.clone()).collect();
    check_codes(permitted, checks, "participants", &codes, before).await?;
    for (index, row) in list.iter().enumerate() {
        let path = format!("participants.{index}.people");
        checks.list(&path, &row.people, 40);
        for (place, person) in row.people.iter().enumerate() {
            person.check(checks, &format!("{path}.{place}"));
        }
    }
    Ok(())
}

/// The participants of a report, in order.
///
/// # Errors
/// A fault of the database.
pub async fn of(permitted: &Permitted, report_id: Uuid) -> Result<Vec<participant::Model>> {
    let query = participant::Entity::find().filter(participant::Column::ReportId.eq(report_id)).order_by_asc(participant::Column::Position);
    Ok(query.all(permitted.conn()).await?)
}

/// Writes the list in place of the one before: rows of departments that stay keep their evaluation. New rows come with what is noted.
///
/// # Errors
/// A fault of the database.
pub async fn write(
    permitted: &mut Permitted,
    report_id: Uuid,
    before: &[participant::Model],
    list: &[ParticipantInput],
    mut change: Change,
) -> Result<Change> {
    let conn = permitted.conn();
    let people_before = if before.is_empty() {
        Vec::new()
    } else {
        participant_person::Entity::find()
            .filter(participant_person::Column::ReportId.eq(report_id))
            .order_by_asc(participant_person::Column::Position)
            .all(conn)
            .await?
    };
    for row in before {
        let names: Vec<Uuid> = people_before.iter().filter(|p| p.participant_id == row.id).map(|p| p.person_id).collect();
        if !list.iter().any(|p| p.department == row.department) {
            change = change.field("Report", report_id, &format!("participants.{}", row.department), names, None::<()>);
            participant::Entity::delete_by_id(row.id).exec(conn).await?;
            let evaluations = department_evaluation::Entity::find()
                .filter(department_evaluation::Column::ReportId.eq(report_id))
                .filter(department_evaluation::Column::Department.eq(&row.department))
                .all(conn)
                .await?;
            for evaluation in evaluations {
                change = change.removed("DepartmentEvaluation", evaluation.id, &evaluation);
                department_evaluation::Entity::delete_by_id(evaluation.id).exec(conn).await?;
            }
        }
    }
    let order = |rows: Vec<&str>| rows.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (was, is) =
        (order(before.iter().map(|p| p.department.as_str()).collect()), order(list.iter().map(|p| p.department.as_str()).collect()));
    change = change.field("Report", report_id, "participants", was, is);
    let (mut joined, mut evaluations, mut named) = (Vec::new(), Vec::new(), Vec::new());
    for (position, wanted) in (1..).zip(list) {
        let mut people = Vec::with_capacity(wanted.people.len());
        for person in &wanted.people {
            let id = person.mention(permitted).await?;
            if !people.contains(&id) {
                people.push(id);
            }
        }
        let known = before.iter().find(|row| row.department == wanted.department);
        let id = match known {
            Some(row) => {
                if row.position != position {
                    update(permitted, participant::Model { position, ..row.clone() }).await?;
                    department_evaluation::Entity::update_many()
                        .col_expr(department_evaluation::Column::Position, sea_orm::sea_query::Expr::value(position))
                        .filter(department_evaluation::Column::ReportId.eq(report_id))
                        .filter(department_evaluation::Column::Department.eq(&row.department))
                        .exec(conn)
                        .await?;
                }
                row.id
            }
            None => {
                let id = Uuid::now_v7();
                joined.push(participant::Model { id, report_id, department: wanted.department.clone(), position });
                evaluations.push(blank_evaluation(report_id, &wanted.department, position));
                id
            }
        };
        let names: Vec<Uuid> = people_before.iter().filter(|p| p.participant_id == id).map(|p| p.person_id).collect();
        if names != people {
            if !names.is_empty() {
                participant_person::Entity::delete_many().filter(participant_person::Column::ParticipantId.eq(id)).exec(conn).await?;
            }
            let rows = (1..).zip(&people).map(|(position, person)| participant_person::Model {
                id: Uuid::now_v7(),
                participant_id: id,
                report_id,
                person_id: *person,
                position,
            });
            named.extend(rows);
        }
        let names = known.map(|_| names);
        change = change.field("Report", report_id, &format!("participants.{}", wanted.department), names, Some(people));
    }
    // All at once: a new report has six.
    joined.into_iter().for_each(|row| insert_later(permitted, row));
    evaluations.into_iter().for_each(|row| insert_later(permitted, row));
    named.into_iter().for_each(|row| insert_later(permitted, row));
    Ok(change)
}

/// A department's evaluation, to be written.
pub fn blank_evaluation(report_id: Uuid, department: &str, position: i32) -> department_evaluation::Model {
    department_evaluation::Model {
        id: Uuid::now_v7(),
        report_id,
        department: department.to_owned(),
        position,
        performance: None,
        shortcomings: None,
        suggestions: None,
        version: 1,
    }
}
