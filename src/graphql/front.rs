//! From what a request asks for to something that may be executed: the document by text or name, the gate, the variables.
//! The same for POST, GET, sockets and streams.

use std::{sync::Arc, task::Poll, time::Instant};

use async_graphql::{Data, Request, parser::types::OperationType};
use futures_util::{
    Stream, StreamExt,
    future::ready,
    stream::{BoxStream, empty, once, unfold},
    task::FutureObj,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument;

use super::{
    again::{self, Inside},
    answer::{Answer, Manner, executed},
    asked::Asked,
    context::{Caller, Loaders},
    documents::Documents,
    drive::drive,
    gate::{Cost, Document, Gate, Passed},
    refusal::Refusal,
    schema::{RelsumSchema, shapes},
};
use crate::{app::App, config::Settings, observe, telemetry};

/// The gate and the documents behind it.
pub struct Front {
    inside: Inside,
    gate: Gate,
    documents: Documents,
}

/// A request that passed the gate.
pub struct Ready {
    run: Run,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The name of its first root field.
    operation: String,
    cost: Cost,
    keep: Option<Keep>,
}

/// How it is run.
enum Run {
    /// By the library, from validation on.
    First(Box<Request>),
    /// As it ran before: it is known to be valid.
    Again(Arc<again::Ready>),
}

/// What is worth keeping once it has proved valid.
struct Keep {
    text: Arc<str>,
    document: Arc<Document>,
    /// For Apollo's automatic persisted queries.
    hash: Option<String>,
    /// What passed, and its key.
    passed: Option<(Arc<str>, Arc<Passed>)>,
}

/// Under what a document's operation with these variables is kept.
fn key(document: &Document, asked: &Asked) -> String {
    let variables = asked.variables.as_ref().filter(|given| !given.is_empty()).and_then(|given| serde_json::to_string(given).ok());
    format!("{} {} {}", document.id, asked.operation_name.as_deref().unwrap_or_default(), variables.unwrap_or_default())
}

impl Front {
    /// As configured.
    ///
    /// # Errors
    /// What is wrong with the manifest of registered documents.
    pub fn new(settings: &Settings, schema: &RelsumSchema) -> Result<Self, String> {
        Ok(Self { inside: Inside::of(schema)?, gate: Gate::new(settings, shapes()), documents: Documents::new(settings)? })
    }

    /// Everything before execution.
    ///
    /// # Errors
    /// Why the request is refused.
    pub fn prepare(&self, mut asked: Asked) -> Result<Ready, Refusal> {
        let found = self.documents.find(&asked)?;
        let kept = self.documents.parsed(&found.text);
        let known = kept.is_some();
        let document = match kept {
            Some(document) => document,
            None => Arc::new(Documents::parse(&self.gate, &found.text)?),
        };
        asked.operation_name = asked.operation_name.filter(|name| !name.is_empty());
        let key: Arc<str> = key(&document, &asked).into();
        if let Some(passed) = self.documents.passed(&key) {
            let again = self.documents.ready(&key).or_else(|| {
                let ready = Arc::new(self.inside.ready(&document, asked.operation_name.as_deref(), &passed)?);
                self.documents.keep_ready(Arc::clone(&key), Arc::clone(&ready), document.tokens);
                Some(ready)
            });
            if let Some(again) = again {
                let (kind, operation, cost) = (passed.kind, passed.root.clone(), passed.cost);
                let run = Run::Again(again);
                let keep = found.keep_as.map(|hash| Keep { text: found.text, document, hash: Some(hash), passed: None });
                return Ok(Ready { run, kind, operation, cost, keep });
            }
        }
        let given = asked.variables();
        let passed = Arc::new(self.gate.document(&document, asked.operation_name.as_deref(), &given)?);
        let mut request = Box::new(asked.request(passed.variables.clone()));
        request.set_parsed_query(document.executable.clone());
        let (kind, operation, cost) = (passed.kind, passed.root.clone(), passed.cost);
        // What changes is asked once, with variables that do not come again; what asks for the schema is answered by the library.
        let again = (kind == OperationType::Query && !passed.introspects).then_some((key, passed));
        let keep = (!known || again.is_some() || found.keep_as.is_some()).then(|| Keep {
            text: found.text,
            document,
            hash: found.keep_as,
            passed: again,
        });
        Ok(Ready { run: Run::First(request), kind, operation, cost, keep })
    }

    /// A document is kept when it has proved valid, never before.
    fn proved(&self, keep: &mut Option<Keep>, answer: &Answer) {
        if let Some(Keep { text, document, hash, passed }) = keep.take_if(|_| !answer.request_error) {
            if let Some(hash) = hash {
                self.documents.keep(hash, Arc::clone(&text));
            }
            if let Some((key, passed)) = passed {
                self.documents.keep_passed(key, passed);
            }
            self.documents.keep_parsed(text, document);
        }
    }
}

/// What resolvers reach: who asks, the loaders, a store that one request cannot exhaust.
fn equip(app: &App, caller: Caller) -> (Data, UnboundedReceiver<FutureObj<'static, ()>>) {
    let store = app.store.for_request(app.settings.query_statements_at_once);
    let (loaders, asked) = Loaders::new(store.clone());
    let mut data = Data::default();
    data.insert(caller);
    data.insert(loaders);
    data.insert(store);
    data.insert(Arc::clone(&app.sources));
    data.insert(Arc::clone(&app.dispatcher));
    (data, asked)
}

/// Executes a query or a mutation.
pub async fn execute(app: &App, ready: Ready, caller: Caller, manner: &Manner) -> Answer {
    let Ready { run, cost, operation, mut keep, .. } = ready;
    let began = Instant::now();
    let (data, mut asked) = equip(app, caller);
    let span = telemetry::operation(&operation);
    let answer = match run {
        Run::First(mut request) => {
            request.data = data;
            drive(app.schema.execute(*request), &mut asked).instrument(span).await
        }
        Run::Again(again) => drive(app.front.inside.run(&again, &data), &mut asked).instrument(span).await,
    };
    let answer = executed(manner, answer, Some((cost, app.front.gate.allowed())), false);
    app.front.proved(&mut keep, &answer);
    // A document that is not valid may name anything.
    observe::operated(if answer.request_error { "invalid" } else { &operation }, began.elapsed());
    answer
}

/// Answers, one after the other.
pub type Answers = BoxStream<'static, Answer>;

/// Runs a subscription: an answer for each event, or one that says why there are none.
/// It has begun when this returns: what happens from then on is told.
pub async fn subscribe(app: Arc<App>, asked: Ready, caller: Caller, manner: Manner) -> Answers {
    let mut answers = answers(app, asked, caller, manner).boxed();
    match futures_util::poll!(answers.next()) {
        Poll::Ready(Some(first)) => once(ready(first)).chain(answers).boxed(),
        Poll::Ready(None) => empty().boxed(),
        Poll::Pending => answers,
    }
}

fn answers(app: Arc<App>, ready: Ready, caller: Caller, manner: Manner) -> impl Stream<Item = Answer> + Send + 'static {
    let Ready { run, mut keep, .. } = ready;
    let (data, asked) = equip(&app, caller);
    let events = match run {
        Run::First(mut request) => {
            request.data = data;
            app.schema.execute_stream((*request).data(Arc::clone(&app.feed)))
        }
        // Only queries are kept to run again, and none of them comes here.
        Run::Again(_) => empty().boxed(),
    };
    let mut first = true;
    unfold((events, asked), |(mut events, mut asked)| async move {
        let event = drive(events.next(), &mut asked).await?;
        Some((event, (events, asked)))
    })
    .map(move |event| {
        // A field that fails at once is a subscription that could not be made.
        let answer = executed(&manner, event, None, std::mem::take(&mut first));
        app.front.proved(&mut keep, &answer);
        answer
    })
}
