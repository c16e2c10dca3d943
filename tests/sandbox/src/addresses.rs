//! Addresses that a till can be given.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a till reaches a sandbox that listens there: from this machine first, then from others. Whoever listens on
/// all addresses has those of all interfaces.
pub(crate) fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let at = |ip| SocketAddr::new(ip, listen.port());
    let loopback: IpAddr = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => return vec![at(ip)],
    };
    // Without them the till on this machine can go on.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut others: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    others.retain(|ip| match ip {
        // Windows takes no IPv4 where it listens for IPv6.
        IpAddr::V4(ip) => !ip.is_loopback() && (listen.is_ipv4() || !cfg!(windows)),
        // A link-local one says nothing without the name of its interface.
        IpAddr::V6(ip) => !ip.is_loopback() && listen.is_ipv6() && !ip.is_unicast_link_local(),
    });
    others.sort();
    others.dedup();
    [loopback].into_iter().chain(others).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_itself_and_all_addresses_begin_with_loopback() {
        let one = "192.0.2.7:80".parse().unwrap();
        assert_eq!(reachable(one), [one]);
        for (all, first) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80")] {
            let addresses = reachable(all.parse().unwrap());
            assert_eq!(addresses[0], first.parse().unwrap());
            assert!(addresses
                .iter()
                .all(|address| !address.ip().is_unspecified()));
        }
    }
}
