//! Which addresses are no public destination: one table per family, and the IPv4 addresses that IPv6 ones carry inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 ranges that are not public: first address, prefix length, what they are.
const V4: [(u32, u32, &str); 18] = [
    (0x0000_0000, 8, "an unspecified address"),
    (0x0a00_0000, 8, "a private address"),
    (0x6440_0000, 10, "a carrier-grade NAT address"),
    (0x7f00_0000, 8, "a loopback address"),
    (0xa83f_8110, 32, "a cloud metadata address"),
    (0xa9fe_a9fe, 32, "a cloud metadata address"),
    (0xa9fe_0000, 16, "a link-local address"),
    (0xac10_0000, 12, "a private address"),
    (0xc000_0000, 24, "a protocol assignment"),
    (0xc000_0200, 24, "a documentation address"),
    (0xc058_6300, 24, "a 6to4 relay address"),
    (0xc0a8_0000, 16, "a private address"),
    (0xc612_0000, 15, "a benchmarking address"),
    (0xc633_6400, 24, "a documentation address"),
    (0xcb00_7100, 24, "a documentation address"),
    (0xe000_0000, 4, "a multicast address"),
    (0xffff_ffff, 32, "a broadcast address"),
    (0xf000_0000, 4, "a reserved address"),
];

/// IPv6 ranges that are not public: first address, prefix length, what they are. Beyond the table everything outside
/// 2000::/3 counts as not public too.
const V6: [(u128, u32, &str); 16] = [
    (0, 128, "an unspecified address"),
    (1, 128, "a loopback address"),
    (0, 96, "an IPv4-compatible address"),
    (0x0000_0000_0000_0000_ffff_0000_0000_0000, 96, "an IPv4-translated address"),
    (0x0064_ff9b_0000_0000_0000_0000_0000_0000, 96, "a NAT64 address"),
    (0x0064_ff9b_0001_0000_0000_0000_0000_0000, 48, "a NAT64 address"),
    (0x0100_0000_0000_0000_0000_0000_0000_0000, 63, "a discard address"),
    (0x2001_0000_0000_0000_0000_0000_0000_0000, 32, "a Teredo address"),
    (0x2001_0000_0000_0000_0000_0000_0000_0000, 23, "a protocol assignment"),
    (0x2001_0db8_0000_0000_0000_0000_0000_0000, 32, "a documentation address"),
    (0x2002_0000_0000_0000_0000_0000_0000_0000, 16, "a 6to4 address"),
    (0x3fff_0000_0000_0000_0000_0000_0000_0000, 20, "a documentation address"),
    (0xfc00_0000_0000_0000_0000_0000_0000_0000, 7, "a unique local address"),
    (0xfe80_0000_0000_0000_0000_0000_0000_0000, 10, "a link-local address"),
    (0xfec0_0000_0000_0000_0000_0000_0000_0000, 10, "a site-local address"),
    (0xff00_0000_0000_0000_0000_0000_0000_0000, 8, "a multicast address"),
];

/// The address that is really meant: an IPv4-mapped IPv6 address is its IPv4 address.
#[must_use]
pub const fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// What kind of non-public address this is; `None` for public ones. Judges the address itself, not one carried inside.
#[must_use]
pub fn why_not_public(ip: IpAddr) -> Option<&'static str> {
    match canonical(ip) {
        IpAddr::V4(v4) => V4.iter().find(|(first, length, _)| (v4.to_bits() ^ first) >> (32 - length) == 0).map(|(_, _, what)| *what),
        IpAddr::V6(v6) => {
            let inside = |first: u128, length: u32| (v6.to_bits() ^ first).checked_shr(128 - length).unwrap_or(0) == 0;
            let listed = V6.iter().find(|(first, length, _)| inside(*first, *length)).map(|(_, _, what)| *what);
            listed.or_else(|| (v6.to_bits() >> 125 != 1).then_some("an address outside the public range"))
        }
    }
}

/// The IPv4 address that an IPv6 address carries to a gateway (NAT64, 6to4, Teredo, translated, compatible, ISATAP).
#[must_use]
pub fn carried(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = canonical(ip) else {
        return None;
    };
    let low = |v6: Ipv6Addr| Ipv4Addr::from_bits(u32::try_from(v6.to_bits() & 0xffff_ffff).unwrap_or_default());
    match v6.segments() {
        [0x2002, a, b, ..] => Some(Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b))),
        [0x2001, 0, .., a, b] => Some(Ipv4Addr::from_bits(!(u32::from(a) << 16 | u32::from(b)))),
        [0x64, 0xff9b, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some(low(v6)),
        [0, 0, 0, 0, 0, 0, a, _] if a != 0 => Some(low(v6)),
        _ => None,
    }
}
