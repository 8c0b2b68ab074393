//! The rules of the house, checked on the source itself: who may use whom, lengths, words that must not stay, papers that
//! must agree with the code. A rule that is broken tells every place at once, as `file:line: what`.

mod source;

use std::collections::BTreeSet;
use std::fs;

use event_actions::config::SETTINGS;

use source::{Source, climbed, code_of, functions, places, read, root, sources, used, word};

/// What a module of `src` may use besides itself. A module that is not in here has no place in the house yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("matching", &["model"]),
    ("template", &["model"]),
    ("charts", &["model"]),
    ("config", &["model"]),
    ("telemetry", &["config", "model"]),
    ("db", &["model", "template"]),
    ("handlers", &["config", "model", "telemetry", "template"]),
    ("engine", &["charts", "config", "db", "handlers", "matching", "model", "telemetry", "template"]),
    ("http", &["config", "engine", "matching", "model", "telemetry"]),
];
/// Crates that a part of the tree does not know.
const STRANGERS: &[(&str, &[&str])] = &[
    ("src/", &["leptos"]),
    ("src/model/", &["axum", "sqlx", "tokio"]),
    ("src/matching/", &["axum", "sqlx", "tokio"]),
    ("src/template", &["axum", "sqlx", "tokio"]),
    ("src/db/", &["axum", "reqwest"]),
    ("src/handlers/", &["sqlx"]),
    ("src/engine/", &["axum"]),
    ("src/http/", &["sqlx"]),
    ("app/src/", &["sqlx"]),
];
/// The files of the app that put the parts together and so know all of them.
const WIRING: &[&str] = &["app/src/server.rs", "app/src/main.rs", "app/src/cli.rs"];
/// Paths of `http/health.rs` that do not say so.
const PROBES: &[&str] = &["metrics"];
const MOST_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 70;
const MOST_ARCHITECTURE_LINES: usize = 200;

/// Insists that a rule found nothing.
#[track_caller]
fn nothing(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn arrows_point_one_way() {
    let mut found = Vec::new();
    for source in sources() {
        let Some(module) = source.module().filter(|m| !m.is_empty()) else { continue };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module[0]) else {
            found.push(source.at(0, format!("the module {} has no place among the arrows", module[0])));
            continue;
        };
        for (at, name) in used(&source.code, "crate::").into_iter().chain(climbed(&source, module.len())) {
            if name != module[0] && !allowed.contains(&name) {
                found.push(source.at(at, format!("{} may not use {name}", module[0])));
            }
        }
    }
    nothing(&found);
}

#[test]
fn the_app_leaves_storage_and_handlers_alone() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| s.path.starts_with("app/src/") && !WIRING.contains(&s.path.as_str())) {
        for (at, name) in used(&source.code, "event_actions::") {
            if ["db", "handlers"].contains(&name) {
                found.push(source.at(at, format!("only the wiring may use event_actions::{name}")));
            }
        }
    }
    nothing(&found);
}

#[test]
fn parts_do_not_know_foreign_crates() {
    let mut found = Vec::new();
    for source in sources() {
        for (_, strangers) in STRANGERS.iter().filter(|(folder, _)| source.path.starts_with(folder)) {
            for name in *strangers {
                // Also the crates of a family: leptos_axum, axum_extra.
                let knows = |at: &usize| {
                    let whole = word(&source.code[*at..]);
                    let family = whole.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
                    let behind = &source.code[..*at];
                    family && !behind.ends_with("::") && (source.code[at + whole.len()..].starts_with("::") || behind.ends_with("use "))
                };
                found.extend(places(&source.code, name).filter(knows).map(|at| source.at(at, format!("nothing in here may know {name}"))));
            }
        }
    }
    nothing(&found);
}

#[test]
fn the_server_feature_is_decided_once() {
    let vocabulary = |s: &Source| ["src/lib.rs", "src/model/", "src/matching/"].iter().any(|p| s.path.starts_with(p));
    let all = sources();
    let house = all.iter().filter(|s| s.path.starts_with("src/") && !vocabulary(s));
    let found = house.flat_map(|s| s.text.match_indices("cfg(feature = \"server\")").map(move |(at, _)| s.at(at, "lib.rs decides this")));
    nothing(&found.collect::<Vec<_>>());
}

#[test]
fn files_say_what_they_own_and_stay_short() {
    let mut found = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            found.push(source.at(0, "a file opens with //! and what it owns"));
        }
        let lines = source.text.lines().count();
        if lines > MOST_LINES && !source.path.contains("tests/") {
            found.push(source.at(0, format!("{lines} lines; at most {MOST_LINES}")));
        }
    }
    nothing(&found);
}

#[test]
fn functions_stay_short() {
    let mut found = Vec::new();
    for source in sources() {
        for (name, from, to) in functions(&source.code) {
            let lines = source.code[from..to].matches('\n').count() + 1;
            if lines > MOST_FUNCTION_LINES {
                found.push(source.at(from, format!("{name} has {lines} lines; at most {MOST_FUNCTION_LINES}")));
            }
        }
    }
    nothing(&found);
}

#[test]
fn nothing_is_left_unfinished() {
    let all = sources();
    let words = ["dbg!", "todo!", "unimplemented!"];
    let found = all.iter().flat_map(|s| words.iter().flat_map(move |word| places(&s.code, word).map(move |at| s.at(at, word))));
    nothing(&found.collect::<Vec<_>>());
}

#[test]
fn only_storage_tells_the_databases_apart() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| (s.path.starts_with("src/") || s.path.starts_with("app/src/")) && !s.path.starts_with("src/db/")) {
        for name in ["Db::Sqlite", "Db::Postgres", "Tx::Sqlite", "Tx::Postgres"] {
            found.extend(places(&source.code, name).map(|at| source.at(at, format!("{name} is storage's own matter"))));
        }
        for at in places(&source.code, "match ") {
            let subject = source.code[at + 6..].split('{').next().unwrap_or_default().trim().trim_end_matches("()");
            if word(subject.rsplit(['.', '&', '*']).next().unwrap_or_default()) == "db" && subject.ends_with("db") {
                found.push(source.at(at, "no `match db` outside db/"));
            }
        }
    }
    nothing(&found);
}

#[test]
fn every_route_stands_in_the_file_of_its_noun() {
    let merged = read("src/http/mod.rs");
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| s.path.starts_with("src/http/")) {
        let noun = source.module().expect("a file of src").get(1).copied().unwrap_or("mod");
        if source.path == format!("src/http/{noun}.rs") && source.code.contains("pub fn routes()") && !merged.contains(&format!("{noun}::routes()")) {
            found.push(source.at(0, format!("mod.rs does not merge {noun}::routes()")));
        }
        for (at, _) in source.text.match_indices("path = \"/") {
            let path = source.text[at + 9..].split('"').next().unwrap_or_default();
            // `bulk.rs` has /executions/bulk-replay, `audit.rs` has /audit-log.
            let word = noun.replace('_', "-");
            let named = path.split('/').any(|segment| segment.strip_prefix(&*word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
            if !(named || noun == "health" && PROBES.contains(&path)) {
                found.push(source.at(at, format!("/{path} does not name {word}, as its file does")));
            }
        }
    }
    nothing(&found);
}

#[test]
fn the_map_fits_the_house() {
    let map = read("ARCHITECTURE.md");
    assert!(map.lines().count() < MOST_ARCHITECTURE_LINES, "ARCHITECTURE.md stays under {MOST_ARCHITECTURE_LINES} lines");
    let mut found = Vec::new();
    for (number, line) in map.lines().enumerate() {
        // Every second piece between backticks is code.
        for piece in line.split('`').skip(1).step_by(2).filter(|p| p.contains('/') && !p.contains(['*', '{', '<', ' ', '|']) && !p.starts_with('/')) {
            let (path, name) = piece.split_once("::").map_or((piece, None), |(path, name)| (path, Some(name)));
            let path = if path.starts_with("suite/") { format!("tests/{path}") } else { path.to_owned() };
            let text = fs::read_to_string(root().join(&path)).ok();
            let missing = match name {
                Some(name) => !text.is_some_and(|t| t.contains(&format!("fn {name}("))),
                None => !root().join(&path).exists(),
            };
            if missing {
                found.push(format!("ARCHITECTURE.md:{}: there is no {piece}", number + 1));
            }
        }
    }
    nothing(&found);
}

#[test]
fn the_readme_lists_every_setting_and_no_other() {
    // Not settings of the process: the key of `send-event`, and where the build keeps its tools.
    let others = ["EVENT_ACTIONS_API_KEY", "EVENT_ACTIONS_TOOLS"];
    let readme = read("README.md");
    let named: BTreeSet<&str> = places(&readme, "EVENT_ACTIONS_").map(|at| word(&readme[at..])).filter(|name| !others.contains(name)).collect();
    let known: BTreeSet<&str> = SETTINGS.iter().map(|s| s.env).collect();
    assert_eq!(named, known);
}

#[test]
fn these_rules_can_fail() {
    let code = code_of("// dbg!()\nfn a<'x>(s: &'x str) -> char { let _ = (r#\"todo!(\"{\"#, \"}\\\"{\", b'{', '\\'', '}', 'ä'); /* { */ 'b' }\nfn b() {\n}\n");
    assert_eq!(functions(&code).iter().map(|f| (f.0, code[f.1..f.2].matches('\n').count())).collect::<Vec<_>>(), [("a", 0), ("b", 1)]);
    assert!(!code.contains("dbg") && !code.contains("todo") && code.contains("&'x str"));
    let names = |code| used(code, "crate::").into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("use crate::{on_tx, model::{a, b}, http};\nuse crate::db; $crate::engine::x; mycrate::y"), ["db", "model", "http", "db"]);
    let source = Source { path: "src/http/events/list.rs".into(), text: String::new(), code: "\nuse super::super::super::db;\nuse super::super::body;".into() };
    assert_eq!(source.module(), Some(vec!["http", "events", "list"]));
    assert_eq!(climbed(&source, 3), [(1, "db")]);
}
