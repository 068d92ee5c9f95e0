//! How often somebody may ask: by subject after authentication, by address before (`operations.md`, Limits). Counted per replica.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::http::{Extensions, HeaderMap};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;

use crate::{
    config::{RateLimit, Settings},
    error::{Error, Result},
};

/// After so many checks, those who have not asked for a while are forgotten.
const FORGET_AFTER: u32 = 4_096;

/// The limits.
pub struct Rates {
    subjects: Option<DefaultKeyedRateLimiter<String>>,
    addresses: Option<DefaultKeyedRateLimiter<IpAddr>>,
    trusted: Vec<IpNet>,
    checks: AtomicU32,
}

fn limiter<K: std::hash::Hash + Eq + Clone>(limit: RateLimit) -> Option<DefaultKeyedRateLimiter<K>> {
    let RateLimit::Of(rate) = limit else { return None };
    let quota = Quota::with_period(rate.period / rate.times.get())?;
    Some(DefaultKeyedRateLimiter::hashmap(quota.allow_burst(rate.burst)))
}

impl Rates {
    /// As configured.
    pub fn new(settings: &Settings) -> Self {
        Self {
            subjects: limiter(settings.subject_rate()),
            addresses: limiter(settings.address_rate()),
            trusted: settings.trusted_proxies.clone(),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request of a subject.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub fn subject(&self, subject: &str) -> Result<()> {
        self.forget();
        check(self.subjects.as_ref(), &subject.to_owned())
    }

    /// Counts a request of an address, before anybody knows who asks. Without a connection (in a test) there is no address.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<()> {
        self.forget();
        match self.client(headers, extensions) {
            Some(address) => check(self.addresses.as_ref(), &address),
            None => Ok(()),
        }
    }

    /// The client's address: the peer's, or what trusted proxies say it is; of IPv6 the network, since a client has all of it.
    pub fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = peer(extensions)?;
        if !self.trusts(peer) {
            return Some(network(peer));
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        let forwarded: Vec<&str> = forwarded.map(str::trim).collect();
        // From the right: what stands left of the first address that is not ours, anybody may have written.
        for hop in forwarded.into_iter().rev() {
            let Some(hop) = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip())) else { break };
            if !self.trusts(hop) {
                return Some(network(hop));
            }
        }
        Some(peer)
    }

    /// Whether the request came over TLS, as a trusted proxy says.
    pub fn behind_tls(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        let https = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        https && peer(extensions).is_some_and(|peer| self.trusts(peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }

    fn forget(&self) {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            if let Some(subjects) = &self.subjects {
                subjects.retain_recent();
            }
            if let Some(addresses) = &self.addresses {
                addresses.retain_recent();
            }
        }
    }
}

/// The address itself, or the /64 that an IPv6 client commands.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>, key: &K) -> Result<()> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(key).map_err(|until| {
        let wait: Duration = until.wait_time_from(DefaultClock::default().now());
        Error::RateLimited { seconds: wait.as_secs() + 1 }
    })
}
