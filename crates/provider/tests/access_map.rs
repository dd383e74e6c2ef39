//! The access map: what it says, and that nothing of the manifest is markup in it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test panics to fail")]

use xacct_sign_provider::{Lock, Manifest, Reported};

const MANIFEST: &str = r#"[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[stages.url]
target = "function_url"
access = "direct"
function = "orders"
url_id = "u1"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", url = "Shop" }
[callers.partner]
account = "222222222222"
roles = { stag = "Partner" }
third_party = true
external_id = "b3c7"
routes = ["GET /items/{id}"]
"#;

fn parsed(text: &str, file: &str) -> Manifest {
    Manifest::parse(text, file).unwrap()
}

fn lock(text: &str) -> Lock {
    parsed(text, "f").plan(&Lock::default()).lock().clone()
}

/// The cells of the rows of a table, tags taken away.
fn rows(page: &str, id: &str) -> Vec<Vec<String>> {
    let Some((_, table)) = page.split_once(&format!("<table id=\"{id}\">")) else { return Vec::new() };
    let body = table.split_once("<tbody>").unwrap().1.split("</tbody>").next().unwrap();
    let text = |cell: &str| {
        let parts = cell.replace("<br>", "\n");
        parts.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<String>()
    };
    let cells = |row: &str| row.split("</td>").flat_map(|cell| cell.split("</th>")).map(text).collect::<Vec<_>>();
    body.lines().filter(|line| line.starts_with("<tr>")).map(cells).collect()
}

#[test]
fn who_may_call_what_stands_beside_its_findings() {
    let manifest = parsed(MANIFEST, "xacct.toml");
    let page = manifest.plan(&Lock::default()).access_map(&Lock::default());
    let callers = rows(&page, "callers");
    let role = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
    assert_eq!(
        callers[0][..6],
        [
            "partner",
            "stag",
            "arn:aws:iam::222222222222:role/Partner",
            &format!("{role}Partner"),
            "GET /items/{id}",
            "external_id = \"b3c7\"".replace('"', "&quot;").as_str(),
        ]
    );
    assert!(callers[0][6].starts_with("warning wildcard_spans_segments, line 14: "), "{:?}", callers[0]);
    assert_eq!(callers[1][..6], ["shop", "stag", "arn:aws:iam::000000000000:role/Shop", role, "every route", ""]);
    assert_eq!(callers[2][..2], ["shop", "url"]);
    assert_eq!(callers[2][3], "none, it calls as itself");
    // What to do stands once for all of a kind.
    let codes = rows(&page, "codes");
    assert!(codes.iter().any(|row| row[0] == "wildcard_spans_segments" && row[2].starts_with("write ")), "{codes:?}");
    assert_eq!(callers.len(), 3);
    assert!(page.contains("what has changed is not known"));
    assert!(rows(&page, "removed").is_empty());
}

#[test]
fn what_has_changed_since_the_lock_file_is_said_in_words() {
    let recorded = lock(MANIFEST);
    let changed = MANIFEST
        .replace("routes = [\"GET /items/{id}\"]\n", "")
        .replace("url = \"Shop\"", "stag2 = \"Shop\"")
        .replace("[callers.shop]", "[stages.stag2]\napi_id = \"a2\"\n[callers.shop]");
    let manifest = parsed(&changed, "xacct.toml");
    let page = manifest.plan(&recorded).access_map(&recorded);
    let changes: Vec<(String, String)> =
        rows(&page, "callers").into_iter().map(|row| (format!("{} {}", row[0], row[1]), row[6].clone())).collect();
    let expected = [("partner stag", "moved"), ("shop stag", "none"), ("shop stag2", "added")];
    assert_eq!(changes, expected.map(|(row, change)| (row.to_owned(), change.to_owned())));
    let role = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag";
    assert_eq!(rows(&page, "callers")[0][3], format!("{role}\nbefore: {role}Partner"));
    assert_eq!(rows(&page, "removed")[0][..4], ["shop", "url", "direct", "removed"]);
    assert!(page.contains("1 added, 1 removed, 1 moved."), "{page}");
    // Nothing has changed where it was rendered.
    let same = parsed(MANIFEST, "f");
    assert!(same.plan(&recorded).access_map(&recorded).contains("0 added, 0 removed, 0 moved."));
}

#[test]
fn a_caller_that_was_renamed_is_neither_added_nor_removed() {
    let recorded = lock(MANIFEST);
    let of = |text: &str| {
        let manifest = parsed(text, "xacct.toml");
        let plan = manifest.plan(&recorded);
        let page = plan.access_map(&recorded);
        let changes: Vec<(String, String)> =
            rows(&page, "callers").into_iter().map(|row| (format!("{} {}", row[0], row[1]), row[6].clone())).collect();
        let removed = rows(&page, "removed").len();
        let moved = changes.iter().filter(|(_, change)| change == "moved").count();
        assert_eq!(moved, plan.role_changes().len(), "{page}");
        (changes, removed)
    };
    let mut expected = vec![("mall stag", "none"), ("mall url", "none"), ("partner2 stag", "moved")];
    let owned = |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    let renamed =
        MANIFEST.replace("[callers.partner]", "[callers.partner2]").replace("[callers.shop]", "[callers.mall]");
    assert_eq!(of(&renamed), (owned(&expected), 0));
    // A new caller with the old name is new.
    let and_new = renamed + "[callers.shop]\naccount = \"333333333333\"\nroles = { stag = \"New\" }\n";
    expected.push(("shop stag", "added"));
    assert_eq!(of(&and_new), (owned(&expected), 0));
}

#[test]
fn no_control_character_leaves_by_the_map_or_by_github() {
    let evil = "ok \\u202e evil\\u001b[31m";
    let text = MANIFEST.replace(
        "routes = [\"GET /items/{id}\"]\n",
        &format!("routes = [\"GET /items/{{id}}\"]\naccept = {{ wildcard_spans_segments = \"{evil}\" }}\n"),
    );
    let manifest = parsed(&text, "xacct\u{202e}.toml");
    let plan = manifest.plan(&Lock::default());
    let mut texts = vec![plan.access_map(&Lock::default())];
    let findings = plan.findings();
    texts.extend(findings.iter().map(|one| Reported::finding(one, &manifest.file).github_command()));
    for text in &texts {
        let is_hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_hidden), "{text:?}");
    }
    assert!(texts.iter().all(|text| text.contains("u{202e}")), "{texts:?}");
    let github = texts.iter().find(|text| text.starts_with("::notice")).unwrap();
    assert!(github.contains("%0Aaccepted: ok \\u{202e} evil\\u{1b}[31m"), "{github}");
}

#[test]
fn nothing_of_the_manifest_or_its_name_is_markup() {
    let evil = "</title></script><script>alert(1)</script><img src=x onerror='alert(2)'>\"&";
    let text = MANIFEST.replace(
        "third_party = true\n",
        &format!("third_party = true\naccept = {{ wildcard_spans_segments = {evil:?} }}\n"),
    );
    let text = text.replace("GET /items/{id}", "GET /items/'&{id}").replace("'&{id}", "'&/{id}");
    let plain = parsed(MANIFEST, "xacct.toml").plan(&Lock::default()).access_map(&Lock::default());
    let page = parsed(&text, evil).plan(&Lock::default()).access_map(&Lock::default());
    let tags = |page: &str| page.matches('<').count();
    assert_eq!(tags(&page), tags(&plain));
    assert!(!page.contains("onerror='") && !page.contains("<img") && !page.contains("/items/'&"), "{page}");
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn the_page_asks_for_nothing_and_is_one_main_under_one_h1() {
    let page = parsed(MANIFEST, "xacct.toml").plan(&Lock::default()).access_map(&Lock::default());
    for part in [
        " src=",
        " href=",
        "url(",
        "@import",
        "eval(",
        "Function(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    for (part, count) in [("<h1>", 1), ("<main>", 1), ("</main>", 1), ("<script>", 1), ("<style>", 1)] {
        assert_eq!(page.matches(part).count(), count, "{part}");
    }
    assert_eq!(page.matches("<th scope=").count(), page.matches("<th").count() - page.matches("<thead").count());
    let (before, after) = page.split_once("<main>").unwrap();
    assert!(!before.contains("<table") && !after.split_once("</main>").unwrap().1.contains("<table"));
}

/// And so it is said where that stage is rendered, and of no other.
#[test]
fn a_finding_on_a_caller_stands_at_the_stages_that_it_is_found_on() {
    let text = r#"
[api]
account = "111111111111"
region = "eu-west-1"
[stages.http]
api_id = "a1"
[stages.url]
target = "function_url"
function = "orders"
url_id = "u1"
routes_enforced_by = "function"
[callers.billing]
account = "000000000000"
roles = { http = "Billing", url = "Billing" }
routes = ["GET /items/{id}"]
third_party = true
"#;
    let manifest = parsed(text, "xacct.toml");
    let plan = manifest.plan(&Lock::default());
    let of_rows = rows(&plan.access_map(&Lock::default()), "callers");
    for (row, (stage, own, other)) in of_rows.iter().zip([
        ("http", "wildcard_spans_segments", "routes_not_enforced"),
        ("url", "routes_not_enforced", "wildcard_spans_segments"),
    ]) {
        let codes: Vec<&str> = plan.findings_on(&manifest.stages[stage]).iter().map(|one| one.code.code()).collect();
        let said = &row[6];
        for code in [own, "third_party_without_external_id"] {
            assert!(row[1] == stage && said.contains(code) && codes.contains(&code), "{code}: {said}, {codes:?}");
        }
        assert!(!said.contains(other) && !codes.contains(&other), "{other}: {said}, {codes:?}");
        assert!(!said.contains('`'), "{said}");
    }
}
