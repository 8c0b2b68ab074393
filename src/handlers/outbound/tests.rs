//! The guard as tables: every range, every way to write a host; and the client against a socket.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::guard::Guard;
use super::ranges::{carried, why_not_public};
use super::{Failure, Outbound, OutboundConfig, Request, Response};
use crate::model::execution::{ErrorClass, MAX_CAPTURED_BYTES};

fn guard(allow: &[&str], own: &[&str]) -> Guard {
    let allow: Vec<String> = allow.iter().map(|s| (*s).to_owned()).collect();
    let own: Vec<SocketAddr> = own.iter().map(|s| s.parse().expect("address")).collect();
    Guard::new(&allow, &own).expect("guard")
}

#[test]
fn every_range_is_refused_at_both_ends() {
    for (first, last) in [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("168.63.129.16", "168.63.129.16"),
        ("169.254.0.0", "169.254.255.255"),
        ("169.254.169.254", "100.100.100.200"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
        ("::", "::1"),
        ("::2", "::ffff:ffff"),
        ("::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        ("::ffff:0:1.2.3.4", "::ffff:0:7f00:1"),
        ("64:ff9b::", "64:ff9b::ffff:ffff"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100:0:0:1:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "5f00::1"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fd00:ec2::254", "fd20:ce::254"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        for ip in [first, last] {
            assert!(why_not_public(ip.parse().expect("ip")).is_some(), "{ip}");
        }
    }
}

#[test]
fn their_neighbours_are_public() {
    let public = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "2000::",
        "2001:200::",
        "2001:4860:4860::8888",
        "2003::",
        "2606:4700::1111",
        "3ffe::1",
    ];
    for ip in public {
        assert_eq!(why_not_public(ip.parse().expect("ip")), None, "{ip}");
    }
}

#[test]
fn addresses_inside_addresses_are_seen() {
    for (outer, inner) in [
        ("64:ff9b::7f00:1", Some("127.0.0.1")),
        ("2002:a00:1::", Some("10.0.0.1")),
        ("2001:0:1:2:3:4:80ff:fffe", Some("127.0.0.1")),
        ("::ffff:0:a9fe:a9fe", Some("169.254.169.254")),
        ("::7f00:1", Some("127.0.0.1")),
        ("2600::5efe:c0a8:1", Some("192.168.0.1")),
        ("2600::1", None),
        ("8.8.8.8", None),
    ] {
        assert_eq!(carried(outer.parse().expect("ip")), inner.map(|ip| ip.parse().expect("ip")), "{outer}");
    }
    assert!(guard(&[], &[]).check_url("http://[2600::5efe:c0a8:1]/").is_err());
    let nat64 = guard(&["64:ff9b::/96"], &[]);
    assert!(nat64.check_url("http://[64:ff9b::8.8.8.8]/").is_ok());
    assert!(nat64.check_url("http://[64:ff9b::10.0.0.1]/").is_err());
}

#[test]
fn every_way_to_write_a_url() {
    let guard = guard(&[], &["203.0.114.9:3000"]);
    for (url, code) in [
        ("http://127.0.0.1/", "forbidden_target"),
        ("http://2130706433/", "forbidden_target"),
        ("http://0177.0.0.1/", "forbidden_target"),
        ("http://0x7f.0.0.1/", "forbidden_target"),
        ("http://0x7f000001/", "forbidden_target"),
        ("http://127.1/", "forbidden_target"),
        ("http://127.0.1/", "forbidden_target"),
        ("http://0/", "forbidden_target"),
        ("http://127.0.0.1./", "forbidden_target"),
        ("http://１２７.０.０.１/", "forbidden_target"),
        ("http://①②⑦.⓪.⓪.①/", "forbidden_target"),
        ("http://127。0。0。1/", "forbidden_target"),
        ("http://%31%32%37.0.0.1/", "forbidden_target"),
        ("http://[::1]/", "forbidden_target"),
        ("http://[::]/", "forbidden_target"),
        ("http://[::ffff:127.0.0.1]/", "forbidden_target"),
        ("http://[0:0:0:0:0:ffff:7f00:0001]/", "forbidden_target"),
        ("https://[fe80::1]/", "forbidden_target"),
        ("http://localhost:8080/", "forbidden_target"),
        ("http://LOCALHOST./", "forbidden_target"),
        ("http://a.b.localhost/", "forbidden_target"),
        ("http://ⓛocalhost/", "forbidden_target"),
        ("http://metadata.google.internal/computeMetadata/v1/", "forbidden_target"),
        ("http://169.254.169.254/latest/meta-data/", "forbidden_target"),
        ("http://203.0.114.9:3000/api", "forbidden_target"),
        ("http:\\\\127.0.0.1\\x", "forbidden_target"),
        ("ftp://example.com/", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://example.com/", "bad_url"),
        ("http://user@example.com/", "bad_url"),
        ("http://user:pw@example.com/", "bad_url"),
        ("http://:pw@example.com/", "bad_url"),
        ("http://example.com\\@127.0.0.1/", ""),
        ("http://example.com:0/", "bad_url"),
        ("http://example.com:99999/", "bad_url"),
        ("http://[fe80::1%25eth0]/", "bad_url"),
        ("http://256.0.0.1/", "bad_url"),
        ("http:///", "bad_url"),
        ("http://exa mple.com/", "bad_url"),
        ("http://example.com/a\r\nx: y", "bad_url"),
        ("example.com/hook", "bad_url"),
        ("", "bad_url"),
        ("https://example.com/hook?a=b", ""),
        ("https://bücher.example/", ""),
        ("https://8.8.8.8/", ""),
        ("https://[2606:4700::1111]:8443/", ""),
        ("http://203.0.114.9:3001/", ""),
    ] {
        assert_eq!(guard.check_url(url).err().map_or("", |refusal| refusal.code), code, "{url}");
    }
    assert!(guard.check_url(&format!("https://example.com/{}", "x".repeat(9000))).is_err());
}

#[test]
fn the_allow_list_opens_what_it_names_and_no_more() {
    let guard = guard(&["10.1.0.0/16", " fd00::/8 ", "intranet.example", "*.svc.example", "127.0.0.1:9000", "box.example:81"], &["127.0.0.1:3000", "10.1.0.5:80"]);
    for (url, allowed) in [
        ("http://10.1.2.3/", true),
        ("http://10.2.0.1/", false),
        ("http://[::ffff:10.1.2.3]/", true),
        ("http://[fd00::1]/", true),
        ("http://127.0.0.1:9000/", true),
        ("http://127.0.0.1:9001/", false),
        ("http://10.1.0.5:80/", false),
        ("http://10.1.0.5:81/", true),
        ("http://localhost:9000/", true),
        ("http://localhost:3000/", false),
    ] {
        assert_eq!(guard.check_url(url).is_ok(), allowed, "{url}");
    }
    let at = |ips: &[&str]| ips.iter().map(|ip| SocketAddr::new(ip.parse().expect("ip"), 0)).collect::<Vec<_>>();
    for (name, ips, port, kept) in [
        ("public.example", vec!["8.8.8.8", "2606:4700::1"], None, Some(2)),
        ("rebind.example", vec!["8.8.8.8", "127.0.0.1"], None, None),
        ("mixed.example", vec!["10.1.0.1", "10.2.0.1"], None, None),
        ("Intranet.Example.", vec!["192.168.0.1"], None, Some(1)),
        ("a.svc.example", vec!["192.168.0.1"], None, Some(1)),
        ("svc.example", vec!["192.168.0.1"], None, None),
        ("evilsvc.example", vec!["192.168.0.1"], None, None),
        ("box.example", vec!["192.168.0.1"], Some(81), Some(1)),
        ("box.example", vec!["192.168.0.1"], Some(82), None),
        ("intranet.example", vec!["127.0.0.1"], Some(3000), None),
        ("localhost", vec!["::1", "127.0.0.1"], Some(9000), Some(1)),
        ("localhost", vec!["::1", "127.0.0.1"], None, None),
    ] {
        assert_eq!(guard.check_answer(name, at(&ips), port).ok().map(|kept| kept.len()), kept, "{name} {ips:?} {port:?}");
    }
    assert_eq!(guard.special_port(3000), Some(3000));
    assert_eq!(guard.special_port(443), None);
    for bad in ["10.0.0.0/33", "a b", "host:99999", "*", "*.127.0.0.1", "http://x"] {
        assert!(Guard::new(&[bad.to_owned()], &[]).is_err_and(|why| why.contains(bad)), "{bad}");
    }
    let everywhere = self::guard(&["0.0.0.0/0"], &["0.0.0.0:3000"]);
    assert!(everywhere.check_url("http://127.0.0.2:3000/").is_err());
    assert!(everywhere.check_url("http://0.0.0.0:3000/").is_err());
    assert!(everywhere.check_url("http://127.0.0.2:3001/").is_ok());
}

fn request(url: String) -> Request {
    let second = Duration::from_secs(1);
    Request { method: Method::POST, url, headers: HeaderMap::new(), body: Some("{}".into()), verify_tls: true, timeout: second, patience: second }
}

/// Answers every connection with these bytes, then holds it open; gives the port.
async fn sink(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(&answer).await;
                tokio::time::sleep(Duration::from_secs(5)).await;
            });
        }
    });
    port
}

async fn send(answer: impl Into<Vec<u8>>) -> Result<Response, Failure> {
    let outbound = Outbound::new(OutboundConfig { allow_targets: vec!["127.0.0.0/8".into()], ..OutboundConfig::default() }).expect("client");
    outbound.send(request(format!("http://127.0.0.1:{}/", sink(answer.into()).await))).await
}

#[tokio::test]
async fn answers_are_bounded_and_classed() {
    let fine = send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok").await.expect("answer");
    assert_eq!((fine.status, fine.body.as_slice(), fine.truncated, fine.header("x-a")), (200, &b"ok"[..], false, Some("b")));
    let huge = [b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n".to_vec(), vec![b'x'; MAX_CAPTURED_BYTES + 1]].concat();
    let cut = send(huge).await.expect("answer");
    assert_eq!((cut.body.len(), cut.truncated), (MAX_CAPTURED_BYTES, true));
    let gzip = send("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\u{0b}x").await.expect("answer");
    assert_eq!(gzip.body.len(), 3);
    assert_eq!(send("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await.expect("answer").status, 302);
    for (answer, class) in [
        (String::new(), ErrorClass::Timeout),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok".into(), ErrorClass::Timeout),
        ("SSH-2.0-OpenSSH\r\n\r\n".into(), ErrorClass::Protocol),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200)), ErrorClass::Protocol),
    ] {
        let failure = send(answer.clone()).await.expect_err(&answer);
        assert_eq!((failure.class, failure.retryable), (class, true), "{answer} {failure:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_classed() {
    let outbound = Outbound::new(OutboundConfig { allow_targets: vec!["127.0.0.0/8".into()], per_host: 1, ..OutboundConfig::default() }).expect("client");
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address");
    let refused = outbound.send(request(format!("http://{closed}/"))).await.expect_err("closed");
    assert_eq!((refused.class, refused.retryable), (ErrorClass::Connection, true));
    let forbidden = outbound.send(request("http://10.0.0.1/".into())).await.expect_err("private");
    assert_eq!((forbidden.class, forbidden.retryable), (ErrorClass::ForbiddenTarget, false));
    let unknown = outbound.send(request("http://nowhere.invalid/".into())).await.expect_err("no such name");
    // A machine without a name server may need longer to say so than the request has.
    assert!(matches!(unknown.class, ErrorClass::Dns | ErrorClass::Timeout) && unknown.retryable, "{unknown:?}");
    let hanging = format!("http://127.0.0.1:{}/", sink(Vec::new()).await);
    let first = tokio::spawn({
        let (outbound, hanging) = (outbound.clone(), hanging.clone());
        async move { outbound.send(request(hanging)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let busy = outbound.send(Request { patience: Duration::from_millis(50), ..request(hanging) }).await.expect_err("busy");
    assert!(busy.is_busy, "{busy:?}");
    assert_eq!(first.await.expect("no panic").expect_err("hangs").class, ErrorClass::Timeout);
}
