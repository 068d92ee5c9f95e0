//! Where the event log goes: to subscriptions, on every replica ([`feed`], [`follow`], [`subscription`]), and to sinks ([`dispatch`]):
//! webhooks ([`webhook`], which may go where [`guard`] lets them) and NATS JetStream ([`nats`]), as CloudEvents ([`envelope`], [`schemas`]).
//! Sinks are administered in [`sink`] and [`sink_edit`], what goes out is read in [`outgoing`], the log itself in [`search`].

pub mod dispatch;
pub mod envelope;
pub mod event;
pub mod feed;
pub mod follow;
pub mod guard;
pub mod nats;
pub mod outgoing;
pub mod schemas;
pub mod search;
pub mod sink;
pub mod sink_edit;
pub mod subscription;
pub mod webhook;

use async_graphql::MergedObject;

/// The queries of delivery.
#[derive(Default, MergedObject)]
pub struct DeliveryQueries(search::EventQuery, sink::SinkQuery, outgoing::OutgoingQuery);

/// The mutations of delivery.
#[derive(Default, MergedObject)]
pub struct DeliveryMutations(sink_edit::SinkMutation, outgoing::OutgoingMutation);
