//! Rules of the root selection that the library does not keep: a mutation runs each field once, a subscription has one field.

use std::collections::HashSet;

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

use super::Refused;
use crate::error::say;

/// A mutation's root fields have each a name of their own: the library would run one that is selected twice twice.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`.
pub fn once(document: &ExecutableDocument, operation: &OperationDefinition) -> Result<(), Refused> {
    let mut seen = HashSet::new();
    names(document, &operation.selection_set, &mut seen)
}

/// Bounded: the gate has refused cycles and too many root fields before.
fn names<'a>(document: &'a ExecutableDocument, set: &'a Positioned<SelectionSet>, seen: &mut HashSet<&'a str>) -> Result<(), Refused> {
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => {
                let name = field.node.response_key().node.as_str();
                if !seen.insert(name) {
                    return Err(Refused::Invalid(say(
                        format!("The mutation selects \"{name}\" twice; give one of them an alias"),
                        format!("变更中重复选择了“{name}”，请使用别名"),
                    )));
                }
            }
            Selection::InlineFragment(inline) => names(document, &inline.node.selection_set, seen)?,
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    names(document, &fragment.node.selection_set, seen)?;
                }
            }
        }
    }
    Ok(())
}

/// A subscription has exactly one root field, which stands there itself, without `@skip` or `@include`.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`.
pub fn single(operation: &OperationDefinition) -> Result<(), Refused> {
    let wrong = |en: &str, zh: &str| Err(Refused::Invalid(say(en, zh)));
    match operation.selection_set.node.items.as_slice() {
        [only] => match &only.node {
            Selection::Field(field) if field.node.name.node.starts_with("__") => {
                wrong("A subscription cannot select introspection fields at its root", "订阅的根字段不能是内省字段")
            }
            Selection::Field(field) if !field.node.directives.is_empty() => {
                wrong("The root field of a subscription takes no directives", "订阅的根字段不能使用指令")
            }
            Selection::Field(_) => Ok(()),
            _ => wrong("Select the field of a subscription itself, not in a fragment", "订阅的根字段必须直接选择，不能放在片段中"),
        },
        _ => wrong("A subscription has exactly one root field", "一个订阅只能有一个根字段"),
    }
}
