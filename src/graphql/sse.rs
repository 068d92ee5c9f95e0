//! GraphQL over SSE, "distinct connections": one operation a connection, `next` for each answer, `complete` at the end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;

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
const WAITING: usize = 8;

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

/// Runs an operation as a stream.
///
/// # Errors
/// `RATE_LIMITED` where there are as many streams as there may be.
pub async fn stream(app: &Arc<App>, ready: Ready, caller: Caller, expires_at: DateTime<Utc>, manner: &Manner) -> Result<Response, Refusal> {
    let mut place = app.places.take().ok_or(Error::Unavailable("as many sockets as there may be".into()))?;
    if !place.belongs_to(&caller.origin.actor.subject) {
        return Err(Error::RateLimited { seconds: 60 }.into());
    }
    let (to, from) = channel::<Result<Bytes, Infallible>>(WAITING);
    let answers = subscribe(Arc::clone(app), ready, caller, manner.clone()).await;
    let (app, manner) = (Arc::clone(app), manner.clone());
    tokio::spawn(async move {
        write(&app, answers, expires_at, &manner, &to).await;
        drop(place);
    });
    Ok(respond(Body::from_stream(ReceiverStream::new(from))))
}

async fn write(app: &App, mut answers: Answers, expires_at: DateTime<Utc>, manner: &Manner, to: &Sender<Result<Bytes, Infallible>>) {
    let patience = Duration::from_millis(app.settings.socket_send_timeout_ms);
    let quiet = Duration::from_millis(app.settings.socket_ping_ms);
    let left = (expires_at - app.store.now()).to_std().unwrap_or_default();
    let mut expired = pin!(tokio::time::sleep(left));
    loop {
        let (text, last) = tokio::select! {
            answer = answers.next() => match answer {
                Some(answer) => (next(&answer.body), false),
                None => (COMPLETE.to_owned(), true),
            },
            () = &mut expired => {
                let said = Error::Unauthenticated(say("The token has expired", "令牌已过期"));
                (format!("{}{COMPLETE}", next(&refused(manner, &said.into()))), true)
            }
            () = app.stop.cancelled() => (COMPLETE.to_owned(), true),
            () = to.closed() => return,
            // A comment keeps proxies from closing a quiet connection.
            () = tokio::time::sleep(quiet) => (":\n\n".to_owned(), false),
        };
        if to.send_timeout(Ok(text.into()), patience).await.is_err() {
            tracing::info!(request_id = manner.request_id, "a stream was dropped: its client is gone or reads too slowly");
            return;
        }
        if last {
            return;
        }
    }
}
