//! The site that the build made (scripts, WebAssembly, styles, icons): inside the binary in release builds, on the disk in
//! debug builds. Package files live under a folder named after their content and are cached for a year.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use leptos::config::{Env, LeptosOptions};
use rust_embed::RustEmbed;

/// The name of the package's files: `app.js`, `app.wasm`, `app.css`. The same as `LEPTOS_OUTPUT_NAME`.
const OUTPUT_NAME: &str = "app";
/// The folder of the package inside the site.
const PACKAGE: &str = "pkg/";
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Site;

/// The site of this process.
#[derive(Clone, Debug)]
pub struct Assets {
    hash: Arc<str>,
}

impl Assets {
    /// Reads the package once, to name its folder after its content.
    #[must_use]
    pub fn load() -> Self {
        let mut names: Vec<_> = Site::iter().filter(|name| name.starts_with(PACKAGE) || is_own_script(name)).collect();
        names.sort();
        let mut hasher = DefaultHasher::new();
        for name in names {
            if let Some(file) = Site::get(&name) {
                hasher.write(name.as_bytes());
                hasher.write(&file.metadata.sha256_hash());
            }
        }
        Self { hash: format!("{:016x}", hasher.finish()).into() }
    }

    /// Whether the build left a site at all; without one pages have neither style nor islands.
    #[must_use]
    pub fn are_built() -> bool {
        Site::get(&format!("{PACKAGE}{OUTPUT_NAME}.css")).is_some()
    }

    /// The options that Leptos needs, made here so that no `Cargo.toml` has to be there at run time.
    #[must_use]
    pub fn leptos_options(&self) -> LeptosOptions {
        let reload_port = std::env::var("LEPTOS_RELOAD_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3001);
        LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root("target/site")
            .site_pkg_dir(format!("{PACKAGE}{}", self.hash))
            .env(if cfg!(debug_assertions) { Env::DEV } else { Env::PROD })
            .reload_port(reload_port)
            .build()
    }

    /// Routes of all files: the package under `/pkg/{hash}/`, the others at the root.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let hash = self.hash.clone();
        let package = move |Path(path): Path<String>, headers: HeaderMap| async move { package_file(&hash, &path, &headers) };
        let mut router = Router::new().route("/pkg/{*path}", get(package));
        for name in Site::iter().filter(|name| is_root_file(name)) {
            let path = format!("/{name}");
            router = router.route(&path, get(move |headers: HeaderMap| async move { file(&name, &headers, FOR_AN_HOUR) }));
        }
        if Site::get("favicon.ico").is_none() {
            // Browsers ask for it whatever the page says.
            router = router.route("/favicon.ico", get(|headers: HeaderMap| async move { file("favicon.svg", &headers, FOR_AN_HOUR) }));
        }
        router
    }
}

/// A file at the site's root that goes to browsers under its own name.
fn is_root_file(name: &str) -> bool {
    !name.starts_with(PACKAGE) && !is_own_script(name) && !name.ends_with(".br") && !name.ends_with(".gz") && !name.contains(['{', '}'])
}

/// A script that no compiler made: it lies at the site's root and is served as one of the package.
fn is_own_script(name: &str) -> bool {
    name.ends_with(".js") && !name.contains('/')
}

/// A file of the package. Another build's folder is not found: its files would not fit each other.
fn package_file(hash: &str, path: &str, headers: &HeaderMap) -> Response {
    let hashed = path.strip_prefix(hash).and_then(|rest| rest.strip_prefix('/'));
    let cache = if hashed.is_some() && !cfg!(debug_assertions) { FOR_A_YEAR } else { ASK_AGAIN };
    let name = hashed.unwrap_or(path);
    let packed = format!("{PACKAGE}{name}");
    if is_own_script(name) && Site::get(&packed).is_none() { file(name, headers, cache) } else { file(&packed, headers, cache) }
}

fn file(name: &str, headers: &HeaderMap, cache: HeaderValue) -> Response {
    let kind = HeaderValue::from_static(content_type(name));
    let common: [(HeaderName, HeaderValue); 4] =
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache), (VARY, HeaderValue::from_static("accept-encoding")), (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))];
    if takes_brotli(headers)
        && let Some(small) = Site::get(&format!("{name}.br"))
    {
        return (common, [(CONTENT_ENCODING, HeaderValue::from_static("br"))], body(small.data)).into_response();
    }
    match Site::get(name) {
        Some(plain) => (common, body(plain.data)).into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such file.").into_response(),
    }
}

fn body(data: Cow<'static, [u8]>) -> axum::body::Body {
    match data {
        Cow::Borrowed(bytes) => axum::body::Bytes::from_static(bytes).into(),
        Cow::Owned(bytes) => bytes.into(),
    }
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    accepted.map(|coding| coding.split_once(';').unwrap_or((coding, ""))).any(|(coding, quality)| coding.trim().eq_ignore_ascii_case("br") && !is_zero(quality))
}

fn is_zero(quality: &str) -> bool {
    quality.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_goes_to_those_who_take_it() {
        for (accepted, takes) in [("gzip, deflate, br, zstd", true), ("BR;q=0.5", true), ("br;q=0", false), ("br; q=0.000", false), ("gzip", false), ("", false)] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_brotli(&headers), takes, "{accepted}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[test]
    fn the_package_folder_carries_the_hash() {
        let assets = Assets::load();
        assert_eq!(assets.hash, Assets::load().hash);
        assert_eq!(*assets.leptos_options().site_pkg_dir, format!("pkg/{}", assets.hash));
        assert_eq!(package_file(&assets.hash, "0123456789abcdef/app.js", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
        assert_eq!(package_file(&assets.hash, "../../Cargo.toml", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn types_and_names() {
        for (name, kind) in
            [("pkg/app.js", "text/javascript; charset=utf-8"), ("pkg/app.wasm", "application/wasm"), ("favicon.svg", "image/svg+xml"), ("x", "application/octet-stream")]
        {
            assert_eq!(content_type(name), kind);
        }
        assert!(is_root_file("robots.txt") && !is_root_file("console.js") && !is_root_file("pkg/app.js") && !is_root_file("robots.txt.br"));
    }
}
