//! Weighs selections: each fragment once, so that a document's weight takes time in proportion to its text.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value as ConstValue, Variables,
    parser::types::{Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{
    TooMuch, loosen,
    shapes::{Fields, Many, Shape, Shapes},
    variables::size,
};
use crate::store::page::{DEFAULT_ROWS, MOST_ROWS};

/// Rows that a list of the form is taken to have.
const LIST: u64 = 5;

/// How many fragments may spread one another in a chain: what walks them recurses.
const CHAIN: u64 = 64;

/// Why weighing stops.
#[derive(Debug)]
pub enum Stop {
    /// This fragment spreads itself.
    Cycle(String),
    /// This fragment is spread, and is none.
    Unknown(String),
    /// Fragments spread one another in too long a chain.
    Chain(TooMuch),
}

/// What a selection weighs, its fragments spread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weight {
    /// Values of the answer, and statements to the database, where no page is around.
    outside: Load,
    /// The same, for each row of the page that the selection stands in.
    per_row: Load,
    /// Fields and spreads.
    pub fields: u64,
    /// Fields and spreads of the selection itself, not of the fields below.
    pub width: u64,
    /// How deep fields nest.
    pub depth: u64,
    /// Aliases.
    pub aliases: u64,
    /// Directives.
    pub directives: u64,
    /// Values that the uses of variables come to.
    pub copies: u64,
    /// Lists of the schema's own description, one in the other.
    pub listings: u64,
    /// Whether it asks for the schema's own description.
    pub introspects: bool,
    /// Fragments that spread one another below this.
    height: u64,
}

/// What an answer takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Its values.
    pub values: u64,
    /// Pages and totals, which are a statement each; what is loaded by parents comes in batches, and costs none here.
    pub lookups: u64,
}

impl Load {
    fn plus(self, other: Self) -> Self {
        Self { values: self.values.saturating_add(other.values), lookups: self.lookups.saturating_add(other.lookups) }
    }

    fn times(self, n: u64) -> Self {
        Self { values: self.values.saturating_mul(n), lookups: self.lookups.saturating_mul(n) }
    }
}

impl Weight {
    /// Both, one beside the other.
    pub fn beside(self, other: Self) -> Self {
        Self {
            outside: self.outside.plus(other.outside),
            per_row: self.per_row.plus(other.per_row),
            fields: self.fields.saturating_add(other.fields),
            width: self.width.saturating_add(other.width),
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            copies: self.copies.saturating_add(other.copies),
            listings: self.listings.max(other.listings),
            introspects: self.introspects || other.introspects,
            height: self.height.max(other.height),
        }
    }

    /// What the answer takes, where no page is around it.
    pub fn load(self) -> Load {
        self.outside.plus(self.per_row)
    }
}

/// Weighs the parts of one document.
pub struct Weigher<'a> {
    shapes: &'a Shapes,
    document: &'a ExecutableDocument,
    asked: &'a OperationDefinition,
    variables: &'a Variables,
    /// What variables come to, each counted once.
    sizes: HashMap<&'a Name, u64>,
    /// Fragments around the one that is being weighed.
    around: u64,
    /// What fragments weigh; `None` for one that is being weighed.
    fragments: HashMap<&'a Name, Option<Weight>>,
}

type Weighed = Result<Weight, Stop>;

impl<'a> Weigher<'a> {
    /// For the operation that is asked for, whose variables tell the sizes of pages.
    pub fn new(shapes: &'a Shapes, document: &'a ExecutableDocument, asked: &'a OperationDefinition, variables: &'a Variables) -> Self {
        let sizes = variables.iter().map(|(name, value)| (name, size(value))).collect();
        Self { shapes, document, asked, variables, sizes, around: 0, fragments: HashMap::new() }
    }

    /// What all variables come to that were given.
    pub fn given(&self) -> u64 {
        self.sizes.values().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// An operation.
    ///
    /// # Errors
    /// Fragments that are no tree.
    pub fn operation(&mut self, operation: &'a OperationDefinition) -> Weighed {
        let root = loosen::root(self.shapes, operation);
        let variables = operation.variable_definitions.iter().map(|v| v.node.directives.len());
        let directives = variables.fold(count(operation.directives.len()), |sum, n| sum.saturating_add(count(n)));
        let weight = self.selections(&operation.selection_set, self.shapes.fields(root))?;
        Ok(weight.beside(Weight { directives, ..Weight::default() }))
    }

    /// A fragment.
    ///
    /// # Errors
    /// Where it is none, spreads itself, or is one of too long a chain.
    pub fn fragment(&mut self, name: &'a Name) -> Weighed {
        match self.fragments.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(Stop::Cycle(name.to_string())),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name).map(|f| &f.node) else { return Err(Stop::Unknown(name.to_string())) };
        self.around += 1;
        within_chain(self.around)?;
        self.fragments.insert(name, None);
        let fields = self.shapes.fields(&fragment.type_condition.node.on.node);
        let mut weight = self.selections(&fragment.selection_set, fields)?;
        weight = self.with_directives(weight, &fragment.directives);
        self.around -= 1;
        weight.height += 1;
        // Counted from below too: which fragment is met first is a matter of luck, the verdict is not.
        within_chain(weight.height)?;
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }

    fn selections(&mut self, set: &'a Positioned<SelectionSet>, fields: Option<&'a Fields>) -> Weighed {
        // A spread takes a step of whatever walks it, even where nothing is in it.
        let step = Weight { fields: 1, width: 1, ..Weight::default() };
        let mut sum = Weight::default();
        for selection in &set.node.items {
            let weight = match &selection.node {
                Selection::Field(field) => self.field(&field.node, fields)?,
                Selection::FragmentSpread(spread) => {
                    let weight = self.fragment(&spread.node.fragment_name.node)?.beside(step);
                    self.with_directives(weight, &spread.node.directives)
                }
                Selection::InlineFragment(inline) => {
                    let fields = match &inline.node.type_condition {
                        Some(condition) => self.shapes.fields(&condition.node.on.node),
                        None => fields,
                    };
                    let weight = self.selections(&inline.node.selection_set, fields)?.beside(step);
                    self.with_directives(weight, &inline.node.directives)
                }
            };
            sum = sum.beside(weight);
        }
        Ok(sum)
    }

    fn field(&mut self, field: &'a Field, siblings: Option<&'a Fields>) -> Weighed {
        let name = field.name.node.as_str();
        let shape = siblings.and_then(|fields| fields.get(name));
        let inner = self.selections(&field.selection_set, shape.and_then(|shape| self.shapes.fields(&shape.of)))?;
        let below = inner.load();
        let (outside, per_row) = match self.many(shape, name, siblings.is_none()) {
            Many::One => (below, Load::default()),
            Many::List => (below.times(LIST), Load::default()),
            Many::Of(n) => (below.times(n), Load::default()),
            Many::Named => (below.times(self.length(field, "ids")), Load::default()),
            Many::Paged => (inner.outside.plus(inner.per_row.times(self.page(field))), Load::default()),
            Many::Rows => (Load::default(), below),
        };
        let lookup = matches!(shape.map(|shape| shape.many), Some(Many::Paged)) || name == "totalCount";
        let listing = siblings.is_none() && matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let about_schema = matches!(name, "__schema" | "__type");
        let weight = Weight {
            outside: outside.plus(Load { values: 1, lookups: u64::from(lookup) }),
            per_row,
            fields: inner.fields.saturating_add(1),
            width: 1,
            depth: inner.depth.saturating_add(1),
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives,
            copies: field.arguments.iter().fold(inner.copies, |sum, (_, value)| sum.saturating_add(self.copies(&value.node))),
            listings: inner.listings.saturating_add(u64::from(listing)),
            introspects: inner.introspects || about_schema,
            height: inner.height,
        };
        Ok(self.with_directives(weight, &field.directives))
    }

    /// How many values a field has; of the schema's own description, which is not among our types, what it has on average.
    fn many(&self, shape: Option<&Shape>, name: &str, described: bool) -> Many {
        match shape {
            Some(shape) => shape.many,
            None if described => self.shapes.described(name).map_or(Many::One, Many::Of),
            None => Many::One,
        }
    }

    fn with_directives(&self, mut weight: Weight, directives: &[Positioned<Directive>]) -> Weight {
        weight.directives = weight.directives.saturating_add(count(directives.len()));
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            weight.copies = weight.copies.saturating_add(self.copies(&value.node));
        }
        weight
    }

    /// What the variables in an argument come to.
    fn copies(&self, value: &Value) -> u64 {
        match value {
            Value::Variable(name) => self.sizes.get(name).copied().unwrap_or(1),
            Value::List(list) => list.iter().map(|value| self.copies(value)).fold(0, u64::saturating_add),
            Value::Object(object) => object.values().map(|value| self.copies(value)).fold(0, u64::saturating_add),
            _ => 0,
        }
    }

    /// The rows of a page, as the arguments say.
    fn page(&self, field: &Field) -> u64 {
        let given = ["first", "last"].into_iter().filter_map(|name| self.argument(field, name));
        let size = given.filter_map(|value| value.as_number_rows()).max();
        size.unwrap_or(DEFAULT_ROWS).min(MOST_ROWS)
    }

    /// How many values a list argument has.
    fn length(&self, field: &Field, name: &str) -> u64 {
        match self.argument(field, name) {
            Some(Argument::Literal(Value::List(list))) => count(list.len()),
            Some(Argument::Variable(ConstValue::List(list))) => count(list.len()),
            _ => 1,
        }
    }

    fn argument<'b>(&'b self, field: &'b Field, name: &str) -> Option<Argument<'b>> {
        let value = &field.arguments.iter().find(|(argument, _)| argument.node.as_str() == name)?.1.node;
        let Value::Variable(variable) = value else { return Some(Argument::Literal(value)) };
        if let Some(given) = self.variables.get(variable) {
            return Some(Argument::Variable(given));
        }
        let definitions = &self.asked.variable_definitions;
        let definition = definitions.iter().find(|d| d.node.name.node == *variable)?;
        definition.node.default_value.as_ref().map(|value| Argument::Variable(&value.node))
    }
}

/// An argument's value: as it stands in the document, or a variable's.
enum Argument<'a> {
    Literal(&'a Value),
    Variable(&'a ConstValue),
}

impl Argument<'_> {
    /// A size of a page; a wrong one is refused later, and costs nothing.
    fn as_number_rows(&self) -> Option<u64> {
        match self {
            Self::Literal(Value::Number(n)) | Self::Variable(ConstValue::Number(n)) => Some(n.as_u64().unwrap_or(0)),
            _ => None,
        }
    }
}

fn within_chain(found: u64) -> Result<(), Stop> {
    if found > CHAIN { Err(Stop::Chain(TooMuch { limit: "fragments", allowed: CHAIN, found })) } else { Ok(()) }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
