//! Subscriptions over WebSocket: `graphql-transport-ws`. One task a socket; nothing is buffered for a client that does not read:
//! while a message is being sent, the subscriptions wait, and a client that takes too long is dropped.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade},
    http::{header, request::Parts},
    response::Response,
};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::StreamMap;

use super::{
    answer::{Answer, Manner},
    asked::Asked,
    context::Caller,
    frames::{self, Close, Message},
    front::subscribe,
    negotiate::language_of,
    places::Place,
    refusal::Refusal,
};
use crate::{
    app::App,
    auth::{Actor, token::Identity},
    error::{Error, Result},
    store::Origin,
};

const PROTOCOL: &str = "graphql-transport-ws";
/// Bytes that a socket reads at once: a thousand sockets cost a thousand of them. Nothing is written ahead: one message is sent
/// after the other.
const READ_BUFFER: usize = 4 * 1024;

/// Answers the upgrade. It is open; what comes after `connection_init` is not.
///
/// # Errors
/// `RATE_LIMITED`, and `SERVICE_UNAVAILABLE` where too many sockets wait to say who they are.
pub fn accept(app: Arc<App>, upgrade: WebSocketUpgrade, parts: &Parts, manner: Manner) -> Result<Response> {
    app.rates.address(&parts.headers, &parts.extensions)?;
    let address = app.rates.client(&parts.headers, &parts.extensions);
    let place = app.places.wait(address).ok_or_else(|| Error::Unavailable("too many sockets wait for connection_init".into()))?;
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let largest = app.settings.socket_frame_bytes;
    let upgrade =
        upgrade.protocols([PROTOCOL]).max_message_size(largest).max_frame_size(largest).read_buffer_size(READ_BUFFER).write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut session = Session { socket, app, manner, place, authorization, streams: StreamMap::new() };
        let close = match session.run().await {
            Err(close) => close,
            Ok(never) => match never {},
        };
        if let Some(close) = close {
            session.close(close).await;
        }
    }))
}

/// What a subscription sends: an answer, or that it is over.
type Told = Pin<Box<dyn Stream<Item = Option<Answer>> + Send>>;

/// Ends a session: with a code, or without a word where the client is gone.
type End = Option<Close>;

struct Session {
    socket: WebSocket,
    app: Arc<App>,
    manner: Manner,
    place: Place,
    /// From the upgrade, for clients that can set headers.
    authorization: Option<String>,
    streams: StreamMap<String, Told>,
}

/// What happens next.
enum Event {
    Frame(Option<std::result::Result<Frame, axum::Error>>),
    Answer(String, Option<Answer>),
    Quiet,
    Expired,
    Stopped,
}

impl Session {
    async fn run(&mut self) -> std::result::Result<Infallible, End> {
        if self.socket.protocol().is_none() {
            return Err(Some(frames::SUBPROTOCOL));
        }
        let identity = self.init().await?;
        self.send(frames::ACK.to_owned()).await?;
        let ends_at = identity.ends_at(self.app.store.now());
        self.serve(&identity.actor, ends_at).await
    }

    /// Waits for `connection_init`, and for a token in it.
    async fn init(&mut self) -> std::result::Result<Identity, End> {
        let deadline = Instant::now() + Duration::from_millis(self.app.settings.socket_init_timeout_ms);
        let stop = self.app.stop.clone();
        loop {
            let frame = tokio::select! {
                frame = self.socket.recv() => frame,
                () = sleep_until(deadline) => return Err(Some(frames::INIT_TIMEOUT)),
                () = stop.cancelled() => return Err(Some(frames::GOING_AWAY)),
            };
            match message(frame)? {
                Some(Message::Init(payload)) => {
                    let identity = self.identify(&payload).await?;
                    self.place = self.app.places.take(&identity.actor.subject).ok_or(Some(frames::TOO_MANY))?;
                    return Ok(identity);
                }
                Some(Message::Ping) => self.send(frames::PONG.to_owned()).await?,
                Some(Message::Subscribe(..)) => return Err(Some(frames::UNAUTHORIZED)),
                Some(Message::Complete(_) | Message::Pong) | None => {}
            }
        }
    }

    /// The token in the payload, as `Authorization` or `authorization` with or without `Bearer`, or in the upgrade's header.
    async fn identify(&mut self, payload: &Value) -> std::result::Result<Identity, End> {
        if let Some(languages) =
            ["acceptLanguage", "Accept-Language", "accept-language"].into_iter().find_map(|key| payload.get(key)?.as_str())
        {
            self.manner.lang = language_of(languages);
        }
        let given = ["Authorization", "authorization", "token"].into_iter().find_map(|key| payload.get(key)?.as_str());
        let given = given.map(|text| if text.contains(' ') { text.to_owned() } else { format!("Bearer {text}") });
        let identity = self.app.verifier.identity_of(given.as_deref().or(self.authorization.as_deref())).await;
        let identity = identity.map_err(|_| Some(frames::FORBIDDEN))?;
        self.app.rates.subject(&identity.actor.subject).map_err(|_| Some(frames::TOO_MANY))?;
        Ok(identity)
    }

    async fn serve(&mut self, actor: &Actor, ends_at: DateTime<Utc>) -> std::result::Result<Infallible, End> {
        let quiet = Duration::from_millis(self.app.settings.socket_ping_ms);
        let left = (ends_at - self.app.store.now()).to_std().unwrap_or_default();
        // A token that outlives every clock is as good as one for a century.
        let expiry = Instant::now() + left.min(Duration::from_secs(100 * 365 * 24 * 3_600));
        let mut ping_at = Instant::now() + quiet;
        let mut waits_for_pong = false;
        let stop = self.app.stop.clone();
        loop {
            // A pong that waits to be read counts before the ping that it answers is given up.
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => Event::Stopped,
                () = sleep_until(expiry) => Event::Expired,
                frame = self.socket.recv() => Event::Frame(frame),
                Some((id, answer)) = self.streams.next(), if !self.streams.is_empty() => Event::Answer(id, answer),
                () = sleep_until(ping_at) => Event::Quiet,
            };
            match event {
                Event::Frame(frame) => {
                    (waits_for_pong, ping_at) = (false, Instant::now() + quiet);
                    if let Some(message) = message(frame)? {
                        self.take(message, actor).await?;
                    }
                }
                Event::Answer(id, answer) => self.tell(id, answer).await?,
                Event::Quiet if waits_for_pong => return Err(None),
                Event::Quiet => {
                    (waits_for_pong, ping_at) = (true, Instant::now() + quiet);
                    self.write(Frame::Ping(axum::body::Bytes::new())).await?;
                }
                Event::Expired => return Err(Some(frames::EXPIRED)),
                Event::Stopped => return Err(Some(frames::GOING_AWAY)),
            }
        }
    }

    async fn take(&mut self, message: Message, actor: &Actor) -> std::result::Result<(), End> {
        match message {
            Message::Init(_) => Err(Some(frames::INIT_AGAIN)),
            Message::Ping => self.send(frames::PONG.to_owned()).await,
            Message::Pong => Ok(()),
            Message::Complete(id) => {
                self.streams.remove(&id);
                Ok(())
            }
            Message::Subscribe(id, payload) => {
                if self.streams.contains_key(&id) {
                    return Err(Some(Close(4409, format!("Subscriber for {id:.60} already exists").into())));
                }
                match self.begin(payload, actor).await {
                    Ok(stream) => {
                        self.streams.insert(id, stream);
                        Ok(())
                    }
                    Err(refusal) => {
                        let errors = json!([refusal.told(self.manner.lang, &self.manner.request_id)]);
                        self.send(frames::error(&id, &errors)).await
                    }
                }
            }
        }
    }

    async fn begin(&mut self, payload: Value, actor: &Actor) -> Result<Told, Refusal> {
        self.app.rates.subject(&actor.subject)?;
        if self.streams.len() >= self.app.settings.subscriptions_per_socket {
            return Err(Error::RateLimited { seconds: 60 }.into());
        }
        let ready = self.app.front.prepare(Asked::from_value(payload)?)?;
        if ready.kind != OperationType::Subscription {
            let (en, zh) =
                ("Only subscriptions go over a socket; POST the rest to /graphql", "WebSocket 仅支持订阅，其他操作请 POST 到 /graphql");
            return Err(Refusal::wrong_transport(en, zh));
        }
        let origin = Origin { actor: actor.clone(), request_id: self.manner.request_id.clone() };
        let caller = Caller { origin, lang: self.manner.lang };
        let answers = subscribe(Arc::clone(&self.app), ready, caller, self.manner.clone()).await;
        Ok(Box::pin(answers.map(Some).chain(stream::once(std::future::ready(None)))))
    }

    /// Sends what a subscription tells. One that could not begin ends with `error`, after which no `complete` comes.
    async fn tell(&mut self, id: String, answer: Option<Answer>) -> std::result::Result<(), End> {
        match answer {
            Some(answer) if answer.request_error => {
                self.streams.remove(&id);
                self.send(frames::error(&id, &answer.errors())).await
            }
            Some(answer) => self.send(frames::next(&id, &answer.text())).await,
            None => {
                self.streams.remove(&id);
                self.send(frames::complete(&id)).await
            }
        }
    }

    async fn send(&mut self, text: String) -> std::result::Result<(), End> {
        self.write(Frame::Text(text.into())).await
    }

    async fn write(&mut self, frame: Frame) -> std::result::Result<(), End> {
        let patience = Duration::from_millis(self.app.settings.socket_send_timeout_ms);
        match timeout(patience, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => {
                tracing::info!(request_id = self.manner.request_id, "a socket was dropped: its client reads too slowly");
                Err(Some(frames::TOO_SLOW))
            }
        }
    }

    /// Says why, and waits a moment for the client's own close: an answer that nobody reads is not waited for.
    async fn close(&mut self, Close(code, reason): Close) {
        let frame = Frame::Close(Some(CloseFrame { code, reason: reason.as_ref().into() }));
        let farewell = async {
            if self.socket.send(frame).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        let _ = timeout(Duration::from_secs(1), farewell).await;
    }
}

/// The message in a frame; nothing for those of the transport itself.
fn message(frame: Option<std::result::Result<Frame, axum::Error>>) -> std::result::Result<Option<Message>, End> {
    match frame {
        None | Some(Ok(Frame::Close(_))) => Err(None),
        Some(Err(error)) => Err(broken(&error)),
        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(None),
        Some(Ok(Frame::Binary(_))) => Err(Some(frames::INVALID)),
        Some(Ok(Frame::Text(text))) => frames::read(&text).map(Some).ok_or(Some(frames::INVALID)),
    }
}

/// A frame that is too large, or no text, is told; a connection that is gone is not.
fn broken(error: &axum::Error) -> End {
    let text = error.to_string();
    if text.contains("too long") || text.contains("Space limit") {
        Some(frames::TOO_BIG)
    } else if text.to_lowercase().contains("utf") {
        Some(frames::INVALID)
    } else {
        None
    }
}
