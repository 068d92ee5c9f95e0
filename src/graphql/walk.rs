//! Objects and lists whose fields are mostly ready at once, because what they show was read ahead. The library makes a task of each
//! field, in a place of its own, and joins them; here each is tried where the last one stood, and only those that must wait are joined.
//! What is answered, and what is batched, is the same. Where nothing is selected twice in one place, so that nothing is to be merged,
//! an object is written as text at once ([`text`](super::text)).

use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context as Task, Poll},
};

use async_graphql::{
    ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ServerError, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection},
    registry::Registry,
    resolver_utils::resolve_container,
};
use futures_util::future::{OptionFuture, poll_fn, try_join_all};

use super::text;

/// In the data of a request: nothing is selected twice in one place of it.
pub struct Distinct;

/// One object.
#[derive(Debug, Clone)]
pub struct One<T>(pub T);

/// A list of objects.
#[derive(Debug, Clone)]
pub struct Many<T>(pub Vec<T>);

impl<T> FromIterator<T> for Many<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: ContainerType> OutputType for One<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        object(ctx, &self.0).await
    }
}

impl<T: ContainerType> ContainerType for One<T> {
    async fn resolve_field(&self, ctx: &async_graphql::Context<'_>) -> ServerResult<Option<Value>> {
        self.0.resolve_field(ctx).await
    }
}

impl<T: ContainerType> OutputType for Many<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::List(each((ctx, &self.0), 0..self.0.len(), item).await?))
    }
}

async fn item<'a, T: ContainerType>((ctx, items): (&'a ContextSelectionSet<'a>, &'a Vec<T>), index: usize) -> ServerResult<Value> {
    let at = ctx.with_index(index);
    match items.get(index) {
        Some(item) => object(&at, item).await.map_err(|error| at.set_error_path(error)),
        None => Ok(Value::Null),
    }
}

async fn field<'a, T: ContainerType>(
    (ctx, root): (&'a ContextSelectionSet<'a>, &'a T),
    field: &'a Positioned<Field>,
) -> ServerResult<Value> {
    if field.node.name.node == "__typename" {
        return Ok(Value::String(root.introspection_type_name().into_owned()));
    }
    let at = ctx.with_field(field);
    Ok(root.resolve_field(&at).await?.unwrap_or_default())
}

/// An object as its selection asks for it.
///
/// # Errors
/// A field that may not be null has failed.
pub async fn object<'a, T: ContainerType>(ctx: &'a ContextSelectionSet<'a>, root: &'a T) -> ServerResult<Value> {
    let mut fields = Vec::with_capacity(ctx.item.node.items.len());
    // Directives are the library's.
    if !gather::<T>(ctx, root, &mut fields)? {
        return resolve_container(ctx, root).await;
    }
    let values = each((ctx, root), fields.iter().copied(), field).await?;
    if ctx.data_opt::<Distinct>().is_some() {
        return Ok(text::object(fields.iter().map(|field| field.node.response_key().node.as_str()).zip(&values)));
    }
    let mut answer = IndexMap::with_capacity(fields.len());
    for (field, value) in fields.into_iter().zip(values) {
        put(&mut answer, field.node.response_key().node.clone(), value);
    }
    Ok(Value::Object(answer))
}

/// The fields of a selection, those of its fragments among them; whether all are plain.
fn gather<'a, T: ContainerType>(ctx: &ContextSelectionSet<'a>, root: &T, fields: &mut Vec<&'a Positioned<Field>>) -> ServerResult<bool> {
    for selection in &ctx.item.node.items {
        let (condition, set) = match &selection.node {
            Selection::Field(field) if !field.node.directives.is_empty() => return Ok(false),
            Selection::Field(field) => {
                fields.push(field);
                continue;
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let unknown = || ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos));
                let fragment = &ctx.query_env.fragments.get(name).ok_or_else(unknown)?.node;
                (Some(&fragment.type_condition), &fragment.selection_set)
            }
            Selection::InlineFragment(fragment) => (fragment.node.type_condition.as_ref(), &fragment.node.selection_set),
        };
        let condition = condition.map(|condition| condition.node.on.node.as_str());
        let applies = condition.is_none_or(|condition| {
            let own = root.introspection_type_name();
            own == condition || ctx.schema_env.registry.implements.get(&*own).is_some_and(|all| all.contains(condition))
        });
        if applies && !gather(&ctx.with_selection_set(set), root, fields)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds a field; of one that was selected before, what was not.
fn put(answer: &mut IndexMap<Name, Value>, name: Name, value: Value) {
    match answer.entry(name) {
        Entry::Occupied(before) => merge(before.into_mut(), value),
        Entry::Vacant(place) => {
            place.insert(value);
        }
    }
}

fn merge(before: &mut Value, more: Value) {
    match (before, more) {
        (Value::Object(before), Value::Object(more)) => more.into_iter().for_each(|(name, value)| put(before, name, value)),
        (Value::List(before), Value::List(more)) => before.iter_mut().zip(more).for_each(|(before, more)| merge(before, more)),
        _ => {}
    }
}

/// The values of all, in order: each is tried once where the last one stood; those that wait do so together.
async fn each<C: Copy, I, F>(context: C, mut items: impl Iterator<Item = I>, resolve: impl Fn(C, I) -> F) -> ServerResult<Vec<Value>>
where
    F: Future<Output = ServerResult<Value>>,
{
    let mut values = Vec::with_capacity(items.size_hint().0);
    let mut waiting = Vec::new();
    let mut place: Pin<Box<OptionFuture<F>>> = Box::pin(None.into());
    poll_fn(|task: &mut Task<'_>| {
        for item in items.by_ref() {
            place.set(Some(resolve(context, item)).into());
            match place.as_mut().poll(task) {
                Poll::Ready(value) => values.push(value.transpose()?.unwrap_or_default()),
                Poll::Pending => {
                    waiting.push((values.len(), std::mem::replace(&mut place, Box::pin(None.into()))));
                    values.push(Value::Null);
                }
            }
        }
        Poll::Ready(Ok::<_, ServerError>(()))
    })
    .await?;
    if waiting.is_empty() {
        return Ok(values);
    }
    let late = waiting
        .into_iter()
        .map(|(index, waits)| async move { Ok::<_, ServerError>((index, waits.await.transpose()?.unwrap_or_default())) });
    for (index, value) in try_join_all(late).await? {
        if let Some(place) = values.get_mut(index) {
            *place = value;
        }
    }
    Ok(values)
}
