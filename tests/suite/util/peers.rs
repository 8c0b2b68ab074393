//! Peers that are no sink: an SMTP server of its own process, an HTTPS server, and a TCP server that does as it is told.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_rustls::TlsAcceptor;

use super::certs::Leaf;

/// A real SMTP server, see `tests/peers/smtp.mjs`. It ends with this value.
pub struct Mailer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    _process: Child,
}

impl Mailer {
    /// Starts one: `security` is `plain`, `starttls` or `tls`; `login` makes it insist on that name and password.
    pub async fn start(security: &str, leaf: Option<&Leaf>, login: Option<(&str, &str)>) -> Self {
        let settings = json!({
            "security": security, "cert": leaf.map(|l| &l.cert), "key": leaf.map(|l| &l.key), "user": login.map(|l| l.0), "password": login.map(|l| l.1),
        });
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/smtp.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(settings.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Node starts (scripts/setup.sh installs what the script needs)");
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let first = output.next_line().await.expect("readable").expect("the SMTP server tells its port; its error is above");
        let first: Value = serde_json::from_str(&first).expect("JSON");
        let port = first["port"].as_u64().and_then(|p| u16::try_from(p).ok()).expect("a port");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                heard.lock().unwrap().push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Self { port, lines, _process: process }
    }

    /// What it has heard of one kind: `connect`, `auth`, `from`, `to`, `mail`.
    pub fn heard(&self, event: &str) -> Vec<Value> {
        self.lines.lock().unwrap().iter().filter(|l| l["event"] == event).cloned().collect()
    }

    /// Waits until it has heard `count` of a kind.
    pub async fn wait_for(&self, event: &str, count: usize) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let heard = self.heard(event);
            if heard.len() >= count {
                return heard;
            }
            assert!(Instant::now() < until, "the SMTP server heard {} times of {event}, not {count}: {:?}", heard.len(), self.lines.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An HTTPS server with a given certificate that answers 200 to everything.
pub struct Https {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Https {
    /// Starts one.
    pub async fn start(leaf: &Leaf) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(leaf.cert.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
        let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // A client that does not like the certificate ends it here.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut buffer = [0; 8192];
                    if stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                        count.fetch_add(1, Ordering::SeqCst);
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await);
                        drop(stream.shutdown().await);
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// How many requests it has read.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// What a rude server does once it has read the head of a request.
#[derive(Clone, Debug)]
pub enum Rude {
    /// Sends these bytes and then nothing, for as long as the client holds on.
    Hangs(Vec<u8>),
    /// Sends the first bytes, then one more every so often.
    Trickles(Vec<u8>, Duration),
    /// Sends the first bytes, then the others for ever.
    Floods(Vec<u8>, Vec<u8>),
    /// Sends these bytes and closes its side alone.
    HalfCloses(Vec<u8>),
    /// Sends these bytes and resets the connection.
    Resets(Vec<u8>),
}

#[derive(Default)]
struct Held {
    open: usize,
    seen: HashMap<String, usize>,
}

/// A TCP server whose manners depend on the path of the request.
pub struct RudeServer {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    held: Arc<Mutex<Held>>,
}

impl RudeServer {
    /// Starts one.
    pub async fn start(manners: impl IntoIterator<Item = (&'static str, Rude)>) -> Self {
        let manners: Arc<HashMap<&str, Rude>> = Arc::new(manners.into_iter().collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let held = Arc::new(Mutex::new(Held::default()));
        let memory = Arc::clone(&held);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manners, memory) = (Arc::clone(&manners), Arc::clone(&memory));
                tokio::spawn(async move {
                    memory.lock().unwrap().open += 1;
                    be_rude(stream, &manners, &memory).await;
                    memory.lock().unwrap().open -= 1;
                });
            }
        });
        Self { url, held }
    }

    /// How often a path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        self.held.lock().unwrap().seen.get(path).copied().unwrap_or(0)
    }

    /// Waits until every client has let go of its connection.
    pub async fn wait_until_alone(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.held.lock().unwrap().open > 0 {
            assert!(Instant::now() < until, "{} connections are still held", self.held.lock().unwrap().open);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn be_rude(mut stream: TcpStream, manners: &HashMap<&str, Rude>, memory: &Mutex<Held>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    *memory.lock().unwrap().seen.entry(path.clone()).or_default() += 1;
    let Some(rude) = manners.get(path.as_str()).cloned() else { return };
    match rude {
        Rude::Hangs(bytes) => drop(stream.write_all(&bytes).await),
        Rude::Trickles(bytes, pause) => {
            drop(stream.write_all(&bytes).await);
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
        Rude::Floods(first, again) => {
            drop(stream.write_all(&first).await);
            while stream.write_all(&again).await.is_ok() {}
        }
        Rude::HalfCloses(bytes) => {
            drop(stream.write_all(&bytes).await);
            drop(stream.shutdown().await);
        }
        Rude::Resets(bytes) => {
            drop(stream.write_all(&bytes).await);
            // What is unread or unsent is thrown away, and the other side is told so by a reset.
            drop(stream.set_zero_linger());
            return;
        }
    }
    // Until the client lets go.
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
}
