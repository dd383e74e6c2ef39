//! What a provider sends to a caller, in Markdown.

use crate::manifest::{Caller, Stage};
use crate::plan::{CallerRole, Plan};
use crate::target::HttpApi;

impl Plan<'_> {
    /// The note for a caller: for each of its stages the role's ARN, the region, the external id and how to call; and what
    /// its own account has to allow. It ends in a newline.
    #[must_use]
    pub fn note(&self, caller: &Caller) -> String {
        let mut text = format!("# Calling the API as {}\n", caller.name);
        text.push_str(&format!(
            "\nAssume the role of the stage, then sign each request with AWS Signature Version 4 for `{}`.\n",
            HttpApi::SIGNING_NAME
        ));
        for stage in self.manifest.stages.values().filter(|stage| caller.is_on(&stage.name)) {
            text.push_str(&self.stage_note(caller, stage));
        }
        text.push_str("\n## What your account has to allow\n");
        for role in self.roles_of(caller) {
            let policy = role.policy.to_json_pretty();
            text.push_str(&format!("\nAttach this policy to {}:\n\n```json\n{policy}\n```\n", whose(&role)));
        }
        text
    }

    fn stage_note(&self, caller: &Caller, stage: &Stage) -> String {
        let api = &self.manifest.api;
        let arn = self.role_for(caller, &stage.name).arn(api.partition(), &api.account);
        let url = self.manifest.target(stage).invoke_url();
        let call = Call { arn: &arn, region: &api.region, url: &url, caller };
        let mut text = format!("\n## Stage {}\n\n", stage.name);
        text.push_str(&format!("- Role: `{arn}`\n- Region: `{}`\n- URL: `{url}`\n", api.region));
        if let Some(external_id) = &caller.external_id {
            text.push_str(&format!("- External id: `{external_id}`, to be sent each time the role is assumed\n"));
        }
        if let Some(from) = who(self, caller, &stage.name) {
            text.push_str(&format!("- From: {from}\n"));
        }
        if let Some(routes) = &caller.routes {
            let routes: Vec<String> = routes.iter().map(|route| format!("`{route}`")).collect();
            text.push_str(&format!("- Routes: {}\n", routes.join(", ")));
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
        text.push_str(&format!(
            "\nPython, with `pip install xacct_sign`:\n\n```python\n{}```\n\nJavaScript, with `npm install xacct-sign`:\n\n```js\n{}```\n\nShell, with the AWS CLI and curl:\n\n```sh\n{}```\n",
            call.python(),
            call.javascript(),
            call.shell()
        ));
        text
    }
}

struct Call<'a> {
    arn: &'a str,
    region: &'a str,
    url: &'a str,
    caller: &'a Caller,
}

impl Call<'_> {
    /// A name that the trust policy takes, where it asks for one: patterns without their wildcards.
    fn session_name(&self) -> Option<String> {
        let pattern = self.caller.session_names.first()?;
        let name = pattern.replace('*', "").replace('?', "x");
        // A session name has two characters at least, and what a `*` stands for may be anything.
        Some(if name.len() < 2 { pattern.replace('*', "caller").replace('?', "x") } else { name })
    }

    fn python(&self) -> String {
        let mut options = vec![format!("    \"{}\",", self.arn), format!("    region=\"{}\",", self.region)];
        options.extend(self.caller.external_id.iter().map(|id| format!("    external_id=\"{id}\",")));
        options.extend(self.session_name().map(|name| format!("    session_name=\"{name}\",")));
        let (method, path) = self.request();
        format!(
            "import xacct_sign\n\nrole = xacct_sign.AssumeRole(\n{}\n)\napi = xacct_sign.Session(role, base_url=\"{}\")\nprint(api.{}(\"{path}\").status_code)\n",
            options.join("\n"),
            self.url,
            method.to_ascii_lowercase()
        )
    }

    fn javascript(&self) -> String {
        let mut options = vec![format!("  roleArn: \"{}\",", self.arn), format!("  region: \"{}\",", self.region)];
        options.extend(self.caller.external_id.iter().map(|id| format!("  externalId: \"{id}\",")));
        options.extend(self.session_name().map(|name| format!("  sessionName: \"{name}\",")));
        let (method, path) = self.request();
        let method = if method == "GET" { String::new() } else { format!(", {{ method: \"{method}\" }}") };
        format!(
            "import {{ createFetch }} from \"xacct-sign\";\n\nconst api = createFetch({{\n{}\n}});\nconst answer = await api(\"{}{path}\"{method});\nconsole.log(answer.status);\n",
            options.join("\n"),
            self.url
        )
    }

    fn shell(&self) -> String {
        let session_name = self.session_name().unwrap_or_else(|| self.caller.name.clone());
        // One letter is too short for STS.
        let session_name = if session_name.len() < 2 { format!("{session_name}-caller") } else { session_name };
        let external_id =
            self.caller.external_id.iter().map(|id| format!(" \\\n  --external-id '{id}'")).collect::<String>();
        let (method, path) = self.request();
        let method = match method {
            "GET" => String::new(),
            "HEAD" => " --head".to_owned(),
            other => format!(" --request {other}"),
        };
        format!(
            "read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<EOF\n$(aws sts assume-role --region {region} \\\n  --role-arn '{arn}' \\\n  --role-session-name '{session_name}'{external_id} \\\n  --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)\nEOF\ncurl{method} --aws-sigv4 'aws:amz:{region}:{service}' --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" \\\n  --header \"x-amz-security-token: $AWS_SESSION_TOKEN\" '{url}{path}'\n",
            region = self.region,
            service = HttpApi::SIGNING_NAME,
            arn = self.arn,
            url = self.url
        )
    }

    /// A method and a path that the caller may use: those of its first route, or the root.
    fn request(&self) -> (&str, String) {
        let Some(route) = self.caller.routes.iter().flatten().next() else {
            return ("GET", "/".to_owned());
        };
        let segment = |segment: &str| {
            if segment.starts_with('{') || segment == "*" { "1".to_owned() } else { segment.to_owned() }
        };
        let method = if route.method() == "ANY" { "GET" } else { route.method() };
        (method, route.path().split('/').map(segment).collect::<Vec<_>>().join("/"))
    }
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn who(plan: &Plan<'_>, caller: &Caller, stage: &str) -> Option<String> {
    plan.roles_of(caller).iter().find(|role| role.may_assume.contains_key(stage)).map(whose)
}

/// In words, which principals a policy is for.
fn whose(role: &CallerRole) -> String {
    match (&role.organization, role.account.as_str(), role.role_name.as_str()) {
        (Some(id), _, _) => format!("each role of the organization `{id}` that calls the API"),
        (None, account, "*") => format!("each role of account `{account}` that calls the API"),
        (None, "*", name) => format!("the role `{name}` of your account"),
        (None, _, _) => format!("the role `{}`", role.arn),
    }
}
