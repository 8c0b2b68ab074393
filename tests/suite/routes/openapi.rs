//! The OpenAPI document as a whole: what it promises changes only with the snapshot, in the same commit.

const RENEW: &str = "The OpenAPI document differs from tests/suite/snapshots/openapi.snap. If the change is meant, renew the snapshot with \
    `INSTA_UPDATE=always cargo test --test suite openapi` and commit it together with the change.";

#[test]
fn the_document_is_the_one_in_the_snapshot() {
    let document = event_actions::http::openapi().to_pretty_json().unwrap();
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, description => RENEW}, {
        insta::assert_snapshot!("openapi", document);
    });
}
