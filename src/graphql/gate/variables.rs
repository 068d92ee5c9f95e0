//! Coerces the variables of an operation, as the specification says and the library does not: a value that does not fit its
//! declared type, or a required one that is missing, is an error of the request; defaults are filled in, where the library's
//! `@skip` and `@include` would overlook them; what is not declared is dropped.

use async_graphql::{
    Name, Pos, Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
    registry::MetaType,
};

use super::{Refused, shapes::Shapes};
use crate::error::{Said, say};

/// Longest echo of a value in a message.
const ECHO: usize = 60;

/// The variables as the operation takes them.
///
/// # Errors
/// `BAD_USER_INPUT`, with the place in `variables`.
pub fn coerce(shapes: &Shapes, operation: &OperationDefinition, loosened: &[Pos], given: &Variables) -> Result<Variables, Refused> {
    let mut coerced = Variables::default();
    for definition in &operation.variable_definitions {
        let (name, mut of) = (&definition.node.name.node, definition.node.var_type.node.clone());
        if loosened.contains(&definition.pos) {
            of.nullable = false;
        }
        match (given.get(name), &definition.node.default_value) {
            (Some(value), _) => {
                fits(shapes, value, &of, &format!("${name}")).map_err(Refused::Input)?;
                coerced.insert(name.clone(), value.clone());
            }
            (None, Some(default)) => {
                coerced.insert(name.clone(), default.node.clone());
            }
            (None, None) if !of.nullable => {
                return Err(Refused::Input(say(
                    format!("Variable \"${name}\" of required type \"{of}\" was not provided"),
                    format!("缺少必填变量“${name}”（类型 {of}）"),
                )));
            }
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

fn fits(shapes: &Shapes, value: &Value, of: &Type, path: &str) -> Result<(), Said> {
    match (value, &of.base) {
        (Value::Null, _) if of.nullable => Ok(()),
        (Value::Null, _) => Err(say(
            format!("Variable \"{path}\" must not be null: its type is \"{of}\""),
            format!("变量“{path}”不能为 null：其类型为“{of}”"),
        )),
        (Value::List(list), BaseType::List(of)) => {
            list.iter().enumerate().try_for_each(|(at, value)| fits(shapes, value, of, &format!("{path}.{at}")))
        }
        // A single value stands for a list of one.
        (value, BaseType::List(of)) => fits(shapes, value, of, path),
        (value, BaseType::Named(name)) => fits_named(shapes, value, name, path),
    }
}

fn fits_named(shapes: &Shapes, value: &Value, name: &Name, path: &str) -> Result<(), Said> {
    let wrong = || {
        let shown: String = value.to_string().chars().take(ECHO).collect();
        Err(say(format!("Variable \"{path}\" got {shown}, which is not a {name}"), format!("变量“{path}”的值 {shown} 不是有效的 {name}")))
    };
    let good = match shapes.named(name) {
        Some(MetaType::Scalar { is_valid, .. }) => {
            let small = name != "Int" || matches!(value, Value::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()));
            small && is_valid.as_ref().is_none_or(|valid| valid(value))
        }
        Some(MetaType::Enum { enum_values, .. }) => {
            matches!(value, Value::String(text) if enum_values.contains_key(text))
                || matches!(value, Value::Enum(text) if enum_values.contains_key(text.as_str()))
        }
        Some(MetaType::InputObject { input_fields, oneof, .. }) => {
            let Value::Object(object) = value else { return wrong() };
            if *oneof && (object.len() != 1 || object.values().any(|value| *value == Value::Null)) {
                return Err(say(
                    format!("Variable \"{path}\": exactly one field of {name} must be given, and not null"),
                    format!("变量“{path}”：{name} 必须且只能给出一个非空字段"),
                ));
            }
            if let Some(field) = object.keys().find(|field| !input_fields.contains_key(field.as_str())) {
                let shown: String = field.chars().take(ECHO).collect();
                return Err(say(
                    format!("Variable \"{path}\": {name} has no field \"{shown}\""),
                    format!("变量“{path}”：{name} 没有字段“{shown}”"),
                ));
            }
            for (field, known) in input_fields {
                let Some(of) = Type::new(&known.ty) else { continue };
                let path = format!("{path}.{field}");
                match object.get(field.as_str()) {
                    Some(value) => fits(shapes, value, &of, &path)?,
                    None if of.nullable || known.default_value.is_some() => {}
                    None => {
                        return Err(say(
                            format!("Variable \"{path}\" of required type \"{of}\" was not provided"),
                            format!("缺少必填变量“{path}”（类型 {of}）"),
                        ));
                    }
                }
            }
            true
        }
        _ => false,
    };
    if good { Ok(()) } else { wrong() }
}
