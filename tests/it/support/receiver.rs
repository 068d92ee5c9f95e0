//! A receiver of webhooks that behaves as it is told, verifies every signature, and remembers what it took.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use relsum::delivery::webhook::sign;
use serde_json::Value;

/// What the next request meets.
#[derive(Debug, Clone)]
pub enum Does {
    /// Answers with this status.
    Answers(u16),
    /// Answers with this status, and when to come again.
    AnswersAfter(u16, &'static str),
    /// Takes it, and cuts the connection before it answers.
    CutsAfterTaking,
    /// Never answers.
    Hangs,
    /// Sends a status, and then a byte now and then for ever.
    Drips,
    /// Sends elsewhere.
    Redirects(String),
}

/// What was received.
#[derive(Default)]
pub struct Seen {
    /// Bodies by event id.
    pub events: HashMap<String, Value>,
    /// Every request: event id, in order.
    pub requests: Vec<String>,
    /// What is done with the next ones; 200 then.
    pub next: VecDeque<Does>,
    /// What was not signed as it should be.
    pub forged: usize,
}

/// A receiver on loopback.
pub struct Receiver {
    pub url: String,
    pub seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

/// The secret of every receiver.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let routes = Router::new().route("/hook", post(take)).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, seen, task }
    }

    /// What the next requests meet.
    pub fn then(&self, does: impl IntoIterator<Item = Does>) {
        self.seen.lock().unwrap().next.extend(does);
    }

    /// Ids that were taken, sorted.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.seen.lock().unwrap().events.keys().cloned().collect();
        ids.sort();
        ids
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests.len()
    }

    /// Stops, and checks that everything was signed.
    pub fn end(self) {
        assert_eq!(self.seen.lock().unwrap().forged, 0, "every attempt is signed");
        self.task.abort();
    }
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let (id, at) = (text("webhook-id"), text("webhook-timestamp"));
    let signed = text("webhook-signature").split(' ').any(|s| s == sign(SECRET, &id, &at, &body));
    let event: Value = serde_json::from_slice(&body).unwrap();
    let does = {
        let mut seen = seen.lock().unwrap();
        let whole = signed && event["id"] == id && text("content-type").starts_with("application/cloudevents+json");
        seen.forged += usize::from(!whole);
        seen.requests.push(id.clone());
        let does = seen.next.pop_front().unwrap_or(Does::Answers(200));
        if matches!(does, Does::CutsAfterTaking | Does::Answers(200..=299)) {
            seen.events.insert(id, event);
        }
        does
    };
    match does {
        Does::Answers(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Does::AnswersAfter(status, after) => (StatusCode::from_u16(status).unwrap(), [(header::RETRY_AFTER, after)]).into_response(),
        Does::Redirects(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Does::Hangs => std::future::pending().await,
        Does::CutsAfterTaking => panic!("the connection is cut"),
        Does::Drips => {
            let drops = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b".")), ()))
            });
            axum::body::Body::from_stream(drops).into_response()
        }
    }
}
