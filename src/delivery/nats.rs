//! NATS JetStream (`events.md` 19): one broker, whose streams are made or checked when a sink is first used; published with
//! acknowledgement, and deduplicated by the event's id. A broker that is away or full only leaves deliveries waiting.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{self, stream},
};
use tokio::sync::{Mutex, OnceCell};

/// How long the broker may take to acknowledge.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);
/// How long the broker remembers ids, beside what streams that exist already are set to.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// The broker.
pub struct Broker {
    url: String,
    connection: OnceCell<(async_nats::Client, jetstream::Context)>,
    checked: Mutex<HashSet<(String, String)>>,
}

/// What is published.
pub struct Message {
    /// The stream.
    pub stream: String,
    /// What stands before the type.
    pub prefix: String,
    /// The type, without the CloudEvents prefix.
    pub kind: String,
    /// The event's id.
    pub id: String,
    /// The event.
    pub body: String,
}

impl Broker {
    /// A broker that is not connected to yet.
    pub fn new(url: String) -> Arc<Self> {
        Arc::new(Self { url, connection: OnceCell::new(), checked: Mutex::default() })
    }

    async fn context(&self) -> Result<&jetstream::Context, String> {
        let connect = async {
            // Connected once, it connects again by itself.
            let options = async_nats::ConnectOptions::new().name("relsum").connection_timeout(Duration::from_secs(5)).max_reconnects(None);
            let client = options.connect(&self.url).await.map_err(|e| format!("the broker: {e}"))?;
            let mut context = jetstream::new(client.clone());
            context.set_timeout(ACKNOWLEDGED_WITHIN);
            Ok::<_, String>((client, context))
        };
        let (client, context): &(async_nats::Client, jetstream::Context) = self.connection.get_or_try_init(|| connect).await?;
        // While it is away, nobody waits for an acknowledgement that cannot come.
        if client.connection_state() == async_nats::connection::State::Connected { Ok(context) } else { Err("the broker is away".into()) }
    }

    /// Publishes, and waits for the acknowledgement that it is stored.
    ///
    /// # Errors
    /// What failed; the event may be stored nevertheless, and is known by its id then.
    pub async fn publish(&self, message: Message) -> Result<(), String> {
        let context = self.context().await?;
        self.ready(context, &message.stream, &message.prefix).await?;
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", message.id.as_str());
        headers.insert("Nats-Expected-Stream", message.stream.as_str());
        headers.insert("Content-Type", super::envelope::MEDIA_TYPE);
        let subject = format!("{}.{}", message.prefix, message.kind);
        let sent = context.publish_with_headers(subject, headers, message.body.into()).await;
        let acknowledged = match sent {
            Ok(acknowledgement) => acknowledgement.await.map(|_| ()).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if acknowledged.is_err() {
            // The stream may have been removed: it is checked again at the next attempt.
            self.checked.lock().await.remove(&(message.stream, message.prefix));
        }
        acknowledged
    }

    /// Makes the stream, or checks that one which exists takes these subjects.
    async fn ready(&self, context: &jetstream::Context, name: &str, prefix: &str) -> Result<(), String> {
        let key = (name.to_owned(), prefix.to_owned());
        if self.checked.lock().await.contains(&key) {
            return Ok(());
        }
        let wanted = format!("{prefix}.>");
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![wanted.clone()],
            duplicate_window: REMEMBERED,
            description: Some("Events of Relsum".into()),
            ..stream::Config::default()
        };
        let found = context.get_or_create_stream(config).await.map_err(|e| format!("the stream {name}: {e}"))?;
        let takes = found.cached_info().config.subjects.iter().any(|subject| *subject == wanted || subject == ">");
        if !takes {
            return Err(format!("the stream {name} exists and does not take {wanted}"));
        }
        self.checked.lock().await.insert(key);
        Ok(())
    }
}
