//! GraphQL over SSE, "distinct connections": one operation a connection, `next` for each answer, `complete` at the end.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream::unfold};
use tokio::sync::mpsc::{Sender, channel};

use super::{
    answer::{Manner, refused},
    context::Caller,
    front::{Answers, Ready, subscribe},
    refusal::Refusal,
};
use crate::{
    app::App,
    error::{Error, say},
};

/// Answers that wait for a client to read them; with more, the subscription waits.
const WAITING: usize = 1;

const COMPLETE: &str = "event: complete\ndata:\n\n";

fn next(body: &str) -> String {
    format!("event: next\ndata: {body}\n\n")
}

fn respond(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept, Accept-Language, Authorization"),
    ];
    (StatusCode::OK, headers, [("x-accel-buffering", "no")], body).into_response()
}

/// A stream of one answer.
pub fn once(body: &str) -> Response {
    respond(Body::from(format!("{}{COMPLETE}", next(body))))
}

/// Runs a subscription as a stream.
///
/// # Errors
/// `RATE_LIMITED` where there are as many streams as there may be.
pub async fn stream(app: &Arc<App>, ready: Ready, caller: Caller, ends_at: DateTime<Utc>, manner: &Manner) -> Result<Response, Refusal> {
    let place = app.places.take(&caller.origin.actor.subject).ok_or(Error::RateLimited { seconds: 60 })?;
    let (to, from) = channel(WAITING);
    let answers = subscribe(Arc::clone(app), ready, caller, manner.clone()).await;
    let (app, manner) = (Arc::clone(app), manner.clone());
    tokio::spawn(async move { write(&app, answers, ends_at, &manner, &to).await });
    // The place is the connection's, whose memory lives until the client is gone, however slowly it reads.
    let body = unfold(Some((from, place)), |state| async move {
        let (mut from, place) = state?;
        match from.recv().await {
            Some(Part::More(text)) => Some((Ok(Bytes::from(text)), Some((from, place)))),
            Some(Part::Last(text)) => Some((Ok(Bytes::from(text)), None)),
            // Cut off, not complete: the client connects again, and resumes.
            None => Some((Err(io::Error::other("the stream was cut off")), None)),
        }
    });
    Ok(respond(Body::from_stream(body)))
}

/// A part of the body.
enum Part {
    More(String),
    Last(String),
}

/// Writes until the subscription is over. A client that reads too slowly, and one whose service stops, is cut off.
async fn write(app: &App, mut answers: Answers, ends_at: DateTime<Utc>, manner: &Manner, to: &Sender<Part>) {
    let patience = Duration::from_millis(app.settings.socket_send_timeout_ms);
    let quiet = Duration::from_millis(app.settings.socket_ping_ms);
    let left = (ends_at - app.store.now()).to_std().unwrap_or_default();
    let mut expired = pin!(tokio::time::sleep(left));
    loop {
        let part = tokio::select! {
            answer = answers.next() => match answer {
                Some(answer) => Part::More(next(&answer.text())),
                None => Part::Last(COMPLETE.to_owned()),
            },
            () = &mut expired => {
                let said = Error::Unauthenticated(say("The token has expired", "令牌已过期"));
                Part::Last(format!("{}{COMPLETE}", next(&refused(manner, &said.into()))))
            }
            () = app.stop.cancelled() => return,
            () = to.closed() => return,
            // A comment keeps proxies from closing a quiet connection.
            () = tokio::time::sleep(quiet) => Part::More(":\n\n".to_owned()),
        };
        let last = matches!(part, Part::Last(_));
        if to.send_timeout(part, patience).await.is_err() {
            tracing::info!(request_id = manner.request_id, "a stream was cut off: its client is gone or reads too slowly");
            return;
        }
        if last {
            return;
        }
    }
}
