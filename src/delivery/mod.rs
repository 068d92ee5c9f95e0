//! Where the event log goes: to subscriptions, on every replica ([`feed`], [`follow`]); the same log that the rest of delivery reads.

pub mod event;
pub mod feed;
pub mod follow;
pub mod subscription;
