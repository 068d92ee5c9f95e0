//! The one gate before validation, for POST, GET, WebSocket and SSE alike (`api.md`, GraphQL over HTTP 3): tokens, depth,
//! aliases, directives, root fields of a mutation, the size of a document after its fragments are spread, and what an
//! operation may cost. Each fragment is weighed once, however often it is spread, and all sums saturate. What the library's
//! validation stumbles over (`docs/decisions`) is refused or mended here too.

mod loosen;
mod roots;
mod shapes;
mod tokens;
mod variables;
mod weigh;

use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::{
    Pos, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection},
};

pub use self::shapes::Shapes;
use self::weigh::{Load, Stop, Weigher, Weight};
use crate::{
    config::Settings,
    error::{Said, say},
};

/// A limit that a document passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    /// Which limit, such as `depth`, `aliases` or `cost`.
    pub limit: &'static str,
    /// What is allowed.
    pub allowed: u64,
    /// What the document has; at least, where counting stopped.
    pub found: u64,
}

/// Why a document does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It passes a limit.
    TooMuch(TooMuch),
    /// It is no GraphQL.
    Syntax(Said),
    /// It does not fit the schema.
    Invalid(Said),
    /// Its variables do not fit their types.
    Input(Said),
    /// It asks for the schema, and that is off.
    Introspection,
}

/// What an operation costs, told to the client in `extensions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Values that the answer may have.
    pub cost: u64,
    /// How deep its fields nest.
    pub depth: u64,
}

/// A parsed document, mended.
#[derive(Debug)]
pub struct Document {
    /// Its own, among all that this process parsed.
    pub id: u64,
    /// For the executor.
    pub executable: ExecutableDocument,
    /// Where it declares variables that may not be null, although they are declared nullable for the library.
    loosened: Vec<Pos>,
    /// How many tokens its text has.
    pub tokens: usize,
}

/// What passed.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The name of its first root field.
    pub root: String,
    /// The variables, coerced.
    pub variables: Variables,
    /// What it costs.
    pub cost: Cost,
    /// Whether the document asks for the schema, anywhere.
    pub introspects: bool,
}

/// The first field of an operation, not looked for in fragments.
fn first_field(asked: &OperationDefinition) -> Option<String> {
    let mut fields = asked.selection_set.node.items.iter();
    fields.find_map(|item| if let Selection::Field(field) = &item.node { Some(field.node.name.node.to_string()) } else { None })
}

/// The limits, and what of the schema they need.
pub struct Gate {
    shapes: Shapes,
    tokens: u64,
    depth: u64,
    aliases: u64,
    directives: u64,
    fields: u64,
    cost: u64,
    subscription_cost: u64,
    lookups: u64,
    mutation_fields: u64,
    introspection: bool,
}

/// Operations of one document: each is validated, whichever is asked for.
const OPERATIONS: u64 = 50;
/// Variables that one document may declare.
const DECLARED: u64 = 500;
/// Values that all uses of variables may come to: validation copies a variable's value at each use.
const COPIES: u64 = 200_000;
/// Lists of the schema's own description, one in the other: each multiplies what it stands in.
const LISTINGS: u64 = 2;

/// Counts the documents that were parsed.
static PARSED: AtomicU64 = AtomicU64::new(0);

impl Gate {
    /// The gate as configured.
    pub fn new(settings: &Settings, shapes: Shapes) -> Self {
        Self {
            shapes,
            tokens: settings.query_tokens,
            depth: settings.query_depth,
            aliases: settings.query_aliases,
            directives: settings.query_directives,
            fields: settings.query_fields,
            cost: settings.query_cost,
            subscription_cost: settings.subscription_cost,
            lookups: settings.query_lookups,
            mutation_fields: settings.mutation_fields,
            introspection: settings.introspection.unwrap_or(settings.development()),
        }
    }

    /// The text, before it is parsed: how many tokens it has.
    ///
    /// # Errors
    /// The limit that it passes.
    pub fn text(&self, text: &str) -> Result<usize, Refused> {
        tokens::check(text, self.tokens)
    }

    /// Mends a parsed document before it is kept.
    pub fn mend(&self, mut document: ExecutableDocument, tokens: usize) -> Document {
        let loosened = loosen::loosen(&self.shapes, &mut document);
        let id = PARSED.fetch_add(1, Ordering::Relaxed);
        Document { id, executable: document, loosened, tokens }
    }

    /// What is allowed: cost and depth.
    pub fn allowed(&self) -> Cost {
        Cost { cost: self.cost, depth: self.depth }
    }

    /// The parsed document, before it is validated: all of it, since validation walks all of it; the variables and the cost of
    /// the operation that is asked for.
    ///
    /// # Errors
    /// Why it does not pass.
    pub fn document(&self, parsed: &Document, name: Option<&str>, given: &Variables) -> Result<Passed, Refused> {
        let Document { executable: document, loosened, .. } = parsed;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        within("operations", OPERATIONS, count(document.operations.iter().count()))?;
        let declared: usize = document.operations.iter().map(|(_, o)| o.node.variable_definitions.len()).sum();
        within("variables", DECLARED, count(declared))?;
        let asked = operation(document, name).ok_or_else(|| no_such_operation(name))?;
        let mut weigher = Weigher::new(&self.shapes, document, asked, given);
        let mut all = Weight::default();
        let mut load = Load::default();
        for (_, operation) in document.operations.iter() {
            let operation = &operation.node;
            variables::known(&self.shapes, operation)?;
            let weight = weigher.operation(operation).map_err(stopped)?;
            match operation.ty {
                OperationType::Mutation => {
                    within("mutationFields", self.mutation_fields, weight.width)?;
                    roots::once(document, operation)?;
                }
                OperationType::Subscription => roots::single(operation)?,
                OperationType::Query => {}
            }
            if std::ptr::eq(asked, operation) {
                load = weight.load();
            }
            all = all.beside(weight);
        }
        // Fragments that no operation spreads are validated too.
        for name in document.fragments.keys() {
            all = all.beside(weigher.fragment(name).map_err(stopped)?);
        }
        within("fields", self.fields, all.fields)?;
        within("depth", self.depth, all.depth)?;
        within("aliases", self.aliases, all.aliases)?;
        within("directives", self.directives, all.directives)?;
        within("variableUses", COPIES, all.copies.saturating_add(weigher.given()))?;
        if all.introspects && !self.introspection {
            return Err(Refused::Introspection);
        }
        within("introspection", LISTINGS, all.listings)?;
        within("lookups", self.lookups, load.lookups)?;
        let streams = asked.ty == OperationType::Subscription;
        within("cost", if streams { self.subscription_cost } else { self.cost }, load.values)?;
        let variables = variables::coerce(&self.shapes, asked, loosened, given)?;
        let root = first_field(asked).unwrap_or_default();
        let cost = Cost { cost: load.values, depth: all.depth };
        Ok(Passed { kind: asked.ty, root, variables, cost, introspects: all.introspects })
    }
}

fn within(limit: &'static str, allowed: u64, found: u64) -> Result<(), Refused> {
    if found > allowed { Err(Refused::TooMuch(TooMuch { limit, allowed, found })) } else { Ok(()) }
}

fn stopped(stop: Stop) -> Refused {
    match stop {
        Stop::Cycle(name) => {
            Refused::Invalid(say(format!("Fragment \"{name}\" spreads itself"), format!("片段“{name}”直接或间接引用了自身")))
        }
        Stop::Unknown(name) => Refused::Invalid(say(format!("Unknown fragment: \"{name}\""), format!("未知片段“{name}”"))),
        Stop::Chain(too_much) => Refused::TooMuch(too_much),
    }
}

fn no_such_operation(name: Option<&str>) -> Refused {
    Refused::Invalid(match name {
        Some(name) => {
            let name: String = name.chars().take(60).collect();
            say(format!("Unknown operation named \"{name}\""), format!("没有名为“{name}”的操作"))
        }
        None => say("operationName is required: the document has several operations", "文档包含多个操作，请用 operationName 指定"),
    })
}

/// The operation of a document that a request asks for: by name, or the only one.
pub fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match &document.operations {
        DocumentOperations::Single(operation) if name.is_none() => Some(&operation.node),
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => match name {
            Some(name) => operations.get(name).map(|operation| &operation.node),
            None if operations.len() == 1 => operations.values().next().map(|operation| &operation.node),
            None => None,
        },
    }
}
