//! What a provider sends to a caller, in Markdown. Each value of the manifest is quoted by the rules of the language in which
//! it stands.

mod call;
mod command;
mod javascript;
pub(crate) mod markdown;
mod python;
mod server;
mod shell;

use std::collections::BTreeSet;

use self::call::Call;
use self::markdown::{block, code, list};
use crate::check::PERMISSION_SETS;
use crate::manifest::{Caller, Stage};
use crate::plan::{CallerRole, Plan};
use crate::targets::{RestApi, Target};

impl Plan<'_> {
    /// The note for a caller: for each of its stages the role's ARN, the region, the external id and how to call; and what
    /// its own account has to allow. It ends in a newline.
    #[must_use]
    pub fn note(&self, caller: &Caller) -> String {
        let mut text = format!("# Calling the API as {}\n", code(&caller.name));
        let all = || self.manifest.stages.values().filter(|stage| caller.is_on(&stage.name));
        let stages = || all().filter_map(|stage| Some((stage, self.manifest.target(stage)?)));
        let services: BTreeSet<&str> = stages().map(|(_, target)| target.signing_name()).collect();
        let service = match services.iter().collect::<Vec<_>>().as_slice() {
            [one] => code(one),
            _ => "the service of the stage".to_owned(),
        };
        let direct = stages().filter(|(stage, _)| stage.is_direct()).count();
        let how = match direct {
            0 => "Assume the role of the stage, then sign",
            _ if direct == stages().count() => "As your own role, sign",
            _ => "Assume the role of the stage where it has one, then sign",
        };
        let is_at_servers = stages().count() < all().count();
        if stages().next().is_some() {
            let of = if is_at_servers { ", but on a stage with an audience" } else { "" };
            text.push_str(&format!("\n{how} each request with AWS Signature Version 4 for {service}{of}.\n"));
        }
        if is_at_servers {
            text.push_str(server::how(&self.manifest.identity));
        }
        for stage in all() {
            text.push_str(&match self.manifest.target(stage) {
                Some(target) => self.stage_note(caller, stage, target, services.len() > 1),
                None => self.server_note(caller, stage),
            });
        }
        text.push_str("\n## What your account has to allow\n");
        if is_at_servers {
            text.push_str(&server::federation(&self.manifest.identity, caller));
        }
        for role in self.roles_of(caller) {
            let policy = role.policy.to_json_pretty();
            text.push_str(&format!("\n{}:\n\n{}", attach(&role), block("json", &format!("{policy}\n"))));
        }
        text
    }

    fn stage_note(&self, caller: &Caller, stage: &Stage, target: Target<'_>, is_mixed: bool) -> String {
        let api = &self.manifest.api;
        let role = stage.is_by_role().then(|| self.role_for(caller, &stage.name));
        let arn = role.as_ref().map(|role| role.arn(api.partition(), &api.account));
        let url = stage.called_at(target);
        let mut call = Call::new(arn.as_deref(), &api.region, target.signing_name(), &url, caller);
        call.is_custom = stage.url.is_some();
        let mut text = format!("\n## Stage {}\n\n", code(&stage.name));
        let shown = arn.as_deref().map_or_else(|| "none to assume: sign as your own".to_owned(), code);
        text.push_str(&format!("- Role: {shown}\n- Region: {}\n- URL: {}\n", code(&api.region), code(&url)));
        if is_mixed {
            text.push_str(&format!("- Service: {}\n", code(target.signing_name())));
        }
        if let Target::RestApi(RestApi { vpc_endpoints, .. }) = target
            && !vpc_endpoints.is_empty()
        {
            text.push_str(&format!("- By the VPC endpoints {} alone\n", list(vpc_endpoints)));
        }
        if let Some(id) = &caller.external_id {
            text.push_str(&format!("- External id: {}, to be sent each time the role is assumed\n", code(id)));
        }
        if let Some(from) = who(self, caller, &stage.name) {
            text.push_str(&format!("- From: {from}\n"));
        }
        if let Some(routes) = &caller.routes {
            text.push_str(&format!("- Routes: {}\n", list(routes)));
        }
        if let Some(body) = call::without_body(caller) {
            text.push_str(&format!("- Body: {body}\n"));
        }
        if !caller.session_names.is_empty() {
            text.push_str(&format!("- Session name, one of: {}\n", list(&caller.session_names)));
        }
        if !caller.tags.is_empty() {
            text.push_str(&format!("- Session tags that you may send: {}\n", list(&caller.tags)));
        }
        if !caller.source_identity.is_empty() {
            text.push_str(&format!("- Source identity that you may set: {}\n", list(&caller.source_identity)));
        }
        if role.is_none() {
            text.push_str("- The API sees: your own role and the name of its session, as you have assumed it\n");
        }
        if let Some(role) = &role {
            let (partition, account, name) = (api.partition(), &api.account, role.name());
            let session = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{}", call.session_name);
            text.push_str(&format!(
                "- The API sees: {}, whose end is the session name that you give\n",
                code(&session)
            ));
        }
        for (how, language, snippet) in [
            ("Python, with `pip install xacct_sign`", "python", python::snippet(&call)),
            ("JavaScript, with `npm install xacct-sign`", "js", javascript::snippet(&call)),
            ("Shell, with the AWS CLI and curl", "sh", shell::snippet(&call)),
            ("Shell, with `pip install xacct-sign-cli`", "sh", command::snippet(&call)),
        ] {
            text.push_str(&format!("\n{how}:\n\n{}", block(language, &snippet)));
        }
        text
    }
}

/// In words, every role that the caller has on a stage.
fn who(plan: &Plan<'_>, caller: &Caller, stage: &str) -> Option<String> {
    let roles = plan.roles_of(caller);
    let names: Vec<String> = roles.iter().filter(|role| role.stages().any(|on| on == stage)).map(whose).collect();
    let (last, others) = names.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) })
}

/// In words, what the policy is to be attached to: nobody may change the roles of permission sets.
fn attach(role: &CallerRole) -> String {
    if role.arn.contains(&format!(":role{PERMISSION_SETS}")) {
        let arn = code(&role.arn);
        return format!(
            "Put this policy into the permission set of {arn}, as its inline policy in IAM Identity Center"
        );
    }
    format!("Attach this policy to {}", whose(role))
}

/// In words, which principals a policy is for.
fn whose(role: &CallerRole) -> String {
    match (&role.organization, role.account.as_str(), role.role_name.as_str()) {
        (Some(id), _, _) => format!("each role of the organization {} that calls the API", code(id)),
        (None, account, "*") => format!("each role of account {} that calls the API", code(account)),
        (None, "*", name) if name.contains('*') => format!("each role of your account that fits {}", code(name)),
        (None, "*", name) => format!("the role {} of your account", code(name)),
        (None, _, name) if name.contains('*') => format!("each role that fits {}", code(&role.arn)),
        (None, _, _) => format!("the role {}", code(&role.arn)),
    }
}
