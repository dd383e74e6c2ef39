//! What a caller is told of a stage that is a server: what for its tokens and proofs have to be, and how it sends them.

use serde_json::{Map, Value};
use xacct_sign::sts::TokenAlgorithm;

use super::call::{json_of, request, without_body};
use super::markdown::{block, code, list};
use super::shell::word;
use super::{command, javascript, shell, who};
use crate::manifest::{Caller, CallerPrincipals, Identity, Stage};
use crate::plan::Plan;

const BY_EITHER: &str = "
To a stage with an audience send `authorization: Bearer` and a token that AWS STS makes for your role, for this audience; or, where
your account has no tokens made, a proof: the values of a signed `GetCallerIdentity`. Either is enough to be you until it ends: send it
to this server alone, over https.
";

const BY_TOKEN: &str = "
To a stage with an audience send `authorization: Bearer` and a token that AWS STS makes for your role, for this audience. It is enough
to be you until it ends: send it to this server alone, over https.
";

/// How long a token lives, in seconds, of which nobody says it.
const USUAL_DURATION: u32 = 300;

/// Where it is not said where the server is: no name, so that nothing is sent to anybody.
const NOWHERE: &str = "https://server.invalid";

/// How a caller shows who it is.
pub(super) fn how(identity: &Identity) -> &'static str {
    if identity.regions.is_empty() { BY_TOKEN } else { BY_EITHER }
}

/// What the account has to do once, beside the policy.
pub(super) fn federation(identity: &Identity, caller: &Caller) -> String {
    let known = caller.issuer.as_deref().map(|issuer| format!(" It is known here as {}.", code(issuer)));
    let tell = known.unwrap_or_else(|| " Tell it to the provider.".to_owned());
    let proofs = match identity.regions.as_slice() {
        [] => String::new(),
        _ => " Proofs need neither that nor the policy.".to_owned(),
    };
    format!(
        "\nFor tokens, an administrator of your account runs once, and is told the account's issuer:\n\n{}\n{}\n",
        block("sh", "aws iam enable-outbound-web-identity-federation\n"),
        format!("{tell}{proofs}").trim_start(),
    )
}

impl Plan<'_> {
    pub(super) fn server_note(&self, caller: &Caller, stage: &Stage) -> String {
        let Identity { algorithm, max_duration_seconds, regions, .. } = &self.manifest.identity;
        let audience = stage.audience().unwrap_or_default();
        let url = stage.url.as_deref().or_else(|| Some(audience).filter(|text| text.starts_with("https://")));
        let mut text = format!("\n## Stage {}\n\n- Role: none to assume\n", code(&stage.name));
        let shown = url.map_or_else(|| "the provider tells you".to_owned(), code);
        text.push_str(&format!("- Audience: {}\n- URL: {shown}\n", code(audience)));
        text.push_str(&format!(
            "- Tokens: by {}, for {max_duration_seconds} seconds at most\n",
            code(algorithm.name())
        ));
        match regions.as_slice() {
            [] => text.push_str("- Proofs: none are taken\n"),
            some => text.push_str(&format!("- Proofs: signed for {}\n", list(some))),
        }
        if let Some(from) = who(self, caller, &stage.name) {
            text.push_str(&format!("- From: {from}\n"));
        }
        if let Some(routes) = &caller.routes {
            text.push_str(&format!("- Routes: {}\n", list(routes)));
        }
        if let Some(body) = without_body(caller) {
            text.push_str(&format!("- Body: {body}\n"));
        }
        let (method, path) = request(caller);
        let region = &self.manifest.api.region;
        // Of an account whose issuer is not known no token is taken, and of a proof that is signed elsewhere none.
        let signed_for = regions.iter().find(|one| *one == region).or(regions.first());
        let signed_for = signed_for.filter(|_| !self.has_issuer(caller));
        let by_token = signed_for.is_none();
        let call = Shown {
            region: signed_for.unwrap_or(region),
            is_proof: !by_token,
            audience,
            url: format!("{}{path}", url.map_or(NOWHERE, |url| url.trim_end_matches('/'))),
            method,
            json: json_of(method),
            algorithm: Some(algorithm.name()).filter(|_| by_token && *algorithm != TokenAlgorithm::default()),
            duration_seconds: Some(*max_duration_seconds).filter(|most| by_token && *most < USUAL_DURATION),
        };
        // The AWS CLI makes no proofs.
        let shell = (!call.is_proof).then(|| ("Shell, with the AWS CLI and curl", "sh", call.shell()));
        let snippets = [
            Some(("Python, with `pip install xacct_sign requests`", "python", call.python())),
            Some(("JavaScript, with `npm install xacct-sign`", "js", call.javascript())),
            shell,
            Some(("Shell, with `pip install xacct-sign-cli`", "sh", call.command())),
        ];
        for (how, language, snippet) in snippets.into_iter().flatten() {
            text.push_str(&format!("\n{how}:\n\n{}", block(language, &snippet)));
        }
        text
    }

    fn has_issuer(&self, caller: &Caller) -> bool {
        let CallerPrincipals::Roles { account, .. } = &caller.principals else { return false };
        self.manifest.issuer_of(account).is_some()
    }
}

/// The call that the note shows: values, not yet quoted for any language.
struct Shown<'a> {
    region: &'a str,
    /// By a proof, in place of a token.
    is_proof: bool,
    audience: &'a str,
    url: String,
    method: &'a str,
    json: Option<&'static str>,
    /// Of a token, if it is not the usual one; of a proof never.
    algorithm: Option<&'static str>,
    duration_seconds: Option<u32>,
}

/// A text in JSON is a string literal of Python's, and of JavaScript's.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

impl Shown<'_> {
    fn python(&self) -> String {
        let mut arguments = vec![literal(self.audience), format!("region={}", literal(self.region))];
        arguments.extend(self.algorithm.map(|name| format!("algorithm={}", literal(name))));
        arguments.extend(self.duration_seconds.map(|seconds| format!("duration_seconds={seconds}")));
        arguments.push("base=xacct_sign.DefaultCredentials()".to_owned());
        let arguments: String = arguments.iter().map(|argument| format!("    {argument},\n")).collect();
        format!(
            "import requests
import xacct_sign
from xacct_sign.requests import IdentityAuth

auth = IdentityAuth(xacct_sign.{made}(
{arguments}))
print(requests.{method}({url}{json}, auth=auth, timeout=35).status_code)
",
            made = if self.is_proof { "IdentityProof" } else { "IdentityToken" },
            method = self.method.to_ascii_lowercase(),
            url = literal(&self.url),
            json = self.json.map(|json| format!(", json={json}")).unwrap_or_default(),
        )
    }

    fn javascript(&self) -> String {
        let mut options =
            vec![format!("audience: {}", literal(self.audience)), format!("region: {}", literal(self.region))];
        options.extend(self.algorithm.map(|name| format!("algorithm: {}", literal(name))));
        options.extend(self.duration_seconds.map(|seconds| format!("durationSeconds: {seconds}")));
        let options: String = options.iter().map(|option| format!("  {option},\n")).collect();
        format!(
            "import {{ createFetch }} from \"xacct-sign\";
import {{ {made} }} from \"xacct-sign/identity\";

const api = createFetch({{ identity: {made}({{
{options}}}) }});
const answer = await api({url}{init});
console.log(answer.status);
",
            made = if self.is_proof { "identityProof" } else { "identityToken" },
            url = literal(&self.url),
            init = javascript::init(self.method, self.json),
        )
    }

    /// The token reaches curl by its standard input, since everybody on the machine can read the arguments of a program.
    fn with_token(&self, made_by: &str) -> String {
        format!(
            "(
  token=$({made_by}) || exit
  curl --config -{request} \\
    {url} <<EOF
header = \"authorization: Bearer $token\"
EOF
)
",
            request = shell::request(self.method, self.json),
            url = word(&self.url),
        )
    }

    /// The parameters in JSON: as an option of its own the AWS CLI would take an audience that begins with `-` for an option.
    fn shell(&self) -> String {
        let parameters = Map::from_iter([
            ("Audience".to_owned(), Value::from(vec![self.audience])),
            ("SigningAlgorithm".to_owned(), Value::from(self.algorithm.unwrap_or(TokenAlgorithm::default().name()))),
            ("DurationSeconds".to_owned(), Value::from(self.duration_seconds.unwrap_or(USUAL_DURATION))),
        ]);
        self.with_token(&format!(
            "aws sts get-web-identity-token --region {} \\
    --cli-input-json {} \\
    --query WebIdentityToken --output text",
            word(self.region),
            word(&Value::from(parameters).to_string()),
        ))
    }

    fn command(&self) -> String {
        let region = command::option("--region", self.region);
        if self.algorithm.is_none() && self.duration_seconds.is_none() {
            let proof = self.is_proof.then(|| "--proof".to_owned());
            let words = [Some(command::option("--identity", self.audience)), proof, Some(region)];
            let lines = [
                Some(words.into_iter().flatten().collect::<Vec<_>>().join(" ")),
                command::request(self.method, self.json),
                Some(word(&self.url).into_owned()),
            ];
            return format!("xacct-sign call {}\n", lines.into_iter().flatten().collect::<Vec<_>>().join(" \\\n  "));
        }
        let algorithm = self.algorithm.map(|name| command::option("--algorithm", name));
        let seconds = self.duration_seconds.map(|seconds| format!("--expires-in={seconds}s"));
        let words = [Some(region), algorithm, seconds, Some("--".to_owned()), Some(word(self.audience).into_owned())];
        self.with_token(&format!("xacct-sign token {}", words.into_iter().flatten().collect::<Vec<_>>().join(" ")))
    }
}
