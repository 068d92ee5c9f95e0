//! Runs a query that proved valid before as it is, without the library's preparation: a copy of the document, its depth, its directives,
//! its validation. All of that comes out the same each time, and took a tenth of a full report. What resolvers see is the same.
//! Any number of requests run one copy at the same time: of a full report it takes a tenth of a megabyte.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use async_graphql::{
    Context, Data, IntrospectionMode, Name, Pos, Positioned, QueryEnv, QueryEnvInner, Request, Response, SchemaEnv, ServerError, Variables,
    extensions::Extensions,
    parser::types::{FragmentDefinition, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::ConstValue;
use futures_util::FutureExt;

use super::{
    gate::{Document, Passed, operation},
    schema::{Lawful, Queries, RelsumSchema},
    walk::{self, Distinct},
};
use crate::store::bundle::Tables;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// What the library executes with, and shows to resolvers alone.
pub struct Inside {
    schema: SchemaEnv,
    extensions: Extensions,
}

/// Where [`Lawful`] leaves it when a request has this.
#[derive(Clone, Default)]
pub struct Probe(Arc<Mutex<Option<Inside>>>);

/// In the data of such a query: what its fields found that their selections ask of reports, by their places in the document.
#[derive(Default)]
pub struct Known(Mutex<BTreeMap<(usize, usize), Tables>>);

impl Known {
    /// What the field at this place found before, or finds now.
    pub fn or(&self, place: Pos, found: impl FnOnce() -> Tables) -> Tables {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((place.line, place.column)).or_insert_with(found)
    }
}

/// Requests that have a copy each after a field failed. What fails for some fails soon again; what failed with the database does not.
const APART: u32 = 50;

/// A query that is ready, for any number of requests at the same time. The library has one place for the errors of a query: once a field
/// has failed, another query takes this one's place, and some requests have a copy each before it is used.
pub struct Ready {
    query: Mutex<QueryEnv>,
    apart: AtomicU32,
}

impl Ready {
    fn query(&self) -> MutexGuard<'_, QueryEnv> {
        self.query.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn errors(query: &QueryEnv) -> MutexGuard<'_, Vec<ServerError>> {
    query.errors.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Probe {
    fn found(&self) -> std::sync::MutexGuard<'_, Option<Inside>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the first root field.
    pub fn look(&self, ctx: &Context<'_>) {
        *self.found() = Some(Inside { schema: ctx.schema_env.clone(), extensions: ctx.query_env.extensions.clone() });
    }
}

impl Inside {
    /// The inside of a schema.
    ///
    /// # Errors
    /// The library waits where it did not: none of a user's doing.
    pub fn of(schema: &RelsumSchema) -> Result<Self, String> {
        let probe = Probe::default();
        let asked = Request::new("{ viewer { name } }").data(probe.clone());
        let _ = schema.execute(asked).now_or_never();
        let found = probe.found().take();
        found.ok_or_else(|| "the GraphQL library did not show its schema".to_owned())
    }

    /// The query that passed, ready to run.
    pub fn ready(&self, document: &Document, name: Option<&str>, passed: &Passed) -> Option<Ready> {
        let mut operation: OperationDefinition = operation(&document.executable, name)?.clone();
        let mut fragments = document.executable.fragments.clone();
        prune(&mut operation.selection_set.node, &passed.variables);
        for fragment in fragments.values_mut() {
            prune(&mut fragment.node.selection_set.node, &passed.variables);
        }
        let mut data = Data::default();
        data.insert(Known::default());
        if distinct(&operation.selection_set.node, &fragments) {
            data.insert(Distinct);
        }
        let operation = Positioned::new(operation, Pos::default());
        let query = self.env(passed.variables.clone(), name, operation, fragments, Arc::new(data));
        Some(Ready { query: Mutex::new(query), apart: AtomicU32::new(0) })
    }

    /// Runs it; `data` is what its resolvers reach. Where a field has failed, of this request or of one beside it, it is run once more
    /// with errors of its own: it only reads.
    pub async fn run(&self, ready: &Ready, data: &Data) -> Response {
        let query = ready.query().clone();
        if ready.apart.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_err() {
            let answer = self.once(&query, data).await;
            if errors(&query).is_empty() {
                return answer;
            }
            let mut now = ready.query();
            if std::ptr::eq::<QueryEnvInner>(&**now, &*query) {
                *now = self.copy(&query);
                ready.apart.store(APART, Ordering::Release);
            }
        }
        let alone = self.copy(&query);
        let mut answer = self.once(&alone, data).await;
        answer.errors.append(&mut errors(&alone));
        answer
    }

    fn copy(&self, query: &QueryEnv) -> QueryEnv {
        let QueryEnvInner { variables, operation_name, operation, fragments, query_data, .. } = &**query;
        self.env(variables.clone(), operation_name.as_deref(), operation.clone(), fragments.clone(), Arc::clone(query_data))
    }

    /// A query as the library executes it, with errors of its own.
    fn env(
        &self,
        variables: Variables,
        name: Option<&str>,
        operation: Positioned<OperationDefinition>,
        fragments: Fragments,
        query_data: Arc<Data>,
    ) -> QueryEnv {
        QueryEnv::new(QueryEnvInner {
            extensions: self.extensions.clone(),
            variables,
            operation_name: name.map(str::to_owned),
            operation,
            fragments,
            uploads: Vec::new(),
            session_data: Arc::default(),
            query_data,
            http_headers: Mutex::default(),
            introspection_mode: IntrospectionMode::Disabled,
            errors: Mutex::default(),
        })
    }

    /// Without the errors of fields that may be null, which the query collects.
    async fn once(&self, query: &QueryEnv, data: &Data) -> Response {
        let ctx = query.create_context(&self.schema, None, &query.operation.node.selection_set, Some(data));
        let root = Lawful::<Queries>::default();
        match walk::object(&ctx, &root).await {
            Ok(value) => Response::new(value),
            Err(error) => Response::from_errors(vec![error]),
        }
    }
}

/// Whether nothing is selected twice in one place, below this set: the gate has bounded what their fragments come to.
fn distinct(set: &SelectionSet, fragments: &Fragments) -> bool {
    let mut names = HashSet::new();
    let mut fields = Vec::new();
    let mut open = vec![set];
    while let Some(set) = open.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    if !names.insert(field.node.response_key().node.as_str()) {
                        return false;
                    }
                    fields.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => open.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    open.extend(fragments.get(&spread.node.fragment_name.node).map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    fields.into_iter().all(|below| distinct(below, fragments))
}

/// Takes out what `@skip` and `@include` take out, and those directives.
fn prune(set: &mut SelectionSet, variables: &Variables) {
    set.items.retain(|selection| {
        selection.node.directives().iter().all(|directive| {
            let unless = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return true,
            };
            let given = directive.node.get_argument("if").cloned();
            let given = given.and_then(|value| value.node.into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok());
            // What is no truth value is taken for false, as the library does.
            (given == Some(ConstValue::Boolean(true))) != unless
        })
    });
    for selection in &mut set.items {
        selection.node.directives_mut().retain(|directive| !matches!(directive.node.name.node.as_str(), "skip" | "include"));
        match &mut selection.node {
            Selection::Field(field) => prune(&mut field.node.selection_set.node, variables),
            Selection::FragmentSpread(_) => {}
            Selection::InlineFragment(fragment) => prune(&mut fragment.node.selection_set.node, variables),
        }
    }
}
