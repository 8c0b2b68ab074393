//! The docs page: Swagger UI from this binary, with a page and a start script of our own, so that nothing is loaded from another
//! host, nothing is inline, and a strict content security policy holds.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::error::unknown_route;
use crate::engine::Engine;

/// What the page may load: itself, and images inside its style sheet.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>REST API - Event Actions</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="docs"></main>
<noscript>This page needs JavaScript. <a href="/api/openapi.json">The same as an OpenAPI 3.1 file.</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

/// `validatorUrl: null` matters: by default a badge is loaded from a public validator.
const START: &str = r##"window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout"
});
"##;

/// The files of Swagger UI that the page uses.
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// The routes.
pub fn routes() -> Router<Engine> {
    Router::new().route("/docs", get(|| async { file("text/html; charset=utf-8", PAGE) })).route("/docs/{file}", get(asset))
}

async fn asset(Path(name): Path<String>, uri: axum::http::Uri) -> Response {
    if name == "start.js" {
        return file("text/javascript; charset=utf-8", START);
    }
    let known = FILES.contains(&name.as_str()).then(|| utoipa_swagger_ui::serve(&name, Arc::new(utoipa_swagger_ui::Config::default())).ok().flatten());
    match known.flatten() {
        Some(found) => file(&found.content_type, Body::from(found.bytes)),
        _ => unknown_route(uri).await.into_response(),
    }
}

fn file(kind: &str, body: impl IntoResponse) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_only_what_is_served_here() {
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://") && !PAGE.contains("<style") && !PAGE.contains(" on"));
        for name in FILES {
            let found = utoipa_swagger_ui::serve(name, Arc::new(utoipa_swagger_ui::Config::default())).ok().flatten();
            assert!(found.is_some_and(|f| !f.bytes.is_empty()), "{name}");
        }
    }
}
