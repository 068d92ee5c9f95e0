//! Where webhooks may go (`events.md` 17): a target that resolves to a private, loopback, link-local or otherwise special address is
//! refused when it is connected to, whatever its name said before, unless an allow-list names its network.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::{Said, say};

/// Looks a name up.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// How long a name may take to be looked up when a sink is made.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Lets addresses through, or not.
#[derive(Clone)]
pub struct Guard {
    allowed: Arc<Vec<IpNet>>,
    lookup: Lookup,
}

/// What is refused.
#[derive(Debug)]
pub struct Forbidden(String);

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not a public address, and RELSUM_SINK_ALLOW does not name its network", self.0)
    }
}

impl std::error::Error for Forbidden {}

impl Guard {
    /// With the networks that are allowed beside public ones, and the system's way to look names up.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self::looking(allowed, Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })))
    }

    /// With another way to look names up.
    pub fn looking(allowed: Vec<IpNet>, lookup: Lookup) -> Self {
        Self { allowed: Arc::new(allowed), lookup }
    }

    /// Whether this address may be connected to.
    pub fn lets(&self, ip: IpAddr) -> bool {
        let ip = canonical(ip);
        is_public(ip) || self.allowed.iter().any(|network| network.contains(&ip))
    }

    /// Whether the host of an address is written as one that may not be connected to: then no name is looked up at all.
    pub fn refuses_literally(&self, url: &reqwest::Url) -> Option<Forbidden> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        let ip: IpAddr = host.parse().ok()?;
        (!self.lets(ip)).then(|| Forbidden(ip.to_string()))
    }
}

impl Guard {
    /// What is wrong with a target, as it resolves now: it may resolve otherwise when it is connected to, and is looked at again then.
    pub async fn objects_to(&self, url: &reqwest::Url) -> Option<Said> {
        if let Some(forbidden) = self.refuses_literally(url) {
            return Some(say(forbidden.to_string(), format!("{} 不是公网地址，且不在 RELSUM_SINK_ALLOW 允许的网络中", forbidden.0)));
        }
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let found = tokio::time::timeout(LOOK_UP, (self.lookup)(host.clone())).await;
        match found {
            Ok(Ok(found)) if found.iter().any(|address| self.lets(address.ip())) => None,
            Ok(Ok(found)) if !found.is_empty() => Some(say(
                format!("{host} resolves to no public address, and RELSUM_SINK_ALLOW does not name its network"),
                format!("{host} 未解析到公网地址，且不在 RELSUM_SINK_ALLOW 允许的网络中"),
            )),
            _ => Some(say(format!("{host} does not resolve; check the name"), format!("{host} 无法解析，请检查域名"))),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = (guard.lookup)(name.as_str().to_owned()).await?;
            let (good, bad): (Vec<SocketAddr>, Vec<SocketAddr>) = found.into_iter().partition(|address| guard.lets(address.ip()));
            match (good.is_empty(), bad.first()) {
                (true, Some(bad)) => Err(Forbidden(format!("{} ({})", name.as_str(), bad.ip())).into()),
                (true, None) => Err(std::io::Error::other(format!("{} has no address", name.as_str())).into()),
                (false, _) => {
                    let good: Addrs = Box::new(good.into_iter());
                    Ok(good)
                }
            }
        })
    }
}

/// An address as it is written inside others: mapped, translated and tunnelled ones are what they lead to.
fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let [.., y, z] = v6.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => inner(y, z),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => inner(y, z),
        [0x2002, high, low, ..] => inner(high, low),
        _ => ip,
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => public_v4(v4),
        IpAddr::V6(v6) => public_v6(v6),
    }
}

/// IANA's registry of special addresses.
fn public_v4(ip: Ipv4Addr) -> bool {
    let special = matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    );
    !special
}

fn public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Documentation, Teredo, benchmarking, ORCHID.
        [0x2001, 0x0db8, ..] | [0x2001, 0..=0x01ff, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Only global unicast is given out at all.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_refused_in_every_dress() {
        let guard = Guard::new(vec![]);
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "2001:db8::1",
            "2001::1",
            "fec0::1",
            "100::1",
        ] {
            assert!(!guard.lets(bad.parse().unwrap()), "{bad}");
        }
        for good in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "172.32.0.1", "100.128.0.1"] {
            assert!(guard.lets(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn an_allow_list_names_networks() {
        let guard = Guard::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert!(
            guard.lets("10.9.9.9".parse().unwrap())
                && guard.lets("::ffff:10.9.9.9".parse().unwrap())
                && guard.lets("fd00::1".parse().unwrap())
        );
        assert!(!guard.lets("127.0.0.1".parse().unwrap()));
        let refused = |url: &str| guard.refuses_literally(&url.parse().unwrap()).is_some();
        assert!(refused("http://127.0.0.1/x") && refused("http://[::1]/x") && refused("http://2130706433/") && refused("http://0x7f.1/"));
        assert!(!refused("http://10.1.1.1/") && !refused("http://example.com/"));
    }
}
