//! The OpenAPI 3.1 document: what the routes say of themselves, plus what holds for all of them - credentials and refusals.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, Object, OpenApi, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{PartialSchema as _, ToSchema};

use super::error::{PROBLEM_JSON, Problem};

const DESCRIPTION: &str = "Actions that run when domain events happen. Send events, manage actions, look into executions.\n\n\
    Times are RFC 3339 in UTC with milliseconds, ids are UUIDv7. Lists are `{items, next_cursor}`: pass `next_cursor` as `cursor` for the next page. \
    Refusals are `application/problem+json` (RFC 9457); each place at fault has a JSON Pointer. Unknown members and parameters are refused. \
    The id of a thing that belongs to another tenant is answered like one that does not exist.";

/// Name, status and meaning of every refusal.
const REFUSALS: [(&str, &str, &str); 11] = [
    ("BadRequest", "400", "Cannot be read: malformed or too deep JSON, an unknown query parameter, a bad header"),
    ("Unauthorized", "401", "No credential, or a bad one"),
    ("Forbidden", "403", "The credential lacks the scope for this"),
    ("NotFound", "404", "There is no such thing, or it belongs to another tenant"),
    ("Conflict", "409", "Another version is in force, or the same key stands for another request"),
    ("TooLarge", "413", "The body is too large"),
    ("UnsupportedMediaType", "415", "The body's media type is not taken here"),
    ("Invalid", "422", "Readable, but wrong: every fault with its pointer"),
    ("TooManyRequests", "429", "Over a limit; Retry-After says when to try again"),
    ("Internal", "500", "Our fault; the log has the details under the request id"),
    ("Unavailable", "503", "Cannot be taken now, nothing was stored; Retry-After says when to try again"),
];

const TAGS: [(&str, &str); 17] = [
    ("events", "Send events and look into them"),
    ("event-actions", "What to do, when, and how it is delivered"),
    ("executions", "Runs of actions and their attempts"),
    ("bulk", "Many executions replayed at once"),
    ("dead-letters", "What gave up and waits for a person"),
    ("alerts", "What is wrong, who looks after it, and when to tell"),
    ("mailbox", "Mails that stay here without a mail server"),
    ("handlers", "What actions can do"),
    ("templates", "Mail templates, by name"),
    ("functions", "JavaScript modules, by name"),
    ("secrets", "Values that templates use and nobody reads back"),
    ("stream", "Live numbers and alerts"),
    ("tenants", "Who shares this installation"),
    ("api-keys", "Credentials of programs"),
    ("users", "People, invitations, sessions"),
    ("audit-log", "Who changed what"),
    ("health", "For those who watch the process"),
];

/// Completes the document that the routes make.
#[must_use]
pub fn complete(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title("Event Actions")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    api.servers = None;
    api.tags = Some(TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build()).collect());
    api.security = Some(vec![SecurityRequirement::new("api_key", [""; 0]), SecurityRequirement::new("session", [""; 0])]);
    let components = api.components.get_or_insert_with(Components::new);
    add_components(components);
    open_parts(components);
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            add_refusals(path, operation);
        }
    }
    api
}

fn add_components(components: &mut Components) {
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key: `Authorization: Bearer KEY`.")).build();
    components.security_schemes.insert("api_key".into(), SecurityScheme::Http(key).into());
    let cookie = ApiKeyValue::with_description("ea", "The console's session; `__Host-ea` where the console is reached by https.");
    components.security_schemes.insert("session".into(), SecurityScheme::ApiKey(ApiKey::Cookie(cookie)).into());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (name, _, meaning) in REFUSALS {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        components.responses.insert(name.into(), ResponseBuilder::new().description(meaning).content(PROBLEM_JSON, content).build().into());
    }
}

/// A schema that forbids further members would, as a part of `allOf`, forbid those of the other parts: such a part becomes an
/// open copy.
fn open_parts(components: &mut Components) {
    let open_copy = |object: &Object| {
        let mut open = object.clone();
        open.additional_properties = None;
        open
    };
    let closed: BTreeMap<String, Object> = components
        .schemas
        .iter()
        .filter_map(|(name, schema)| match schema {
            RefOr::T(Schema::Object(object)) if object.additional_properties.is_some() => Some((format!("#/components/schemas/{name}"), open_copy(object))),
            _ => None,
        })
        .collect();
    components.schemas.values_mut().for_each(|schema| open_inside(schema, &closed));
}

/// The same for one schema and those inside it: a page holds the parts of its items.
fn open_inside(schema: &mut RefOr<Schema>, closed: &BTreeMap<String, Object>) {
    match schema {
        RefOr::T(Schema::Object(object)) => object.properties.values_mut().for_each(|member| open_inside(member, closed)),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                open_inside(item, closed);
            }
        }
        RefOr::T(Schema::AllOf(all)) => {
            for item in &mut all.items {
                let open = match item {
                    RefOr::Ref(part) => closed.get(&part.ref_location).cloned(),
                    RefOr::T(_) => None,
                };
                if let Some(open) = open {
                    *item = RefOr::T(Schema::Object(open));
                }
            }
        }
        _ => {}
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Adds the refusals that an operation can meet. Open ones (no credential) meet only our own fault.
fn add_refusals(path: &str, operation: &mut Operation) {
    let open = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let has_id = path.contains('{');
    for (name, status, _) in REFUSALS {
        let met = match status {
            "500" => true,
            _ if open => false,
            "404" => has_id || has_body || operation.parameters.is_some(),
            "409" => has_id || has_body,
            "413" | "415" => has_body,
            _ => true,
        };
        if met {
            operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    fn document() -> Value {
        serde_json::to_value(crate::http::openapi()).unwrap_or_default()
    }

    fn each_operation(document: &Value, mut see: impl FnMut(&str, &str, &Value)) {
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                see(path, method, operation);
            }
        }
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        assert!(document["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")), "{}", document["openapi"]);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn an_action_as_shown_fits_its_schema() {
        let document = document();
        assert_eq!(document["components"]["schemas"]["NewAction"]["additionalProperties"], Value::Bool(false), "what is written is closed");
        let action = document["components"]["schemas"]["Action"].to_string();
        assert!(action.contains("event_types") && !action.contains("additionalProperties"), "what is shown has more members than what is written: {action}");
        let page = document["components"]["schemas"]["Page_Template"]["properties"]["items"].to_string();
        assert!(page.contains("created_by") && !page.contains("additionalProperties"), "and so have the items of a page: {page}");
    }

    #[test]
    fn paths_are_complete_and_operations_told_apart() {
        let mut ids = BTreeSet::new();
        each_operation(&document(), |path, method, operation| {
            assert!(path.starts_with("/api/v1/") || ["/health/live", "/health/ready", "/metrics"].contains(&path), "{path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{method} {path} shares its operation id");
            assert!(operation["summary"].is_string() && operation["responses"]["500"].is_object(), "{method} {path}");
            assert_eq!(operation["responses"]["401"].is_object(), path.starts_with("/api/"), "{method} {path}");
        });
        assert!(ids.len() > 35, "{}", ids.len());
    }
}
