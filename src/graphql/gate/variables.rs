//! Coerces the variables of an operation, as the specification says and the library does not: a value that does not fit its
//! declared type, or a required one that is missing, is an error of the request; defaults are filled in, where the library's
//! `@skip` and `@include` would overlook them; what is not declared is dropped.

use async_graphql::{
    Pos, Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
    registry::{MetaType, MetaTypeName},
};

use super::{Refused, shapes::Shapes};
use crate::error::{Said, say};

/// Longest echo of a value in a message.
const ECHO: usize = 60;

/// A place in the variables, written out only when something is wrong there.
#[derive(Clone, Copy)]
enum Place<'a> {
    Variable(&'a str),
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${name}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}.{at}"),
        }
    }
}

/// The variables as the operation takes them.
///
/// # Errors
/// `BAD_USER_INPUT`, with the place in `variables`.
pub fn coerce(shapes: &Shapes, operation: &OperationDefinition, loosened: &[Pos], given: &Variables) -> Result<Variables, Refused> {
    let mut coerced = Variables::default();
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let mut of = definition.node.var_type.node.clone();
        if loosened.contains(&definition.pos) {
            of.nullable = false;
        }
        let place = Place::Variable(name);
        match (given.get(name), &definition.node.default_value) {
            (Some(value), _) => {
                fits(shapes, value, &of.to_string(), place).map_err(Refused::Input)?;
                coerced.insert(name.clone(), value.clone());
            }
            (None, Some(default)) => {
                coerced.insert(name.clone(), default.node.clone());
            }
            (None, None) if !of.nullable => return Err(Refused::Input(missing(place, &of.to_string()))),
            (None, None) => {}
        }
    }
    Ok(coerced)
}

/// Refuses a variable of a type that is unknown, or cannot be an input: validation would stumble over its default.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`.
pub fn known(shapes: &Shapes, operation: &OperationDefinition) -> Result<(), Refused> {
    for definition in &operation.variable_definitions {
        let of = innermost(&definition.node.var_type.node);
        match shapes.named(of) {
            Some(found) if found.is_input() => {}
            Some(_) => {
                let name = &definition.node.name.node;
                let en = format!("Variable \"${name}\" cannot be of non-input type \"{of}\"");
                return Err(Refused::Invalid(say(en, format!("变量“${name}”不能使用非输入类型“{of}”"))));
            }
            None => return Err(Refused::Invalid(say(format!("Unknown type \"{of}\""), format!("未知类型“{of}”")))),
        }
    }
    Ok(())
}

fn innermost(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => innermost(of),
    }
}

/// How many values a value is made of: what each use of it copies.
pub fn size(value: &Value) -> u64 {
    let inner = match value {
        Value::List(list) => list.iter().map(size).fold(0, u64::saturating_add),
        Value::Object(object) => object.values().map(size).fold(0, u64::saturating_add),
        _ => 0,
    };
    inner.saturating_add(1)
}

fn missing(place: Place<'_>, of: &str) -> Said {
    say(format!("Variable \"{place}\" of required type \"{of}\" was not provided"), format!("缺少必填变量“{place}”（类型 {of}）"))
}

fn fits(shapes: &Shapes, value: &Value, of: &str, place: Place<'_>) -> Result<(), Said> {
    match (value, MetaTypeName::create(of)) {
        (Value::Null, MetaTypeName::NonNull(_)) => Err(say(
            format!("Variable \"{place}\" must not be null: its type is \"{of}\""),
            format!("变量“{place}”不能为 null：其类型为“{of}”"),
        )),
        (Value::Null, _) => Ok(()),
        (value, MetaTypeName::NonNull(of)) => fits(shapes, value, of, place),
        (Value::List(list), MetaTypeName::List(of)) => {
            list.iter().enumerate().try_for_each(|(at, value)| fits(shapes, value, of, Place::Item(&place, at)))
        }
        // A single value stands for a list of one.
        (value, MetaTypeName::List(of)) => fits(shapes, value, of, place),
        (value, MetaTypeName::Named(name)) => fits_named(shapes, value, name, place),
    }
}

fn fits_named(shapes: &Shapes, value: &Value, name: &str, place: Place<'_>) -> Result<(), Said> {
    let good = match shapes.named(name) {
        Some(MetaType::Scalar { is_valid, .. }) => {
            let small = name != "Int" || matches!(value, Value::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()));
            small && is_valid.as_ref().is_none_or(|valid| valid(value))
        }
        Some(MetaType::Enum { enum_values, .. }) => {
            matches!(value, Value::String(text) if enum_values.contains_key(text))
                || matches!(value, Value::Enum(text) if enum_values.contains_key(text.as_str()))
        }
        Some(MetaType::InputObject { input_fields, oneof, .. }) => match value {
            Value::Object(object) if *oneof && (object.len() != 1 || object.values().any(|value| *value == Value::Null)) => {
                return Err(say(
                    format!("Variable \"{place}\": exactly one field of {name} must be given, and not null"),
                    format!("变量“{place}”：{name} 必须且只能给出一个非空字段"),
                ));
            }
            Value::Object(object) => {
                for (field, value) in object {
                    let Some(known) = input_fields.get(field.as_str()) else {
                        let shown: String = field.chars().take(ECHO).collect();
                        return Err(say(
                            format!("Variable \"{place}\": {name} has no field \"{shown}\""),
                            format!("变量“{place}”：{name} 没有字段“{shown}”"),
                        ));
                    };
                    fits(shapes, value, &known.ty, Place::Field(&place, field))?;
                }
                let absent = input_fields.iter().find(|(field, known)| {
                    known.ty.ends_with('!') && known.default_value.is_none() && !object.contains_key(field.as_str())
                });
                match absent {
                    Some((field, known)) => return Err(missing(Place::Field(&place, field), &known.ty)),
                    None => true,
                }
            }
            _ => false,
        },
        _ => false,
    };
    if good {
        return Ok(());
    }
    let shown: String = value.to_string().chars().take(ECHO).collect();
    Err(say(format!("Variable \"{place}\" got {shown}, which is not a {name}"), format!("变量“{place}”的值 {shown} 不是有效的 {name}")))
}
