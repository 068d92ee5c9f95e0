//! The application on a port of its own, with sockets and streams.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use super::{Person, TestApp};

/// No test waits longer: what does not come in this time does not come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A service on a port.
pub struct Served {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), String>>,
}

impl Served {
    pub async fn start(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(relsum::lifecycle::serve(app.app.clone(), listener, stop.clone(), true));
        Self { address, stop, task }
    }

    /// Stops it, which ends cleanly.
    pub async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("it does not stop").unwrap().unwrap();
    }

    /// A socket that speaks this subprotocol, or none.
    pub async fn socket(&self, protocol: &str) -> Socket {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        if !protocol.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        Socket { stream: connect_async(request).await.unwrap().0, heard: VecDeque::new() }
    }

    /// A socket on which `connection_init` was acknowledged.
    pub async fn connected(&self, person: &Person<'_>) -> Socket {
        let mut socket = self.socket("graphql-transport-ws").await;
        socket.say(init(&person.token)).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// A socket with one subscription, whose id is `s`.
    pub async fn subscribed(&self, person: &Person<'_>, query: &str) -> Socket {
        let mut socket = self.connected(person).await;
        socket.subscribe("s", query).await;
        socket
    }
}

/// `connection_init` with a token.
pub fn init(token: &str) -> Value {
    json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })
}

/// A client's end of a socket.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Heard while something else was waited for.
    heard: VecDeque<Value>,
}

impl Socket {
    pub async fn say(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Subscribes, and waits until the server has read it: it answers a ping behind it.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
        self.say(json!({ "type": "ping" })).await;
        loop {
            let message = self.fresh().await;
            if message["type"] == "pong" {
                return;
            }
            self.heard.push_back(message);
        }
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        match self.heard.pop_front() {
            Some(message) => message,
            None => self.fresh().await,
        }
    }

    async fn fresh(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The data of the next message, which is a `next` of the subscription `s`.
    pub async fn data(&mut self) -> Value {
        let message = self.hear().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!("s")), "{message}");
        assert_eq!(message["payload"].get("errors"), None, "{message}");
        message["payload"]["data"].clone()
    }

    /// The code with which the server closes, whatever it says before.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Some(_) => {}
                None => return None,
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(message)) => return Some(message),
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(PATIENCE, next).await.expect("nothing comes")
    }
}
