//! Two people changed one action: what differs, field by field, and what comes out when each difference is decided.

use event_actions::model::action::diff;
use serde_json::Value;

use super::form::Form;

/// One field that differs between the draft and what somebody else saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON Pointer of the field.
    pub pointer: String,
    /// What the draft says; none when it says nothing.
    pub mine: Option<Value>,
    /// What was saved meanwhile.
    pub theirs: Option<Value>,
    /// Whether both sides changed it.
    pub clash: bool,
    /// Whether theirs is taken. Begins as yes where only they changed it.
    pub take_theirs: bool,
}

impl Difference {
    /// The field in words: `rate limit, max`.
    #[must_use]
    pub fn label(&self) -> String {
        self.pointer.trim_start_matches('/').replace('/', ", ").replace('_', " ").replace("~1", "/").replace("~0", "~")
    }
}

/// What differs between the draft and what was saved meanwhile, given what both began with.
#[must_use]
pub fn differences(base: &Value, mine: &Value, theirs: &Value) -> Vec<Difference> {
    let said = |v: Option<&Value>| v.filter(|v| !v.is_null() && v.as_str() != Some("")).cloned();
    diff(mine, theirs)
        .into_iter()
        .filter_map(|change| {
            let (mine, theirs) = (said(change.before.as_ref()), said(change.after.as_ref()));
            let base = said(base.pointer(&change.pointer));
            (mine != theirs).then(|| Difference { clash: mine != base && theirs != base, take_theirs: mine == base, pointer: change.pointer, mine, theirs })
        })
        .collect()
}

/// The draft with every decided difference in it.
#[must_use]
pub fn merged(mine: &Value, differences: &[Difference]) -> Value {
    let mut form = Form::new(mine.clone());
    for d in differences.iter().filter(|d| d.take_theirs) {
        form.set(&d.pointer, d.theirs.clone().unwrap_or_default());
    }
    form.doc().clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_they_changed_is_taken_and_a_clash_is_asked_for() {
        let base = json!({"name": "A", "priority": "normal", "configuration": {"url": "u", "method": "POST"}, "tags": []});
        let mine = json!({"name": "Mine", "priority": "normal", "configuration": {"url": "mine", "method": "POST"}, "tags": [], "timeout_seconds": ""});
        let theirs = json!({"name": "Theirs", "priority": "high", "configuration": {"url": "u", "method": "PUT"}, "tags": []});
        let found = differences(&base, &mine, &theirs);
        let brief: Vec<(&str, bool, bool)> = found.iter().map(|d| (d.pointer.as_str(), d.clash, d.take_theirs)).collect();
        assert_eq!(brief, [("/configuration/method", false, true), ("/configuration/url", false, false), ("/name", true, false), ("/priority", false, true)]);
        let out = merged(&mine, &found);
        assert_eq!((&out["name"], &out["priority"], &out["configuration"]), (&json!("Mine"), &json!("high"), &json!({"url": "mine", "method": "PUT"})));
    }
}
