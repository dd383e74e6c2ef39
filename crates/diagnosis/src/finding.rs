//! What is found: a code, whose side it is on, a reason, a hint.

use std::fmt;

use serde_json::json;
use xacct_sign::escaped;

/// Who can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Whoever calls: its credentials, its clock, its policy, its code.
    Caller,
    /// Whoever has the API: its role, its policies, its routes.
    Provider,
    /// What is between the two: names, proxies, certificates, whatever passes requests on.
    Network,
    /// AWS itself.
    Aws,
}

impl Side {
    /// `caller`, `provider`, `network`, `aws`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Caller => "caller",
            Side::Provider => "provider",
            Side::Network => "network",
            Side::Aws => "aws",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to do where the headers of a signature do not arrive as they were sent.
pub(crate) const SIGNATURE_HINT: &str = "let nothing between here and the API touch Authorization, x-amz-date and x-amz-security-token: they are the signature";

/// Variant, code, whose side, what it means, what to do.
macro_rules! codes {
    ($($variant:ident, $code:literal, $side:ident, $meaning:literal, $hint:literal;)*) => {
        /// What is broken, as a value. Each has one stable [`code`](Code::code).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the way of a call.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whose side it usually is on; a [`Finding`] knows better.
            #[must_use]
            pub fn side(self) -> Side {
                match self { $(Self::$variant => Side::$side,)* }
            }

            /// What to do about it, where nothing more is known.
            #[must_use]
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    BaseMissing, "base_missing", Caller,
        "There are no credentials of the caller's own.",
        "set AWS_PROFILE or the AWS_ variables, log in, or run where a role is attached";
    BaseExpired, "base_expired", Caller,
        "The caller's own credentials have expired.",
        "log in again, or let the program fetch new ones";
    BaseUnusable, "base_unusable", Caller,
        "The source of the caller's own credentials failed, or what it gave cannot be used.",
        "look at the source that the reason names";
    CredentialsUnknown, "credentials_unknown", Caller,
        "AWS does not know the credentials.",
        "check the access key id and the session token, and that they belong to this partition and region; long expired ones look the same";
    CredentialsExpired, "credentials_expired", Caller,
        "The credentials that signed have expired.",
        "sign with credentials that are refreshed, such as those of a session with a role";
    SecretWrong, "secret_wrong", Caller,
        "The signature is wrong although the same request was signed: the secret key is not the one of the access key id.",
        "give secret key, access key id and session token as they were issued together";
    TokenWrong, "token_wrong", Caller,
        "The session token is missing, or is not the one of the credentials.",
        "send x-amz-security-token with every request that temporary credentials sign, and let nothing on the way take it off";
    ClockOff, "clock_off", Caller,
        "The caller's clock is off by more than AWS takes.",
        "set the clock of the machine that signs, for example by NTP; sign right before sending";
    RegionWrong, "region_wrong", Caller,
        "The request was signed for another region than the API's.",
        "give the API's region, or leave it to the host's name";
    ServiceWrong, "service_wrong", Caller,
        "The request was signed for another service than the one that answered.",
        "sign for execute-api at API Gateway, for lambda at a function URL, or leave it to the host's name";
    ScopeWrong, "scope_wrong", Caller,
        "The credential scope is not of the request's day, or does not end in aws4_request.",
        "take the day of the scope from the same instant as x-amz-date";
    RequestUnsigned, "request_unsigned", Caller,
        "The request carries no signature.",
        "send it through a session or an adapter that signs, and let no client put another Authorization in the place of the signature";
    SignatureMalformed, "signature_malformed", Caller,
        "What stands in Authorization is no signature of Version 4.",
        "let nothing put a token or an API key into Authorization, and send the signature as it was made";
    SignatureMismatch, "signature_mismatch", Caller,
        "The signature is wrong, and it is not known in what.",
        "compare the canonical request that was signed with the one in the answer or in the emulator's log";
    MethodChanged, "method_changed", Network,
        "Another method reached the API than the one that was signed.",
        "look for what changes the method on the way, or sign it in upper case";
    PathChanged, "path_changed", Network,
        "Another path reached the API than the one that was signed.",
        "call the URL as the API has it, stage and base path included; let no proxy rewrite or decode it";
    PathEncoding, "path_encoding", Caller,
        "The path was signed in another form than AWS takes.",
        "sign the path as it is sent, percent-encoded once more; send the canonical URL";
    QueryChanged, "query_changed", Network,
        "Another query reached the API than the one that was signed.",
        "add no parameter after signing, and let no proxy sort or change them";
    QueryEncoding, "query_encoding", Caller,
        "The query was signed in another form than AWS takes.",
        "sign the query decoded and encoded anew, sorted by key; send the canonical URL";
    HostChanged, "host_changed", Network,
        "Another host reached the API than the one that was signed.",
        "call the API by the name under which it answers, or let the proxy pass Host on unchanged";
    HeaderChanged, "header_changed", Network,
        "A signed header was changed on the way.",
        "leave that header unsigned, or let nothing on the way change it";
    HeaderDropped, "header_dropped", Network,
        "A signed header did not reach the API.",
        "leave that header unsigned, or let nothing on the way take it off";
    HeaderUnsigned, "header_unsigned", Caller,
        "A header that has to be signed is not.",
        "sign it: host, and at most services every header that begins with x-amz-";
    BodyChanged, "body_changed", Network,
        "Another body reached the API than the one that was signed.",
        "sign the very bytes that are sent: no client may serialise them anew after signing, no proxy change them";
    LinkExpired, "link_expired", Caller,
        "The presigned URL has expired.",
        "presign anew, with a longer lifetime if it has to wait";
    AssumeRoleDenied, "assume_role_denied", Provider,
        "STS does not let the caller assume the role, and does not say why.",
        "provider: does the trust policy name this caller, and the external id that it sends? does the role exist? caller: does its own policy allow sts:AssumeRole on the role?";
    RoleMissing, "role_missing", Provider,
        "There is no such role.",
        "compare the role's ARN with what the provider has deployed";
    TrustPolicy, "trust_policy", Provider,
        "The role's trust policy does not let the caller in.",
        "let the trust policy name the caller's role, and its account; a role that was deleted and made anew has to be trusted anew";
    ExternalId, "external_id", Caller,
        "The role's trust policy asks for another external id.",
        "send the external id that was agreed with the provider";
    ExternalIdUnchecked, "external_id_unchecked", Provider,
        "The role can be assumed without the external id, too: the trust policy does not ask for it.",
        "let the trust policy ask for sts:ExternalId with StringEquals";
    CallerPolicy, "caller_policy", Caller,
        "The caller's own policy does not allow it.",
        "attach a policy to the caller's role that allows the action on the role: `xacct-sign policy caller` prints it";
    IssuerDisabled, "issuer_disabled", Caller,
        "The caller's account gives no web identity tokens.",
        "an administrator of the caller's account runs `aws iam enable-outbound-web-identity-federation`, once; a proof needs no such thing";
    TokensUnavailable, "tokens_unavailable", Caller,
        "The STS that was asked makes no web identity tokens.",
        "ask the STS of another region of the partition, or send a proof, which needs none";
    StsParameter, "sts_parameter", Caller,
        "STS does not take a parameter of the call.",
        "change the parameter that the reason names";
    InvokePolicy, "invoke_policy", Provider,
        "The role may be assumed, but its policy does not allow this call.",
        "let the role's policy allow the action on the method and path that are called, `xacct-sign policy invoke` prints it";
    ResourcePolicy, "resource_policy", Provider,
        "The resource policy of the API or function does not let the caller in.",
        "let the resource policy name the caller, and at an API the route; a REST API has to be deployed anew for that";
    SessionPolicy, "session_policy", Caller,
        "The session policy with which the role was assumed does not allow it.",
        "assume the role with a wider session policy, or with none";
    PermissionsBoundary, "permissions_boundary", Provider,
        "A permissions boundary does not allow it.",
        "let the boundary of the role allow the action, too";
    ServiceControlPolicy, "service_control_policy", Provider,
        "A service control policy of the organization does not allow it.",
        "ask whoever runs the organization of the account that signs";
    ResourceControlPolicy, "resource_control_policy", Provider,
        "A resource control policy of the organization does not allow it.",
        "ask whoever runs the organization of the account that has the API";
    EndpointPolicy, "endpoint_policy", Network,
        "The policy of the VPC endpoint on the way does not allow it.",
        "let the endpoint's policy allow the action for the role that signs";
    Denied, "denied", Provider,
        "AWS knows who calls, and no policy allows it, or one denies it.",
        "look at the policy of the role that signs, then at resource policy, boundary and the organization's policies";
    WrongAccount, "wrong_account", Caller,
        "Who signs is not in the API's account.",
        "assume the role that the provider has in its own account, and sign as that";
    RouteMissing, "route_missing", Caller,
        "The API has no such route, method or stage.",
        "compare method, path and stage with the API's routes";
    RefusedBeforeIam, "refused_before_iam", Provider,
        "The API refused before it asked IAM: an API key, a web application firewall, a custom domain without a mapping, a private API.",
        "look at usage plan, WAF and domain mapping of the API, and at the path: without a domain of one's own it begins with the stage";
    CallerUnasked, "caller_unasked", Caller,
        "Nobody gets the same answer: it was given before anybody was asked who calls, and shows nothing of that.",
        "make a call that comes as far as that: a method that the route has, and a body that it takes";
    IdentityWanted, "identity_wanted", Caller,
        "The server asks for a token or a proof of who calls, and has got none that it can read.",
        "say who calls by a session with an identity, or `--identity AUDIENCE`: a signature says nothing to it; let nothing on the way change Authorization";
    AudienceWrong, "audience_wrong", Caller,
        "The token is for another audience than the server's.",
        "give the audience as the provider wrote it, to the letter";
    CallerUnlisted, "caller_unlisted", Provider,
        "The server's list of callers does not have who calls.",
        "let the manifest name the caller's account and role, and for tokens its issuer, and give the server the new callers.json";
    IdentityRefused, "identity_refused", Provider,
        "The server takes the token or the proof for nobody's.",
        "compare the audience with the one that the provider wrote; provider: does the list of callers have this role, and for tokens its issuer? the reason is in the server's log";
    RouteRefused, "route_refused", Provider,
        "The server knows who calls, and does not let that caller make this call.",
        "let the caller's `routes` have this method and path; where they do, the application behind the check has refused it: its log has the reason";
    IdentityUnchecked, "identity_unchecked", Provider,
        "The server could not check who calls: keys or STS are out of its reach, or throttle it.",
        "see that the server reaches the issuer, or for proofs STS, over https, and try again; the reason is in its log";
    TooLarge, "too_large", Caller,
        "The request is larger than the API takes.",
        "stay below 10 MB of body and 10,240 bytes of headers, the session token included";
    Throttled, "throttled", Provider,
        "Too many calls at once.",
        "call less often, or ask for a higher limit; retry with pauses that grow";
    ApiFailed, "api_failed", Provider,
        "The call was let in, and what is behind the API failed.",
        "look at the logs of the API's integration";
    RefusedByApplication, "refused_by_application", Provider,
        "What is behind the API refused, and not IAM: the text is none of AWS's.",
        "ask whoever runs the application what it means";
    OpenToAll, "open_to_all", Provider,
        "The same call passes without a signature: nobody is asked who calls.",
        "let IAM authorize the route; of a function URL set AuthType to AWS_IAM";
    Forbidden, "forbidden", Provider,
        "The API refused and says no more, and from the caller's side all that can be checked is right.",
        "check that the role may invoke this method and path; the reason is in the API's access log ($context.authorizer.error, $context.error.message)";
    NotTheApi, "not_the_api", Network,
        "Something else than the API answered.",
        "check host, proxy and name resolution: a login page, a CDN or a load balancer stands in between";
    ProxyBetween, "proxy_between", Network,
        "Something on the way passes requests on, and may change what was signed.",
        "call the API without it, or let it pass method, path, query, Host, body and signed headers on unchanged";
    ProxyFailed, "proxy_failed", Network,
        "The proxy cannot be used.",
        "check HTTPS_PROXY (or ALL_PROXY), or list the host in NO_PROXY";
    HostUnknown, "host_unknown", Network,
        "The host's name is not known.",
        "check the URL and the region; a name that resolves only in a VPC needs a route to it";
    CertificateUntrusted, "certificate_untrusted", Network,
        "There is no secure connection: the certificate is not trusted, or the other side speaks no TLS that is known here.",
        "if a proxy or an authority of your own signs certificates here, name its CA file in AWS_CA_BUNDLE";
    StsUnreachable, "sts_unreachable", Network,
        "STS cannot be reached.",
        "a VPC without a way to the internet needs an interface endpoint for STS, with private DNS";
    ApiUnreachable, "api_unreachable", Network,
        "The API cannot be reached.",
        "check host and port, and that a firewall lets the connection through";
    AnswerCut, "answer_cut", Network,
        "The connection was closed before the answer was whole.",
        "try again; if it goes on, look for what ends connections on the way, such as a proxy, and into the log of whoever answered";
    StsThrottled, "sts_throttled", Caller,
        "STS throttles the caller.",
        "share one AssumeRole among all that use the role";
    StsFailed, "sts_failed", Aws,
        "STS failed.",
        "try again later";
    RegionDisabled, "region_disabled", Provider,
        "STS or the region is not activated for the account.",
        "let the role's account activate STS in this region, or use another region";
    InputInvalid, "input_invalid", Caller,
        "What is to be called cannot be called as it was given.",
        "change what the reason names";
}

/// What is broken, on whose side, how that shows, and what to do. No text holds a secret, or breaks a line or a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What.
    pub code: Code,
    /// Who can change it.
    pub side: Side,
    /// How it shows here: a sentence in lower case.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

impl Finding {
    pub(crate) fn new(code: Code, reason: impl AsRef<str>) -> Self {
        Self { code, side: code.side(), reason: escaped(reason.as_ref()), hint: code.hint().to_owned() }
    }

    pub(crate) fn on(mut self, side: Side) -> Self {
        self.side = side;
        self
    }

    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = escaped(hint.as_ref());
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.code()
    }
}

/// `code (side): reason`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code(), self.side, self.reason)
    }
}

/// `{"findings": [{"code", "side", "reason", "hint"}]}`, as the faces and `--json` have it.
#[must_use]
pub fn to_json(findings: &[Finding]) -> String {
    let object = |finding: &Finding| {
        json!({
            "code": finding.code(),
            "side": finding.side.name(),
            "reason": finding.reason,
            "hint": finding.hint,
        })
    };
    json!({ "findings": findings.iter().map(object).collect::<Vec<_>>() }).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_different_and_in_snake_case() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
        }
    }

    #[test]
    fn texts_from_outside_do_nothing_to_a_terminal() {
        let finding = Finding::new(Code::Denied, "a\u{1b}[2Kb\nc");
        assert_eq!(finding.to_string(), "denied (provider): a\\u{1b}[2Kb\\nc");
        assert!(to_json(&[finding]).starts_with(r#"{"findings":[{"code":"denied","hint":"#));
    }
}
