//! The access map: one page for everybody who wants to know who may call what, and what has changed.
//!
//! It is whole without JavaScript, which only searches it; it asks for nothing from anywhere. Nothing of the manifest becomes
//! markup: every text goes through [`escaped`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::list::AccessRow;
use crate::finding::{Finding, FindingCode, Subject};
use crate::manifest::{Access, CallerPrincipals, Lock, WhichRole};
use crate::plan::Plan;
use crate::plan::told::{Before, DIRECT, IDENTITY};

const STYLE: &str = include_str!("map.css");
const SCRIPT: &str = include_str!("map.js");

/// What a row is against what the lock file knows.
enum Change<'l> {
    /// The lock file knows nobody: nothing can be said.
    Unknown,
    Same,
    Added,
    /// From this role.
    Moved(&'l str),
}

impl Plan<'_> {
    /// The page, ending in a newline. `before` is the lock file: it knows caller, stage and role of what was rendered last.
    #[must_use]
    pub fn access_map(&self, before: &Lock) -> String {
        let rows = self.access();
        let findings = self.findings();
        let told = Told { is_known: before.told().next().is_some(), before: self.told_before(before) };
        let gone = told.gone(before);
        let mut page = head(&self.manifest.file);
        let (callers, stages) = (self.manifest.callers.len(), self.manifest.stages.len());
        let open = findings.iter().filter(|finding| finding.is_open()).count();
        let _ =
            writeln!(page, "<p>Callers: {callers}. Stages: {stages}. Findings that nobody has accepted: {open}.</p>");
        let _ = writeln!(page, "<p>{}</p>", summary(&rows, &told, gone.len()));
        page.push_str(SEARCH);
        self.callers_table(&mut page, &rows, &findings, &told);
        removed(&mut page, &gone);
        others(&mut page, &findings);
        what_to_do(&mut page, &findings);
        let _ = writeln!(page, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>");
        page
    }
}

fn head(file: &str) -> String {
    let file = escaped(file);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Who may call what: {file}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Who may call what</h1>\n<p>Made of <code>{file}</code> by xacct-sign.</p>\n"
    )
}

/// It is there where a script can use it.
const SEARCH: &str = "<p id=\"search\" hidden><label for=\"words\">Search callers: a name, an account, a role, a route, a finding</label> <input id=\"words\" type=\"search\" autocomplete=\"off\" aria-describedby=\"found\"> <span id=\"found\" role=\"status\"></span></p>\n";

fn summary(rows: &[AccessRow], told: &Told<'_>, removed: usize) -> String {
    if !told.is_known {
        return "No lock file says what was rendered last: what has changed is not known.".to_owned();
    }
    let (mut added, mut moved) = (0_usize, 0_usize);
    for row in rows {
        match told.change(row) {
            Change::Added => added = added.saturating_add(1),
            Change::Moved(_) => moved = moved.saturating_add(1),
            Change::Same | Change::Unknown => {}
        }
    }
    format!(
        "Against the lock file, which knows what was rendered last: {added} added, {removed} removed, {moved} moved."
    )
}

/// What the lock file knows.
struct Told<'l> {
    /// Whether it knows anybody.
    is_known: bool,
    /// By stage and caller as they are now.
    before: BTreeMap<(&'l str, &'l str), Before<'l>>,
}

impl<'l> Told<'l> {
    fn change(&self, row: &AccessRow) -> Change<'l> {
        if !self.is_known {
            return Change::Unknown;
        }
        let without = if row.access == Access::Identity { IDENTITY } else { DIRECT };
        let role = row.role.as_deref().unwrap_or(without);
        match self.before.get(&(row.stage.as_str(), row.caller.as_str())) {
            None => Change::Added,
            Some((_, _, before)) if before.role == role => Change::Same,
            Some((_, _, before)) => Change::Moved(&before.role),
        }
    }

    /// What it knows and the manifest does not mean any more: caller, stage and role.
    fn gone(&self, before: &'l Lock) -> Vec<[&'l str; 3]> {
        let there: BTreeSet<(&str, &str)> = self.before.values().map(|(stage, caller, _)| (*stage, *caller)).collect();
        let gone = before.told().filter(|(stage, caller, _)| !there.contains(&(*stage, *caller)));
        let mut gone: Vec<_> = gone.map(|(stage, caller, told)| [caller, stage, told.role.as_str()]).collect();
        gone.sort_unstable();
        gone
    }
}

impl Plan<'_> {
    fn callers_table(&self, page: &mut String, rows: &[AccessRow], findings: &[Finding], told: &Told<'_>) {
        let mut of_callers: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            if let Subject::Caller(name) = &finding.subject {
                of_callers.entry(name).or_default().push(finding);
            }
        }
        // Where it is not known in any row, the page says so once.
        let has_changes = told.is_known;
        let heads = ["Caller", "Stage", "Principal", "Role", "Routes", "Terms", "Change", "Findings"];
        let heads: Vec<&str> = heads.into_iter().filter(|head| has_changes || *head != "Change").collect();
        open_table(page, "callers", "Callers", &heads);
        for row in rows {
            let role = match (row.access, row.role.as_deref()) {
                (_, Some(role)) => arn(role),
                (Access::Identity, None) => "none, it shows who it is".to_owned(),
                (Access::Role | Access::Direct, None) => "none, it calls as itself".to_owned(),
            };
            let routes = row
                .routes
                .as_ref()
                .map_or_else(|| "every route".to_owned(), |routes| list(routes.iter().map(|route| code(route))));
            let terms = list(row.terms_as_toml().iter().map(|term| code(term)));
            let (role, change) = match told.change(row) {
                Change::Unknown => (role, None),
                Change::Same => (role, Some("none")),
                Change::Added => (role, Some("<b>added</b>")),
                Change::Moved(from) => (format!("{role}<br>before: {}", arn(from)), Some("<b>moved</b>")),
            };
            let found = of_callers.get(row.caller.as_str()).into_iter().flatten();
            let found = list(found.filter(|finding| finding.is_on(&row.stage)).map(|finding| said(finding)));
            let cells = [Some(escaped(&row.stage)), Some(self.principals(row)), Some(role), Some(routes), Some(terms)];
            let cells = cells.into_iter().chain([change.map(str::to_owned), Some(found)]).flatten();
            let cells: String = cells.map(|cell| format!("<td>{cell}</td>")).collect();
            let _ = writeln!(page, "<tr><th scope=\"row\">{}</th>{cells}</tr>", escaped(&row.caller));
        }
        page.push_str("</tbody>\n</table>\n");
    }

    /// Who the caller is on the stage, as logs name it.
    fn principals(&self, row: &AccessRow) -> String {
        let Some(caller) = self.manifest.callers.get(&row.caller) else { return String::new() };
        let account = match &caller.principals {
            CallerPrincipals::Organization { id, .. } => return format!("organization {}", code(id)),
            CallerPrincipals::Roles { account, .. } => account,
        };
        let partition = self.manifest.api.partition();
        list(caller.roles_on(&row.stage).iter().map(|role| match role {
            WhichRole::Named(role) => arn(&role.arn(partition, account)),
            WhichRole::Like(pattern) => arn(&pattern.arn(partition, account)),
            WhichRole::Every => format!("all of account {}", code(account)),
        }))
    }
}

fn removed(page: &mut String, gone: &[[&str; 3]]) {
    if gone.is_empty() {
        return;
    }
    open_table(page, "removed", "Removed since the lock file was written", &["Caller", "Stage", "Role", "Change"]);
    for [caller, stage, role] in gone {
        let (caller, stage) = (escaped(caller), escaped(stage));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{caller}</th><td>{stage}</td><td>{}</td><td><b>removed</b></td></tr>",
            arn(role)
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

/// Findings on the API and its stages; those on callers stand with these.
fn others(page: &mut String, findings: &[Finding]) {
    let others: Vec<&Finding> =
        findings.iter().filter(|finding| !matches!(finding.subject, Subject::Caller(_))).collect();
    if others.is_empty() {
        return;
    }
    open_table(page, "findings", "Findings on the API and its stages", &["Table", "Finding"]);
    for finding in others {
        let subject = code(&finding.subject.to_string());
        let _ = writeln!(page, "<tr><th scope=\"row\">{subject}</th><td>{}</td></tr>", said(finding));
    }
    page.push_str("</tbody>\n</table>\n");
}

/// What to do about each kind of finding, once for all of its rows.
fn what_to_do(page: &mut String, findings: &[Finding]) {
    let codes: BTreeSet<FindingCode> = findings.iter().map(|finding| finding.code).collect();
    if codes.is_empty() {
        return;
    }
    open_table(page, "codes", "What the findings mean", &["Finding", "Why", "Hint"]);
    for of in codes {
        let (code, why, hint) = (parted(of.code(), '_'), sentence(of.reason()), sentence(of.hint()));
        let _ = writeln!(page, "<tr><th scope=\"row\">{code}</th><td>{why}</td><td>{hint}</td></tr>");
    }
    page.push_str("</tbody>\n</table>\n");
}

fn open_table(page: &mut String, id: &str, caption: &str, columns: &[&str]) {
    let head = |column: &&str| format!("<th scope=\"col\" class=\"{}\">{column}</th>", column.to_ascii_lowercase());
    let heads: String = columns.iter().map(head).collect();
    let _ =
        writeln!(page, "<table id=\"{id}\">\n<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>");
}

fn said(finding: &Finding) -> String {
    let Finding { code: of, line, message, accepted, .. } = finding;
    let accepted = accepted.as_ref().map(|reason| format!(" (accepted: {})", escaped(reason))).unwrap_or_default();
    // The row shows both roles.
    let message = if *of == FindingCode::RoleArnChanged { String::new() } else { format!(": {}", sentence(message)) };
    format!("{} {}, line {line}{message}{accepted}", of.level(), parted(of.code(), '_'))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("<br>")
}

/// What stands in backticks is code.
fn sentence(text: &str) -> String {
    let escaped = escaped(text);
    let parts = escaped.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 0 { part.to_owned() } else { format!("<code>{part}</code>") }).collect()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

fn arn(text: &str) -> String {
    parted(text, '/')
}

/// As [`code`], with a line's end where it may have one, which it has nowhere by itself.
fn parted(text: &str, after: char) -> String {
    format!("<code>{}</code>", escaped(text).replace(after, &format!("{after}<wbr>")))
}

/// A text that is no markup, in an element or an attribute, and does nothing to the order in which it is read.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in xacct_sign::escaped(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
