//! `send-event`: reads one event, an array or lines of events, posts them to a running service and prints its answer.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use event_actions::config::{Config, ExposeSecret as _};
use serde_json::Value;

use crate::cli;

/// Longer than the deadline of sync actions, whose results are in the answer.
const PATIENCE_BEYOND_DEADLINE: Duration = Duration::from_secs(15);

/// Its flags.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file: one event as JSON, an array of events, or one event per line; - reads standard input
    file: PathBuf,
    /// The service [default: the public URL when set, else this machine at the port of --bind]
    #[arg(long)]
    url: Option<String>,
    /// The API key, with the scope events:write [default: the bootstrap key when set]
    #[arg(long, env = "EVENT_ACTIONS_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Makes sending one event again harmless for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// What is sent, and where to.
#[derive(Debug, PartialEq)]
struct Parcel {
    path: &'static str,
    body: Value,
}

/// Sends it.
///
/// # Errors
/// When the file holds no JSON, the service cannot be reached, or refuses.
pub(crate) async fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let parcel = parcel(&cli::read_input(&options.file)?)?;
    let key = options.key.or_else(|| config.bootstrap_api_key.as_ref().map(|key| key.expose_secret().to_owned())).context("no API key: give --key or set EVENT_ACTIONS_API_KEY")?;
    let base = options.url.unwrap_or_else(|| config.console_url(config.bind));
    let url = format!("{}{}", base.trim_end_matches('/'), parcel.path);
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(config.sync_deadline_seconds) + PATIENCE_BEYOND_DEADLINE).build()?;
    let mut request = client.post(&url).bearer_auth(key).json(&parcel.body);
    if let Some(key) = options.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    let response = request.send().await.with_context(|| format!("cannot reach {url}"))?;
    let status = response.status();
    let text = response.text().await.context("the answer broke off")?;
    let pretty = serde_json::from_str::<Value>(&text).and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or(text);
    if !status.is_success() {
        bail!("{url} answered {status}\n{pretty}");
    }
    cli::say(pretty);
    Ok(())
}

fn parcel(text: &str) -> anyhow::Result<Parcel> {
    const BATCH: &str = "/api/v1/events/batch";
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>().context("this is no JSON")?;
    match <[Value; 1]>::try_from(values) {
        Ok([event @ Value::Object(_)]) => Ok(Parcel { path: "/api/v1/events", body: event }),
        Ok([batch @ Value::Array(_)]) => Ok(Parcel { path: BATCH, body: batch }),
        Ok(_) => bail!("expected an event, which is a JSON object, or an array of events"),
        Err(values) if values.is_empty() => bail!("there is no event in it"),
        Err(lines) => Ok(Parcel { path: BATCH, body: Value::Array(lines) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_an_array_and_lines_are_told_apart() {
        for (text, path, items) in
            [("{\"a\":1}", "/api/v1/events", 0), ("[{},{}]", "/api/v1/events/batch", 2), ("{}\n{}\n{}\n", "/api/v1/events/batch", 3), ("[]", "/api/v1/events/batch", 0)]
        {
            let parcel = parcel(text).expect("is sent");
            assert_eq!((parcel.path, parcel.body.as_array().map_or(0, Vec::len)), (path, items), "{text}");
        }
        for text in ["", "3", "\"x\"", "{", "nope"] {
            assert!(parcel(text).is_err(), "{text}");
        }
    }
}
