//! Certificates made on the spot: a root that is trusted, and what it signs, good and bad, for 127.0.0.1.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// A root of trust of our own.
pub struct Root(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both PEM.
pub struct Leaf {
    /// The certificate.
    pub cert: String,
    /// Its private key.
    pub key: String,
}

/// What is the matter with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYet,
    /// It names another host.
    WrongHost,
    /// It has signed itself.
    SelfSigned,
    /// Nobody knows who signed it.
    UnknownIssuer,
}

impl Root {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("Test root {}", uuid::Uuid::now_v7()));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root"))
    }

    /// The root's certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with a flaw.
    pub fn leaf(&self, flaw: Flaw) -> Leaf {
        let host = if flaw == Flaw::WrongHost { "another.example" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        match flaw {
            Flaw::Expired => (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
            Flaw::NotYet => (params.not_before, params.not_after) = (date_time_ymd(2190, 1, 1), date_time_ymd(2191, 1, 1)),
            _ => {}
        }
        let key = KeyPair::generate().expect("a key");
        let signed = match flaw {
            Flaw::SelfSigned => params.self_signed(&key),
            Flaw::UnknownIssuer => params.signed_by(&key, &Self::new().0),
            _ => params.signed_by(&key, &self.0),
        };
        Leaf { cert: signed.expect("a certificate").pem(), key: key.serialize_pem() }
    }
}
