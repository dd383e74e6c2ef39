//! Web identity tokens: who gets one, what it says, and by which keys it verifies. Signatures are verified by ring.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use ring::signature::{ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Value, json};
use xacct_sign::sts::{Action as _, AssumeRole, Endpoint, GetWebIdentityToken, TokenAlgorithm};
use xacct_sign::{Credentials, Error};
use xacct_sign_emulator::{CallerCredentials, Emulator, Options, Target};
use xacct_sign_provider::{Lock, Manifest};

use crate::world::*;

const AUDIENCE: &str = "https://api.example.com";
const STS: &str = "http://127.0.0.1:4566";
const SHOP: &str = "000000000000";

/// What a caller needs in its own policy, narrowed as AWS documents it.
const NARROW: &str = r#"{"Version":"2012-10-17","Statement":[{
  "Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*","Condition":{
    "ForAllValues:StringEquals":{"sts:IdentityTokenAudience":"https://api.example.com"},
    "Null":{"sts:IdentityTokenAudience":"false"},
    "StringEquals":{"sts:SigningAlgorithm":"ES384"},
    "NumericLessThanEquals":{"sts:DurationSeconds":"300"}}}]}"#;

const WIDE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;

fn world_of_policy(policy: &str) -> World {
    let caller_policies = BTreeMap::from([("shop".to_owned(), policy.to_owned())]);
    let mut world = world_with(Options { caller_policies, explain: true, ..Options::default() });
    world.emulator.reached_at(STS).unwrap();
    world
}

impl World {
    fn token(&mut self, credentials: &Credentials, call: &GetWebIdentityToken) -> Result<String, Error> {
        let endpoint = Endpoint::new(REGION, Some(STS)).unwrap();
        let request = call.request(credentials, &endpoint, self.now).unwrap().map(Bytes::from);
        let response = self.send(&Target::Sts, request);
        let token = call.read_response(credentials, &response, self.now)?;
        assert_eq!(token.expires_at(), self.now + seconds(call.duration_seconds.into()));
        Ok(token.token().to_owned())
    }

    /// A call with any form at all.
    fn form(&mut self, form: &str) -> Response<Bytes> {
        let mut request = request("POST", "/", &format!("Action=GetWebIdentityToken&Version=2011-06-15{form}"));
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        sign(&mut request, &self.shop(), "sts", self.now);
        self.send(&Target::Sts, request)
    }

    fn issuer(&mut self, method: &str, account: &str, what: &str) -> (u16, Value) {
        let path = format!("/issuers/{account}/{what}");
        let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let response = self.send(&Target::Sts, request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn key_set(&mut self, account: &str) -> Vec<Value> {
        let (status, set) = self.issuer("GET", account, ".well-known/jwks.json");
        assert_eq!(status, 200);
        set["keys"].as_array().unwrap().clone()
    }
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// The header and the claims.
fn parts(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    (serde_json::from_slice(&decoded(parts[0])).unwrap(), serde_json::from_slice(&decoded(parts[1])).unwrap())
}

/// Whether the key that the token names is in the set, and verifies it.
fn verifies(token: &str, keys: &[Value]) -> bool {
    let header: Value = serde_json::from_slice(&decoded(token.split('.').next().unwrap())).unwrap();
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else { return false };
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let of = |name: &str| decoded(key[name].as_str().unwrap());
    match header["alg"].as_str().unwrap() {
        "ES384" => {
            let point = [vec![4], of("x"), of("y")].concat();
            let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
            key.verify(signed.as_bytes(), &decoded(signature)).is_ok()
        }
        "RS256" => {
            let key = RsaPublicKeyComponents { n: of("n"), e: of("e") };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decoded(signature)).is_ok()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_says_who_calls_as_awss_do() {
    let mut world = world_of_policy(NARROW);
    let token = world.token(&world.shop(), &GetWebIdentityToken::new(AUDIENCE)).unwrap();
    let (header, claims) = parts(&token);
    assert_eq!(header, json!({ "alg": "ES384", "kid": "EC384_0", "typ": "JWT" }));
    let mut claims = claims.as_object().unwrap().clone();
    assert_eq!(claims.remove("jti").unwrap().as_str().unwrap().len(), 36);
    assert_eq!(
        Value::Object(claims),
        json!({
            "iss": "http://127.0.0.1:4566/issuers/000000000000",
            "aud": AUDIENCE,
            "sub": "arn:aws:iam::000000000000:role/LambdaRoleDeve",
            "iat": 1_700_000_000,
            "exp": 1_700_000_300,
            "https://sts.amazonaws.com/": {
                "aws_account": "000000000000",
                "source_region": "ap-northeast-1",
                "principal_id": "arn:aws:iam::000000000000:role/LambdaRoleDeve",
            },
        })
    );
    assert!(verifies(&token, &world.key_set(SHOP)));
}

#[test]
fn the_subject_has_the_roles_path_and_no_session_name() {
    let manifest =
        format!("{DEMO}[callers.partner]\naccount = \"222222222222\"\nroles = {{ stag = \"service-role/Batch\" }}\n");
    let caller_policies = BTreeMap::from([("partner".to_owned(), WIDE.to_owned())]);
    let organizations = BTreeMap::from([("222222222222".to_owned(), "o-a1b2c3d4e5".to_owned())]);
    let mut world = world_of(&manifest, Options { caller_policies, organizations, ..Options::default() });
    let token = world.token(&world.partner(), &GetWebIdentityToken::new(AUDIENCE)).unwrap();
    let (_, claims) = parts(&token);
    assert_eq!(claims["sub"], "arn:aws:iam::222222222222:role/service-role/Batch");
    assert_eq!(claims["https://sts.amazonaws.com/"]["org_id"], "o-a1b2c3d4e5");
    // Key ids repeat among issuers, and the keys are others.
    assert!(verifies(&token, &world.key_set("222222222222")));
    assert!(!verifies(&token, &world.key_set(SHOP)));
}

#[test]
fn both_algorithms_verify_by_what_is_published() {
    let mut world = world_of_policy(WIDE);
    let keys = world.key_set(SHOP);
    for algorithm in [TokenAlgorithm::Es384, TokenAlgorithm::Rs256] {
        let mut call = GetWebIdentityToken::new(AUDIENCE);
        call.algorithm = algorithm;
        let token = world.token(&world.shop(), &call).unwrap();
        assert_eq!(parts(&token).0["alg"], algorithm.name());
        assert!(verifies(&token, &keys), "{algorithm:?}");
        // One letter of the claims.
        let [head, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let other = if claims.starts_with('e') { "f" } else { "e" };
        let changed = format!("{head}.{other}{}.{signature}", claims.chars().skip(1).collect::<String>());
        assert!(!verifies(&changed, &keys), "{algorithm:?}");
    }
}

#[test]
fn an_issuer_publishes_what_awss_does() {
    let mut world = world_of_policy(WIDE);
    let (status, configuration) = world.issuer("GET", SHOP, ".well-known/openid-configuration");
    assert_eq!(status, 200);
    let issuer = "http://127.0.0.1:4566/issuers/000000000000";
    assert_eq!(configuration["issuer"], issuer);
    assert_eq!(configuration["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    let keys = world.key_set(SHOP);
    let names = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let [rsa, ec] = keys.as_slice() else { panic!("{keys:?}") };
    // It does not say which algorithm it is for.
    assert_eq!(names(rsa), set(&["kty", "kid", "use", "n", "e"]));
    assert_eq!((&rsa["kty"], &rsa["kid"], &rsa["e"]), (&json!("RSA"), &json!("RSA_0"), &json!("AQAB")));
    assert_eq!(decoded(rsa["n"].as_str().unwrap()).len(), 256);
    assert_eq!(names(ec), set(&["kty", "kid", "use", "alg", "crv", "x", "y"]));
    assert_eq!((&ec["kid"], &ec["alg"], &ec["crv"]), (&json!("EC384_0"), &json!("ES384"), &json!("P-384")));
    for unknown in ["999999999990", "", "000000000000/x", "../000000000000"] {
        assert_eq!(world.issuer("GET", unknown, ".well-known/jwks.json").0, 404, "{unknown}");
    }
    // Publishing is no command.
    for (method, what) in [("POST", ".well-known/jwks.json"), ("GET", "rotate"), ("GET", "disable"), ("POST", "x")] {
        assert_eq!(world.issuer(method, SHOP, what).0, 404, "{method} {what}");
    }
}

#[test]
fn the_callers_own_policy_has_its_conditions() {
    let mut world = world_of_policy(NARROW);
    let good = GetWebIdentityToken::new(AUDIENCE);
    assert!(world.token(&world.shop(), &good).is_ok());
    let mut other = good.clone();
    other.audience = "https://other.example.com".to_owned();
    let mut longer = good.clone();
    longer.duration_seconds = 301;
    let mut rsa = good.clone();
    rsa.algorithm = TokenAlgorithm::Rs256;
    for call in [other, longer, rsa] {
        let error = world.token(&world.shop(), &call).unwrap_err();
        assert_eq!((error.code(), world.reason()), ("sts_denied", Some("caller_not_allowed")), "{error}");
        assert!(error.to_string().contains("perform: sts:GetWebIdentityToken on resource: *"), "{error}");
    }
    // One audience more than the policy has: `ForAnyValue` would let it through.
    let two = "&Audience.member.1=https%3A%2F%2Fapi.example.com&Audience.member.2=x&SigningAlgorithm=ES384";
    assert_eq!(world.form(two).status(), 403);
    // What is rendered for callers that assume a role lets them have none.
    let mut rendered = world_with(Options::default());
    assert_eq!(rendered.token(&rendered.shop(), &good).unwrap_err().code(), "sts_denied");
}

#[test]
fn an_issuer_is_switched_off_and_on_again() {
    let mut world = world_of_policy(WIDE);
    let call = GetWebIdentityToken::new(AUDIENCE);
    assert_eq!(world.issuer("POST", SHOP, "disable"), (200, json!({ "enabled": false })));
    let error = world.token(&world.shop(), &call).unwrap_err();
    assert_eq!((error.code(), world.reason()), ("sts_denied", Some("federation_disabled")));
    let aws = error.aws().unwrap();
    assert_eq!((aws.code.as_str(), aws.status), ("OutboundWebIdentityFederationDisabledException", 403));
    assert!(error.hint().unwrap().contains("enable-outbound-web-identity-federation"), "{:?}", error.hint());
    world.issuer("POST", SHOP, "enable");
    assert!(world.token(&world.shop(), &call).is_ok());
}

#[test]
fn a_token_does_not_outlive_the_session() {
    let manifest = Manifest::parse(DEMO, "xacct.toml").unwrap();
    let mut deployment = manifest.plan(&Lock::default()).deployment();
    deployment.roles.get_mut(STAG).unwrap().policies.push(WIDE.to_owned());
    let mut world = world();
    world.emulator.redeploy(&deployment, Options::default()).unwrap();
    let session = world.assume(&world.shop(), STAG);
    let call = GetWebIdentityToken::new(AUDIENCE);
    world.now += seconds(3_300);
    let token = world.token(&session, &call).unwrap();
    assert_eq!(parts(&token).1["sub"], STAG);
    world.now += seconds(1);
    let error = world.token(&session, &call).unwrap_err();
    let aws = error.aws().unwrap();
    assert_eq!(
        (error.code(), aws.code.as_str(), aws.status),
        ("sts_invalid", "SessionDurationEscalationException", 403)
    );
    assert_eq!(world.reason(), Some("duration_too_long"));
    assert!(error.hint().unwrap().contains("fewer seconds"));
}

#[test]
fn tags_are_the_callers_own_words_and_have_a_limit() {
    let mut world = world_of_policy(WIDE);
    let start = "&Audience.member.1=a&SigningAlgorithm=ES384";
    let response = world.form(&format!("{start}&Tags.member.1.Key=Team&Tags.member.1.Value=Blue"));
    assert_eq!(response.status(), 200, "{}", text(&response));
    let (_, claims) = parts(&element(&response, "WebIdentityToken"));
    assert_eq!(claims["https://sts.amazonaws.com/"]["request_tags"], json!({ "Team": "Blue" }));
    assert_eq!(claims["https://sts.amazonaws.com/"].get("principal_tags"), None);
    let value = "x".repeat(200);
    let many: String = (1..=25).map(|n| format!("&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value={value}")).collect();
    let response = world.form(&format!("{start}{many}"));
    assert_eq!(
        (response.status().as_u16(), element(&response, "Code").as_str()),
        (400, "JWTPayloadSizeExceededException")
    );
    assert_eq!(world.reason(), Some("token_too_large"));
    // Tags need a leave of their own.
    let mut narrow = world_of_policy(NARROW);
    let form = "&Audience.member.1=https%3A%2F%2Fapi.example.com&SigningAlgorithm=ES384&Tags.member.1.Key=a&Tags.member.1.Value=b";
    let response = narrow.form(form);
    assert!(element(&response, "Message").contains("sts:TagGetWebIdentityToken"), "{}", text(&response));
}

#[test]
fn several_audiences_are_a_list() {
    let mut world = world_of_policy(WIDE);
    let response = world.form("&Audience.member.1=a&Audience.member.2=b&SigningAlgorithm=ES384");
    assert_eq!(parts(&element(&response, "WebIdentityToken")).1["aud"], json!(["a", "b"]));
}

#[test]
fn parameters_are_checked() {
    let mut world = world_of_policy(WIDE);
    let eleven: String = (1..=11).map(|n| format!("&Audience.member.{n}=a")).collect();
    let long = format!("&Audience.member.1={}", "a".repeat(1_001));
    for (form, member) in [
        ("&SigningAlgorithm=ES384".to_owned(), "audience"),
        (format!("{eleven}&SigningAlgorithm=ES384"), "audience"),
        (format!("{long}&SigningAlgorithm=ES384"), "audience"),
        ("&Audience.member.1=&SigningAlgorithm=ES384".to_owned(), "audience"),
        ("&Audience.member.1=a".to_owned(), "signingAlgorithm"),
        ("&Audience.member.1=a&SigningAlgorithm=HS256".to_owned(), "signingAlgorithm"),
        ("&Audience.member.1=a&SigningAlgorithm=ES384&DurationSeconds=59".to_owned(), "durationSeconds"),
        ("&Audience.member.1=a&SigningAlgorithm=ES384&DurationSeconds=3601".to_owned(), "durationSeconds"),
        ("&Audience.member.1=a&SigningAlgorithm=ES384&DurationSeconds=x".to_owned(), "durationSeconds"),
    ] {
        let response = world.form(&form);
        assert_eq!(
            (response.status().as_u16(), element(&response, "Code").as_str()),
            (400, "ValidationError"),
            "{form}"
        );
        assert!(element(&response, "Message").contains(&format!("'{member}'")), "{}", text(&response));
    }
}

#[test]
fn keys_are_rotated_on_command() {
    let mut world = world_of_policy(WIDE);
    let call = GetWebIdentityToken::new(AUDIENCE);
    let old = world.token(&world.shop(), &call).unwrap();
    let (status, set) = world.issuer("POST", SHOP, "rotate");
    assert_eq!(status, 200);
    let ids: Vec<&str> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(ids, ["RSA_1", "EC384_1", "RSA_0", "EC384_0"]);
    let new = world.token(&world.shop(), &call).unwrap();
    let keys = world.key_set(SHOP);
    assert!(verifies(&old, &keys) && verifies(&new, &keys));
    assert_eq!(parts(&new).0["kid"], "EC384_1");
    // The old ones go with the last token that they can have signed.
    world.now += seconds(3_600);
    let keys = world.key_set(SHOP);
    assert_eq!(keys.len(), 2);
    assert!(!verifies(&old, &keys) && verifies(&new, &keys));
}

#[test]
fn no_page_of_a_browser_changes_an_issuer() {
    let mut world = world_of_policy(WIDE);
    let keys = world.key_set(SHOP);
    for what in ["rotate", "disable", "enable"] {
        let request = http::Request::post(format!("/issuers/{SHOP}/{what}")).header("origin", "https://evil.example");
        let answer = world.send(&Target::Sts, request.body(Bytes::new()).unwrap());
        assert_eq!(answer.status(), 403, "{what}");
    }
    assert_eq!(world.key_set(SHOP), keys);
    assert!(world.token(&world.shop(), &GetWebIdentityToken::new(AUDIENCE)).is_ok());
}

#[test]
fn keys_stay_through_a_deployment_and_a_restart() {
    let start = |seed| {
        let manifest = Manifest::parse(DEMO, "xacct.toml").unwrap();
        let options = Options { caller_credentials: CallerCredentials::Derived, ..Options::default() };
        let emulator = Emulator::new(&manifest, options, [seed; 32]).unwrap();
        let mut world = world();
        world.emulator = emulator;
        world
    };
    let (mut one, mut other) = (start(1), start(2));
    let keys = one.key_set(SHOP);
    assert_eq!(keys, other.key_set(SHOP));
    // Where credentials are drawn, keys are, too.
    assert_ne!(world().key_set(SHOP), keys);
    one.issuer("POST", SHOP, "rotate");
    one.issuer("POST", "111111111111", "disable");
    one.emulator.reached_at(STS).unwrap();
    let deployment = Manifest::parse(DEMO, "xacct.toml").unwrap().plan(&Lock::default()).deployment();
    one.emulator.redeploy(&deployment, Options::default()).unwrap();
    assert_eq!(one.key_set(SHOP).len(), 4);
    let (_, configuration) = one.issuer("GET", SHOP, ".well-known/openid-configuration");
    assert!(configuration["issuer"].as_str().unwrap().starts_with(STS));
}

/// A proof is a `GetCallerIdentity` with the header of a server's audience among those that are signed, sent with the region's `Host`.
#[test]
fn a_signed_audience_is_part_of_the_signature() {
    let mut world = world();
    let mut request = request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15");
    for (name, value) in [
        ("host", "sts.ap-northeast-1.amazonaws.com"),
        ("accept", "application/xml"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("x-xacct-audience", AUDIENCE),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    sign(&mut request, &world.shop(), "sts", world.now);
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let signed = "SignedHeaders=accept;content-type;host;x-amz-date;x-amz-security-token;x-xacct-audience,";
    assert!(authorization.contains(signed), "{authorization}");
    let copy = |change: Option<(&'static str, &str)>| {
        let mut copy = Request::new(request.body().clone());
        (*copy.method_mut(), *copy.headers_mut()) = (request.method().clone(), request.headers().clone());
        if let Some((name, value)) = change {
            copy.headers_mut().insert(name, value.parse().unwrap());
        }
        copy
    };
    let response = world.send(&Target::Sts, copy(None));
    assert_eq!(element(&response, "Arn"), "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop");
    assert_eq!(element(&response, "Account"), SHOP);
    for change in [("x-xacct-audience", "https://other.example.com"), ("host", "127.0.0.1:4566"), ("accept", "*/*")] {
        let response = world.send(&Target::Sts, copy(Some(change)));
        assert_eq!(element(&response, "Code"), "SignatureDoesNotMatch", "{change:?}");
    }
    assert_eq!(element(&world.call(&world.shop(), &AssumeRole::new(STAG, "s1")), "Code"), "");
}
