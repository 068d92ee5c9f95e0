//! A variable of type `[T!]!` may stand where `[T!]` is expected; the library's validation refuses it (its subtyping of lists
//! forgets non-null). Such a variable is declared nullable here, before validation: coercion has refused null already.

use std::collections::HashSet;

use async_graphql::{
    Name, Pos,
    parser::types::{BaseType, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet},
    registry::{MetaType, MetaTypeName},
};
use async_graphql_value::Value;

use super::shapes::Shapes;

/// Where variables stand: names in positions that take a nullable list, and in those that do not.
#[derive(Default)]
struct Positions {
    loose: HashSet<Name>,
    strict: HashSet<Name>,
}

/// Declares nullable what may be, and tells where; a variable that also stands where null is refused stays as it is.
pub fn loosen(shapes: &Shapes, document: &mut ExecutableDocument) -> Vec<Pos> {
    let mut declared = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    if !declared.any(|definition| strict_list(&definition.node.var_type.node)) {
        return Vec::new();
    }
    let mut found = Positions::default();
    for (_, operation) in document.operations.iter() {
        let root = root(shapes, &operation.node);
        selections(shapes, &operation.node.selection_set.node, root, &mut found);
    }
    for fragment in document.fragments.values() {
        selections(shapes, &fragment.node.selection_set.node, &fragment.node.type_condition.node.on.node, &mut found);
    }
    let may = |name: &Name| found.loose.contains(name) && !found.strict.contains(name);
    let operations: Vec<&mut OperationDefinition> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => operations.values_mut().map(|o| &mut o.node).collect(),
    };
    let mut loosened = Vec::new();
    for definition in operations.into_iter().flat_map(|o| &mut o.variable_definitions) {
        if strict_list(&definition.node.var_type.node) && may(&definition.node.name.node) {
            definition.node.var_type.node.nullable = true;
            loosened.push(definition.pos);
        }
    }
    loosened
}

fn strict_list(of: &async_graphql::parser::types::Type) -> bool {
    !of.nullable && matches!(of.base, BaseType::List(_))
}

/// The root type of an operation.
pub fn root<'a>(shapes: &'a Shapes, operation: &OperationDefinition) -> &'a str {
    use async_graphql::parser::types::OperationType;
    match operation.ty {
        OperationType::Query => shapes.query(),
        OperationType::Mutation => shapes.mutation(),
        OperationType::Subscription => shapes.subscription(),
    }
}

fn selections(shapes: &Shapes, set: &SelectionSet, parent: &str, found: &mut Positions) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let name = &field.node.name.node;
                for (argument, value) in &field.node.arguments {
                    if let Some(of) = shapes.argument(parent, name, &argument.node) {
                        values(shapes, &value.node, of, found);
                    }
                }
                if let Some(shape) = shapes.fields(parent).and_then(|fields| fields.get(name.as_str())) {
                    selections(shapes, &field.node.selection_set.node, &shape.of, found);
                }
            }
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref().map_or(parent, |c| c.node.on.node.as_str());
                selections(shapes, &inline.node.selection_set.node, on, found);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn values(shapes: &Shapes, value: &Value, of: &str, found: &mut Positions) {
    match (value, MetaTypeName::create(of)) {
        (Value::Variable(name), MetaTypeName::List(_)) => {
            found.loose.insert(name.clone());
        }
        (Value::Variable(name), MetaTypeName::NonNull(_)) => {
            found.strict.insert(name.clone());
        }
        (value, MetaTypeName::NonNull(of)) => values(shapes, value, of, found),
        (Value::List(list), MetaTypeName::List(of)) => list.iter().for_each(|value| values(shapes, value, of, found)),
        (Value::Object(object), MetaTypeName::Named(of)) => {
            let Some(MetaType::InputObject { input_fields, .. }) = shapes.named(of) else { return };
            for (field, value) in object {
                if let Some(known) = input_fields.get(field.as_str()) {
                    values(shapes, value, &known.ty, found);
                }
            }
        }
        _ => {}
    }
}
