//! What is wrong with a webhook's configuration when it is saved, beyond its JSON Schema.

use serde_json::Value;

use super::headers::{self, Auth, MAX_HEADERS};
use super::request::mentions_secret;
use super::signature;
use crate::handlers::outbound::Outbound;
use crate::handlers::render::at;
use crate::model::FieldError;
use crate::template::has_markup;

/// Every fault; pointers begin at the configuration.
pub fn configuration(configuration: &Value, outbound: &Outbound) -> Vec<FieldError> {
    let given = |name: &str| configuration.get(name).unwrap_or(&Value::Null);
    let mut faults = Vec::new();
    url(given("url"), outbound, &mut faults);
    header_faults(given("headers"), &mut faults);
    auth(given("auth"), given("headers"), &mut faults);
    signing(given("signing_secret"), &mut faults);
    statuses(given("success_statuses"), &mut faults);
    faults
}

/// The URL as far as it is known: up to the first template, if that comes behind the host.
fn url(given: &Value, outbound: &Outbound, faults: &mut Vec<FieldError>) {
    let Some(url) = given.as_str() else {
        return;
    };
    let known = if has_markup(url) { known_origin(url) } else { Some(url) };
    if let Some(known) = known
        && let Err(refusal) = outbound.check_url(known)
    {
        faults.push(refusal.at("/url"));
    }
}

/// `https://host` of a templated URL, when no template can change it any more.
fn known_origin(url: &str) -> Option<&str> {
    let fixed = ["{{", "{%", "{#"].iter().filter_map(|open| url.find(open)).min().map_or(url, |end| &url[..end]);
    let authority = fixed.find("://")? + 3;
    let end = fixed[authority..].find(['/', '?', '#', '\\'])?;
    Some(&fixed[..authority + end])
}

fn header_faults(given: &Value, faults: &mut Vec<FieldError>) {
    let Some(members) = given.as_object() else {
        return;
    };
    if members.len() > MAX_HEADERS {
        faults.push(FieldError::new("/headers", "too_many", format!("A webhook has at most {MAX_HEADERS} headers.")));
    }
    let mut seen = Vec::new();
    for (name, value) in members {
        let pointer = at("/headers", name);
        let lower = name.to_ascii_lowercase();
        if let Some(why) = headers::name_fault(name) {
            faults.push(FieldError::new(pointer, "bad_header", why));
        } else if seen.contains(&lower) {
            faults.push(FieldError::new(pointer, "duplicate", format!("The header {lower} is given twice.")));
        } else if let Some(why) = value.as_str().and_then(|text| headers::value_fault(text.trim_matches([' ', '\t'])))
            && !value.as_str().is_some_and(has_markup)
        {
            faults.push(FieldError::new(pointer, "bad_header", format!("The value of {lower} {why}.")));
        }
        seen.push(lower);
    }
}

fn auth(given: &Value, configured: &Value, faults: &mut Vec<FieldError>) {
    let auth = match Auth::read(given) {
        Ok(auth) => auth,
        Err((pointer, code, why)) => return faults.push(FieldError::new(format!("/auth{pointer}"), code, why)),
    };
    let Some((name, _)) = auth.header() else {
        return;
    };
    if let Some(why) = headers::name_fault(&name) {
        faults.push(FieldError::new("/auth/header", "bad_header", why));
    }
    if configured.as_object().is_some_and(|all| all.keys().any(|key| key.eq_ignore_ascii_case(&name))) {
        faults.push(FieldError::new("/auth", "duplicate", format!("The header {name} is set in headers already; keep one of the two.")));
    }
    if let Auth::Basic { username, .. } = &auth
        && username.contains(':')
        && !has_markup(username)
    {
        faults.push(FieldError::new("/auth/username", "bad_value", "A user name cannot contain a colon."));
    }
}

fn signing(given: &Value, faults: &mut Vec<FieldError>) {
    if mentions_secret(given) || given.as_str().is_some_and(has_markup) {
        return;
    }
    let keys = signature::texts(given).and_then(|texts| texts.iter().try_for_each(|text| signature::key(text).map(drop)));
    if let Err(why) = keys {
        faults.push(FieldError::new("/signing_secret", "bad_secret", why));
    }
}

fn statuses(given: &Value, faults: &mut Vec<FieldError>) {
    let Some(items) = given.as_array() else {
        return;
    };
    if items.len() > 50 {
        faults.push(FieldError::new("/success_statuses", "too_many", "At most 50 statuses are listed."));
    }
    for (i, item) in items.iter().enumerate() {
        if item.as_i64().is_some_and(|n| !(200..600).contains(&n)) {
            faults.push(FieldError::new(format!("/success_statuses/{i}"), "out_of_range", "A status is a number from 200 to 599."));
        }
    }
}
