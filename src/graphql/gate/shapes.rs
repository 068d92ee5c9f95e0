//! What the gate knows of the schema: of each field the type of its values, and whether it is a list or a page of one; and the
//! types that variables and arguments may have.

use std::collections::HashMap;

use async_graphql::registry::{MetaField, MetaType, MetaTypeName, Registry};

use crate::graphql::labels::LABELS;

/// A field as the gate sees it.
#[derive(Debug)]
pub struct Shape {
    /// The type of its values, without list and non-null.
    pub of: String,
    /// How many of them there may be.
    pub many: Many,
}

/// How many values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many {
    /// One.
    One,
    /// A list that the form bounds.
    List,
    /// A list of this length, about.
    Of(u64),
    /// As many as the argument `ids` names.
    Named,
    /// One connection, whose rows are as many as `first` or `last` says.
    Paged,
    /// The rows of the connection it stands in.
    Rows,
}

/// The fields of a type by name.
pub type Fields = HashMap<String, Shape>;

/// The schema, as the gate needs it.
pub struct Shapes {
    types: HashMap<String, Fields>,
    registry: Registry,
    described: HashMap<&'static str, u64>,
}

/// Entries that the catalogue's lists are taken to have: departments, products.
const CATALOGUE: u64 = 50;

impl Shapes {
    /// Reads them from what the schema registered; the names of its root types are set there.
    pub fn of(registry: Registry) -> Self {
        let types = registry.types.values().filter_map(|of| match of {
            MetaType::Object { name, fields, .. } | MetaType::Interface { name, fields, .. } => {
                let catalogue = *name == registry.query_type;
                let shapes = fields.values().map(|field| (field.name.clone(), shape(name, field, catalogue)));
                Some((name.clone(), shapes.collect()))
            }
            _ => None,
        });
        let (types, described) = (types.collect(), described(&registry));
        Self { types, registry, described }
    }

    /// How long the lists of the schema's own description are: `types` in all, the others on average.
    pub fn described(&self, list: &str) -> Option<u64> {
        self.described.get(list).copied()
    }

    /// The fields of a type; none where it has none, or is not ours.
    pub fn fields(&self, of: &str) -> Option<&Fields> {
        self.types.get(of)
    }

    /// Name of the query type.
    pub fn query(&self) -> &str {
        &self.registry.query_type
    }

    /// Name of the mutation type.
    pub fn mutation(&self) -> &str {
        self.registry.mutation_type.as_deref().unwrap_or_default()
    }

    /// Name of the subscription type.
    pub fn subscription(&self) -> &str {
        self.registry.subscription_type.as_deref().unwrap_or_default()
    }

    /// A type by its name.
    pub fn named(&self, name: &str) -> Option<&MetaType> {
        self.registry.types.get(name)
    }

    /// The type of a field's argument.
    pub fn argument(&self, parent: &str, field: &str, argument: &str) -> Option<&str> {
        Some(&self.named(parent)?.field_by_name(field)?.args.get(argument)?.ty)
    }
}

fn described(registry: &Registry) -> HashMap<&'static str, u64> {
    let (mut fields, mut args, mut values, mut inputs, mut possible) = (0, 0, 0, 0, 0);
    for of in registry.types.values() {
        match of {
            MetaType::Object { fields: all, .. } => {
                fields += all.len();
                args += all.values().map(|field| field.args.len()).sum::<usize>();
            }
            MetaType::Interface { fields: all, possible_types, .. } => {
                fields += all.len();
                possible += possible_types.len();
            }
            MetaType::Enum { enum_values, .. } => values += enum_values.len(),
            MetaType::InputObject { input_fields, .. } => inputs += input_fields.len(),
            _ => {}
        }
    }
    let types = registry.types.len();
    let each = |n: usize, of: usize| u64::try_from(n.div_ceil(of.max(1))).unwrap_or(u64::MAX);
    HashMap::from([
        ("types", each(types, 1)),
        ("fields", each(fields, types)),
        ("args", each(args, fields)),
        ("enumValues", each(values, types)),
        ("inputFields", each(inputs, types)),
        ("possibleTypes", each(possible, types)),
        ("interfaces", 1),
        ("directives", 5),
    ])
}

fn shape(parent: &str, field: &MetaField, catalogue: bool) -> Shape {
    let inner = field.ty.strip_suffix('!').unwrap_or(&field.ty);
    let list = matches!(MetaTypeName::create(inner), MetaTypeName::List(_));
    let many = if list && parent.ends_with("Connection") {
        Many::Rows
    } else if list && field.args.contains_key("ids") {
        Many::Named
    } else if field.name == "enumLabels" {
        Many::Of(u64::try_from(LABELS.len()).unwrap_or(u64::MAX))
    } else if list && catalogue {
        Many::Of(CATALOGUE)
    } else if list {
        Many::List
    } else if field.args.contains_key("first") {
        Many::Paged
    } else {
        Many::One
    };
    Shape { of: MetaTypeName::concrete_typename(&field.ty).to_owned(), many }
}
