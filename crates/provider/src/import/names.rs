//! Names for stages and callers with which each role keeps its own: `role_name`, stage and caller, put together.

use std::collections::{BTreeMap, BTreeSet};

use xacct_sign::aws::RoleName;

use super::callers::{ReadCaller, Terms, shown};
use super::trust::Who;
use super::{ApiRole, not_expressible};
use crate::deployed::DeployedError;
use crate::manifest::DEFAULT_ROLE_NAME;
use crate::manifest::names::{is_between_words, is_label, is_role_part, title_case, words_of};
use crate::plan::RoleKind;

/// What a stage and its callers are called.
#[derive(Default)]
pub(super) struct Names {
    /// What all roles' names begin with, after their path.
    pub(super) base: String,
    pub(super) stages: BTreeMap<String, NamedStage>,
    pub(super) callers: BTreeMap<String, NamedCaller>,
    /// Stage, caller and which of the stage's roles it has.
    assigned: Vec<(String, String, RoleKind)>,
    /// By the role's name, its callers.
    of_roles: BTreeMap<String, BTreeSet<String>>,
}

pub(super) struct NamedStage {
    /// An index of one of its roles.
    pub(super) role: usize,
    /// What stands for it in the names of its roles, where that is not its name in title case.
    pub(super) role_name: Option<String>,
}

pub(super) struct NamedCaller {
    pub(super) what: Caller,
    pub(super) stages: BTreeSet<String>,
    pub(super) role_name: Option<String>,
}

/// What makes a caller the same on several stages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Caller {
    /// Several only of one account.
    pub(super) whom: BTreeSet<Who>,
    pub(super) terms: Terms,
    pub(super) routes: Option<Vec<String>>,
    /// What stands for it in the names of its own roles.
    part: Option<String>,
}

impl Names {
    pub(super) fn assigned(&self) -> impl Iterator<Item = (&str, &str, &RoleKind)> {
        self.assigned.iter().map(|(stage, caller, kind)| (stage.as_str(), caller.as_str(), kind))
    }

    pub(super) fn callers_of(&self, role: &str) -> Option<&BTreeSet<String>> {
        self.of_roles.get(role)
    }
}

/// Names for all of the roles.
///
/// # Errors
///
/// `not_expressible` where no `role_name` makes them all.
pub(super) fn stage_names(roles: &[ApiRole<'_>]) -> Result<Names, DeployedError> {
    let Some(first) = roles.first() else { return Err(DeployedError::new("no_api_role", "no role has callers")) };
    if let Some(other) = roles.iter().find(|role| role.deployed.path != first.deployed.path) {
        let message = format!("roles `{}` and `{}` have different paths", first.name, other.name);
        return Err(not_expressible(&message));
    }
    let common = first.name.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8()));
    let bases = common.filter_map(|end| first.name.get(..end));
    let bases: Vec<&str> = bases.filter(|base| roles.iter().all(|role| role.name.starts_with(base))).collect();
    let is_word = |base: &str| {
        let is_cut = |role: &ApiRole<'_>| base.len() < role.name.len() && is_between_words(role.name, base.len());
        roles.iter().all(is_cut)
    };
    // What follows is words for stage and caller, of a shared role for its stage alone.
    let leaves_words = |base: &str| {
        roles.iter().all(|role| {
            let rest = role.name.get(base.len()..).unwrap_or_default();
            words_of(rest).iter().filter(|word| has_word(word)).count() > usize::from(role.opened.routes.is_some())
        })
    };
    let mut why = None;
    // With what the file calls the stages; with what `role_name` is by default; the longest that ends with a word, and leaves
    // others; the longest.
    let says_stages = |base: &str| {
        roles.iter().all(|role| {
            let rest = role.name.strip_prefix(base).unwrap_or_default();
            role.stage.as_deref().is_none_or(|stage| rest.starts_with(&title_case(stage)))
        })
    };
    let mut bases = bases;
    bases.sort_by_key(|base| {
        let is_default = *base == DEFAULT_ROLE_NAME;
        (!says_stages(base), !is_default, !is_word(base), !leaves_words(base), std::cmp::Reverse(base.len()))
    });
    for base in bases {
        match with_base(base, roles) {
            Ok(names) => return Ok(names),
            Err(because) => why = why.or(Some(because)),
        }
    }
    let why =
        why.unwrap_or_else(|| format!("the names of its roles, such as `{}`, have nothing in common", first.name));
    Err(not_expressible(&why))
}

fn with_base(base: &str, roles: &[ApiRole<'_>]) -> Result<Names, String> {
    if RoleName::parse(base).is_none() {
        return Err(format!("`{base}` is no `role_name`"));
    }
    let mut by_api: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, role) in roles.iter().enumerate() {
        by_api.entry((&role.opened.api_id, &role.opened.api_stage)).or_default().push(index);
    }
    let mut names = Names { base: base.to_owned(), ..Names::default() };
    let mut known: BTreeMap<Caller, String> = BTreeMap::new();
    let mut places: BTreeMap<&ReadCaller, BTreeSet<usize>> = BTreeMap::new();
    for (index, role) in roles.iter().enumerate() {
        for caller in &role.callers {
            places.entry(caller).or_default().insert(index);
        }
    }
    for of_stage in by_api.into_values() {
        let group: Vec<&ApiRole<'_>> = of_stage.iter().filter_map(|index| roles.get(*index)).collect();
        let part = stage_part(base, &group)?;
        let stage = stage_name(base, &group, &part, &names.stages);
        let role_name = (title_case(&stage) != part).then(|| part.clone());
        names
            .stages
            .insert(stage.clone(), NamedStage { role: of_stage.first().copied().unwrap_or_default(), role_name });
        for role in group {
            let rest =
                role.name.strip_prefix(base).and_then(|rest| rest.strip_prefix(part.as_str())).unwrap_or_default();
            let number = number_of(rest).filter(|_| role.opened.routes.is_none());
            let callers: Vec<Caller> = match number {
                Some(_) => shared(role, &places),
                None if is_role_part(rest) => vec![own(role, rest)?],
                None => {
                    return Err(format!(
                        "the name of role `{}` is not made of `{base}`, `{part}` and a caller",
                        role.name
                    ));
                }
            };
            for caller in callers {
                let name = match known.get(&caller) {
                    Some(name) => name.clone(),
                    None => {
                        let name = caller_name(&caller, &names.callers);
                        let part = caller.part.clone().filter(|part| title_case(&name) != *part);
                        let named = NamedCaller { what: caller.clone(), stages: BTreeSet::new(), role_name: part };
                        names.callers.insert(name.clone(), named);
                        known.insert(caller, name.clone());
                        name
                    }
                };
                if let Some(named) = names.callers.get_mut(&name) {
                    named.stages.insert(stage.clone());
                }
                let kind = number.map_or_else(|| RoleKind::Own(name.clone()), RoleKind::Shared);
                names.of_roles.entry(role.name.to_owned()).or_default().insert(name.clone());
                names.assigned.push((stage.clone(), name, kind));
            }
        }
    }
    Ok(names)
}

/// The number of a shared role by what follows the stage in its name.
fn number_of(rest: &str) -> Option<u32> {
    match rest.strip_prefix('-') {
        None => rest.is_empty().then_some(1),
        Some(number) => number.parse().ok().filter(|parsed: &u32| *parsed > 1 && parsed.to_string() == number),
    }
}

/// The callers of a shared role: roles of one account with the same terms are one, if they are so wherever one of them is.
fn shared(role: &ApiRole<'_>, places: &BTreeMap<&ReadCaller, BTreeSet<usize>>) -> Vec<Caller> {
    let mut together: BTreeMap<_, BTreeSet<Who>> = BTreeMap::new();
    for caller in &role.callers {
        let of = match &caller.who {
            Who::Role { account, by_account, .. } => Ok((account, by_account)),
            alone => Err(alone),
        };
        together.entry((of, &caller.terms, places.get(caller))).or_default().insert(caller.who.clone());
    }
    let all = together.into_iter();
    all.map(|((_, terms, _), whom)| Caller { whom, terms: terms.clone(), routes: None, part: None }).collect()
}

/// The one caller of a role: several principals are one where they are roles of one account with the same terms.
fn own(role: &ApiRole<'_>, part: &str) -> Result<Caller, String> {
    let whom: BTreeSet<Who> = role.callers.iter().map(|caller| caller.who.clone()).collect();
    let accounts: BTreeSet<(&str, bool)> = whom
        .iter()
        .map(|who| match who {
            Who::Role { account, by_account, .. } => (account.as_str(), *by_account),
            Who::Account(account) => (account.as_str(), true),
            Who::Organization(id) => (id.as_str(), true),
        })
        .collect();
    let terms: BTreeSet<&Terms> = role.callers.iter().map(|caller| &caller.terms).collect();
    let (Some(one), 1, 1) = (terms.first(), terms.len(), accounts.len()) else {
        let all: Vec<String> = whom.iter().map(shown).collect();
        let message = format!("role `{}` is for several callers, and not the first of its stage", role.name);
        return Err(format!("{message}: {}", all.join(", ")));
    };
    // A role of its own takes routes; these are all.
    let routes = role.opened.routes.clone().unwrap_or_else(|| vec!["ANY /{proxy+}".to_owned()]);
    Ok(Caller { terms: (*one).clone(), whom, routes: Some(routes), part: Some(part.to_owned()) })
}

/// What stands for the stage in the names of its roles.
fn stage_part(base: &str, group: &[&ApiRole<'_>]) -> Result<String, String> {
    let rests: Vec<&str> = group.iter().filter_map(|role| role.name.strip_prefix(base)).collect();
    let shared =
        group.iter().filter(|role| role.opened.routes.is_none()).filter_map(|role| role.name.strip_prefix(base));
    let shared = shared.map(|rest| {
        rest.rsplit_once('-')
            .filter(|(_, number)| number_of(&format!("-{number}")).is_some())
            .map_or(rest, |(part, _)| part)
    });
    let said = group.iter().find_map(|role| role.stage.as_deref()).map(title_case);
    let begins_all = |part: &str| rests.iter().all(|rest| rest.starts_with(part));
    // What the file says, else the shortest name of a shared role, else the words that all have in common.
    let mut candidates: Vec<String> = said.into_iter().collect();
    let mut shared: Vec<String> = shared.map(str::to_owned).collect();
    shared.sort_by_key(String::len);
    candidates.extend(shared);
    let first = rests.first().copied().unwrap_or_default();
    let mut ends: Vec<usize> = first.char_indices().map(|(at, _)| at).skip(1).collect();
    let is_word = |end: &usize| is_between_words(first, *end);
    ends.sort_by_key(|end| (!is_word(end), std::cmp::Reverse(*end)));
    candidates.extend(ends.into_iter().filter_map(|end| first.get(..end)).map(str::to_owned));
    let is_good = |part: &String| {
        let rest_is = |rest: &str, is_shared: bool| match rest.strip_prefix(part.as_str()) {
            Some(rest) => (is_shared && number_of(rest).is_some()) || is_role_part(rest),
            None => false,
        };
        is_role_part(part)
            && begins_all(part)
            && group
                .iter()
                .all(|role| rest_is(role.name.strip_prefix(base).unwrap_or_default(), role.opened.routes.is_none()))
    };
    candidates.into_iter().find(is_good).ok_or_else(|| {
        format!("the names of the roles of one stage, such as `{base}{first}`, are not made of a stage and a caller in title case, without what parts them")
    })
}

/// What the file calls it; else by the words of its roles' names, if what stands for it is whole ones; else as the API does; else
/// as its first role.
fn stage_name(base: &str, group: &[&ApiRole<'_>], part: &str, taken: &BTreeMap<String, NamedStage>) -> String {
    let said = group.iter().find_map(|role| role.stage.clone()).filter(|name| is_label(name));
    let end = base.len().saturating_add(part.len());
    let is_whole = |role: &&ApiRole<'_>| [base.len(), end].iter().all(|at| is_between_words(role.name, *at));
    let in_words = has_word(part) && group.iter().all(is_whole);
    let first = group.first();
    let of_api = || first.map(|role| role.opened.api_stage.clone()).filter(|name| is_label(name));
    let name = said.or_else(|| in_words.then(|| kebab(part))).or_else(of_api);
    unused(name.unwrap_or_else(|| kebab(first.map_or(part, |role| role.name))), |name| taken.contains_key(name))
}

fn caller_name(caller: &Caller, taken: &BTreeMap<String, NamedCaller>) -> String {
    let who = caller.whom.first();
    // The end of a word is no name, and neither is a number.
    let part = caller.part.as_ref();
    let part = part.filter(|part| has_word(part) && !part.starts_with(|c: char| c.is_ascii_lowercase()));
    let (name, account) = match (part, who) {
        (Some(part), _) => (kebab(part), None),
        (None, Some(Who::Role { account, role, .. })) => {
            (kebab(role.rsplit('/').next().unwrap_or_default()), Some(account))
        }
        (None, Some(Who::Account(account))) => (format!("account-{account}"), None),
        (None, Some(Who::Organization(id))) => (id.clone(), None),
        (None, None) => (String::new(), None),
    };
    let is_taken = |name: &str| taken.contains_key(name);
    match account.filter(|account| *account != "*" && is_taken(&name)) {
        Some(account) => unused(format!("{name}-{account}"), is_taken),
        None => unused(name, is_taken),
    }
}

fn has_word(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_alphabetic())
}

/// The words of a name, in lower case.
fn kebab(text: &str) -> String {
    let name: String = words_of(text).join("-").chars().take(48).collect();
    let name = name.trim_end_matches('-').to_owned();
    if name.is_empty() { "caller".to_owned() } else { name }
}

fn unused(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}
