//! The address guard: which URLs may be called at all. Asked when an action is saved and again when connecting.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use ipnet::IpNet;
use url::{Host, Url};

use super::ranges::{canonical, carried, why_not_public};
use crate::model::FieldError;
use crate::model::execution::ErrorClass;

/// Longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 8192;
/// Names that clouds give their metadata service; refused already when saved.
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"];

/// Why a URL or address is not called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `bad_url` or `forbidden_target`.
    pub code: &'static str,
    /// An English sentence. Never shows an address that a name resolved to.
    pub message: String,
}

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self { code: "bad_url", message: message.into() }
    }

    fn forbidden(target: &str, what: &str) -> Self {
        let message = format!("{target} is {what}; only public addresses are called. The operator can allow it with EVENT_ACTIONS_ALLOW_TARGETS.");
        Self { code: "forbidden_target", message }
    }

    /// The class of the error at run time.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        if self.code == "bad_url" { ErrorClass::Configuration } else { ErrorClass::ForbiddenTarget }
    }

    /// The fault at save time, at `pointer`.
    #[must_use]
    pub fn at(self, pointer: &str) -> FieldError {
        FieldError::new(pointer, self.code, self.message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// What an entry of the allow list names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    Net(IpNet),
    Name(String),
    /// `*.example.internal`: every name below.
    Below(String),
}

/// The guard with its allow list and the addresses the service itself listens on.
#[derive(Debug)]
pub struct Guard {
    allow: Vec<(Allowed, Option<u16>)>,
    own: Vec<SocketAddr>,
}

impl Guard {
    /// A guard. Entries of `allow`: `10.0.0.0/8`, `::1`, `intranet.example`, `*.svc.example`, each optionally with a port
    /// (`127.0.0.1:9000`, `[::1]:9000`). The service's `own` addresses are allowed by an entry with their very port alone.
    ///
    /// # Errors
    /// A sentence naming the entry that cannot be read.
    pub fn new(allow: &[String], own: &[SocketAddr]) -> Result<Self, String> {
        let allow = allow.iter().map(|e| e.trim()).filter(|e| !e.is_empty()).map(entry).collect::<Result<_, _>>()?;
        let own = own.iter().map(|a| SocketAddr::new(canonical(a.ip()), a.port())).collect();
        Ok(Self { allow, own })
    }

    /// Checks everything that can be told of a URL without asking DNS, and parses it.
    ///
    /// # Errors
    /// Why it is not called.
    pub fn check_url(&self, text: &str) -> Result<Url, Refusal> {
        if text.len() > MAX_URL_BYTES {
            return Err(Refusal::bad(format!("The URL is longer than {MAX_URL_BYTES} bytes.")));
        }
        if text.chars().any(char::is_control) {
            return Err(Refusal::bad("The URL contains a control character."));
        }
        let url = Url::parse(text).map_err(|why| Refusal::bad(format!("This is no URL ({why}); write it like https://api.example.com/hook.")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::bad(format!("The scheme is {}; only http and https are called.", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::bad("The URL contains a user name or password; use \"auth\" instead."));
        }
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or_else(|| Refusal::bad("Port 0 cannot be called."))?;
        match url.host() {
            None => return Err(Refusal::bad("The URL has no host.")),
            Some(Host::Ipv4(ip)) => self.check_address(None, ip.into(), Some(port))?,
            Some(Host::Ipv6(ip)) => self.check_address(None, ip.into(), Some(port))?,
            Some(Host::Domain(name)) => self.check_name(&bare(name), port)?,
        }
        Ok(url)
    }

    /// Checks what `name` resolved to; `port` is none when no rule names the port. Any forbidden address refuses them all;
    /// only of `localhost`, which no stranger controls, the permitted ones are kept.
    ///
    /// # Errors
    /// Why none of them is called.
    pub fn check_answer(&self, name: &str, addresses: Vec<SocketAddr>, port: Option<u16>) -> Result<Vec<SocketAddr>, Refusal> {
        let name = bare(name);
        let check = |a: &SocketAddr| self.check_address(Some(&name), a.ip(), port);
        if is_localhost(&name) && addresses.iter().any(|a| check(a).is_ok()) {
            return Ok(addresses.into_iter().filter(|a| check(a).is_ok()).collect());
        }
        addresses.iter().try_for_each(check)?;
        Ok(addresses)
    }

    /// The port when a rule names it: an own address or an entry of the allow list.
    #[must_use]
    pub fn special_port(&self, port: u16) -> Option<u16> {
        let named = self.own.iter().any(|own| own.port() == port) || self.allow.iter().any(|(_, p)| *p == Some(port));
        named.then_some(port)
    }

    fn check_name(&self, name: &str, port: u16) -> Result<(), Refusal> {
        if is_localhost(name) {
            return self.check_address(Some(name), Ipv4Addr::LOCALHOST.into(), Some(port));
        }
        if METADATA_NAMES.contains(&name) && !self.allows_name(name, Some(port)) {
            return Err(Refusal::forbidden(name, "a cloud metadata service"));
        }
        Ok(())
    }

    fn check_address(&self, name: Option<&str>, ip: IpAddr, port: Option<u16>) -> Result<(), Refusal> {
        let ip = canonical(ip);
        let shown = || name.map_or_else(|| ip.to_string(), |name| format!("What {name} resolves to"));
        if port.is_some_and(|port| self.is_own(ip, port) && !self.names_port(name, ip, port)) {
            return Err(Refusal::forbidden(&shown(), "this service itself"));
        }
        if name.is_some_and(|name| self.allows_name(name, port)) {
            return Ok(());
        }
        for ip in [Some(ip), carried(ip).map(IpAddr::V4)].into_iter().flatten() {
            if let Some(what) = why_not_public(ip)
                && !self.allows_ip(ip, port)
            {
                return Err(Refusal::forbidden(&shown(), what));
            }
        }
        Ok(())
    }

    fn allows_ip(&self, ip: IpAddr, port: Option<u16>) -> bool {
        self.allow.iter().any(|(what, p)| (p.is_none() || *p == port) && covers_ip(what, ip))
    }

    fn allows_name(&self, name: &str, port: Option<u16>) -> bool {
        self.allow.iter().any(|(what, p)| (p.is_none() || *p == port) && covers_name(what, name))
    }

    /// Whether an entry allows this target by its very port, which is what the service's own address needs.
    fn names_port(&self, name: Option<&str>, ip: IpAddr, port: u16) -> bool {
        self.allow.iter().any(|(what, p)| *p == Some(port) && (covers_ip(what, ip) || name.is_some_and(|name| covers_name(what, name))))
    }

    fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        self.own.iter().filter(|own| own.port() == port).any(|own| match own.ip() {
            own if own.is_unspecified() => is_this_machine(ip),
            own => own == ip || (ip.is_unspecified() && own.is_loopback()),
        })
    }
}

fn entry(text: &str) -> Result<(Allowed, Option<u16>), String> {
    let ip = |ip: IpAddr| Allowed::Net(IpNet::from(canonical(ip)));
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok((Allowed::Net(net.trunc()), None));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((ip(address), None));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((ip(address.ip()), Some(address.port())));
    }
    let fault = || format!("{text:?} is neither a CIDR (10.0.0.0/8) nor a host (intranet.example, *.svc.example), with or without a port.");
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| fault())?)),
        None => (text, None),
    };
    let (below, host) = host.strip_prefix("*.").map_or((false, host), |rest| (true, rest));
    match Host::parse(host).map_err(|_| fault())? {
        Host::Domain(name) if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) => Err(fault()),
        Host::Domain(name) if below => Ok((Allowed::Below(bare(&name)), port)),
        Host::Domain(name) => Ok((Allowed::Name(bare(&name)), port)),
        Host::Ipv4(_) | Host::Ipv6(_) => Err(fault()),
    }
}

fn covers_ip(what: &Allowed, ip: IpAddr) -> bool {
    matches!(what, Allowed::Net(net) if net.contains(&ip))
}

fn covers_name(what: &Allowed, name: &str) -> bool {
    match what {
        Allowed::Net(_) => false,
        Allowed::Name(allowed) => allowed == name,
        Allowed::Below(parent) => name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// A host name as rules compare it: lower case, without the root's dot.
fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address is one of this machine's: the system would send to it from itself. Sends nothing.
fn is_this_machine(ip: IpAddr) -> bool {
    if ip.is_loopback() || ip.is_unspecified() {
        return true;
    }
    let any: SocketAddr = if ip.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (std::net::Ipv6Addr::UNSPECIFIED, 0).into() };
    let local = UdpSocket::bind(any).and_then(|socket| socket.connect((ip, 9)).and_then(|()| socket.local_addr()));
    local.is_ok_and(|local| local.ip() == ip)
}
