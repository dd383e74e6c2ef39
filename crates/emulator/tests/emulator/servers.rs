//! Stages that are servers: the verifier in front of the upstream, on the emulator's own tokens and proofs.

use bytes::Bytes;
use http::{Request, Response, Uri};
use serde_json::{Value, json};
use xacct_sign::Credentials;
use xacct_sign::sts::{Action as _, Endpoint, GetWebIdentityToken, TokenAlgorithm};
use xacct_sign_emulator::{Emulator, Format, Forward, Options, Outcome, SetupError, Target};
use xacct_sign_identity::{Callers, Development, make_proof};
use xacct_sign_provider::{Lock, Manifest};

use crate::world::*;

const AUDIENCE: &str = "https://api.example.com";
const STS: &str = "http://127.0.0.1:4566";

const MANIFEST: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[identity]
audience = "https://api.example.com"
max_duration_seconds = 900
regions = ["ap-northeast-1", "us-east-1"]
[stages.server]
target = "server"
[stages.other]
target = "server"
audience = "https://other.example"
[stages.http]
api_id = "h1h1h1h1h1"
[callers.shop]
account = "000000000000"
roles = { server = "Shop", other = "Shop", http = "Shop" }
issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
[callers.batch]
account = "222222222222"
roles = { server = "service-role/Batch" }
routes = ["GET /items/{id}", "PUT /hoge"]
"#;

fn with(options: Options) -> World {
    let mut world = world_of(MANIFEST, Options { explain: true, ..options });
    world.emulator.reached_at(STS).unwrap();
    world
}

fn server() -> World {
    with(Options::default())
}

impl World {
    fn minted(&mut self, credentials: &Credentials, call: &GetWebIdentityToken) -> Result<String, xacct_sign::Error> {
        let endpoint = Endpoint::new(REGION, Some(STS)).unwrap();
        let request = call.request(credentials, &endpoint, self.now).unwrap().map(Bytes::from);
        let response = self.send(&Target::Sts, request);
        Ok(call.read_response(credentials, &response, self.now)?.token().to_owned())
    }

    fn token_of(&mut self, role: &str) -> String {
        let credentials = self.base(role);
        self.minted(&credentials, &GetWebIdentityToken::new(AUDIENCE)).unwrap()
    }

    fn proof_of(&self, role: &str, region: &str, audience: &str) -> String {
        make_proof(&self.base(role), region, audience, self.now).unwrap()
    }

    fn shown(&mut self, stage: &str, bearer: &str, method: &str, path: &str) -> Response<Bytes> {
        let mut request = request(method, path, "");
        request.headers_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        self.send(&at(stage), request)
    }

    fn refused(&mut self, stage: &str, bearer: &str, method: &str, path: &str) -> (u16, &'static str) {
        let status = self.shown(stage, bearer, method, path).status().as_u16();
        (status, self.reason().unwrap_or_default())
    }
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn a_token_that_the_rendered_policy_lets_be_made_lets_in() {
    let mut world = server();
    let token = world.token_of("/Shop");
    let answer = world.shown("server", &token, "PUT", "/any?x=1");
    assert_eq!(answer.status(), 200);
    let caller = json!({
        "name": "shop", "account": "000000000000", "arn": "arn:aws:iam::000000000000:role/Shop", "role": "Shop",
        "session": null, "organization": null, "via": "token",
    });
    assert_eq!(json_of(&answer)["caller"], caller);
    let log = world.log.last().unwrap();
    let arn = "arn:aws:iam::000000000000:role/Shop";
    assert_eq!((log.caller.as_deref(), log.principal.as_deref()), (Some("shop"), Some(arn)));
    // The policy that the caller attaches is as narrow as what the server takes.
    let shop = world.base("/Shop");
    let mut long = GetWebIdentityToken::new(AUDIENCE);
    long.duration_seconds = 901;
    let mut rsa = GetWebIdentityToken::new(AUDIENCE);
    rsa.algorithm = TokenAlgorithm::Rs256;
    for call in [long, rsa, GetWebIdentityToken::new("https://evil.example")] {
        assert_eq!(world.minted(&shop, &call).unwrap_err().code(), "sts_denied");
    }
}

#[test]
fn rs256_is_verified_too() {
    let mut world = world_of(&MANIFEST.replace("max_dur", "algorithm = \"RS256\"\nmax_dur"), Options::default());
    world.emulator.reached_at(STS).unwrap();
    let shop = world.base("/Shop");
    let mut call = GetWebIdentityToken::new(AUDIENCE);
    call.algorithm = TokenAlgorithm::Rs256;
    let token = world.minted(&shop, &call).unwrap();
    assert_eq!(world.shown("server", &token, "GET", "/").status(), 200);
    // One character of the signature, and another where it is that already.
    let (start, end) = token.split_at(token.len() - 9);
    let changed = format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, end.split_at(1).1);
    assert_eq!(world.refused("server", &changed, "GET", "/"), (401, "signature_wrong"));
}

#[test]
fn a_proof_is_asked_of_the_emulator_s_own_sts() {
    let mut world = server();
    for region in ["ap-northeast-1", "us-east-1"] {
        let proof = world.proof_of("/Batch", region, AUDIENCE);
        let answer = world.shown("server", &proof, "GET", "/items/1");
        assert_eq!(answer.status(), 200, "{}", world.detail());
        let caller = &json_of(&answer)["caller"];
        assert_eq!((caller["name"].as_str(), caller["session"].as_str()), (Some("batch"), Some("batch")));
        assert_eq!(caller["arn"], "arn:aws:sts::222222222222:assumed-role/Batch/batch");
    }
    let elsewhere = world.proof_of("/Batch", "eu-west-1", AUDIENCE);
    assert_eq!(world.refused("server", &elsewhere, "GET", "/items/1"), (401, "proof_region_refused"));
    let for_other = world.proof_of("/Batch", "us-east-1", "https://other.example");
    assert_eq!(world.refused("server", &for_other, "GET", "/items/1"), (401, "proof_refused"));
    let outsider = world.emulator.outsider().credentials.clone();
    let proof = make_proof(&outsider, REGION, AUDIENCE, world.now).unwrap();
    assert_eq!(world.refused("server", &proof, "GET", "/"), (401, "caller_unknown"));
    let unknown = Credentials::new("ASIAUNKNOWN000000000", "secret", Some("IQoJ".to_owned()), None).unwrap();
    let proof = make_proof(&unknown, REGION, AUDIENCE, world.now).unwrap();
    assert_eq!(world.refused("server", &proof, "GET", "/"), (401, "proof_refused"));
}

#[test]
fn who_is_no_caller_gets_401_and_a_caller_elsewhere_403_and_neither_is_told_why() {
    let mut world = world_of(MANIFEST, Options::default());
    world.emulator.reached_at(STS).unwrap();
    let answer = world.send(&at("server"), request("GET", "/", ""));
    assert_eq!((answer.status().as_u16(), answer.body().len()), (401, 0));
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(world.reason(), Some("authorization_missing"));
    let proof = world.proof_of("/Batch", REGION, AUDIENCE);
    for (method, path) in [("GET", "/items/1/secret"), ("GET", "/items/..%2fadmin"), ("DELETE", "/hoge"), ("GET", "/")]
    {
        let answer = world.shown("server", &proof, method, path);
        assert_eq!((answer.status().as_u16(), answer.body().len()), (403, 0), "{method} {path}");
        assert!(!answer.headers().contains_key("www-authenticate") && !answer.headers().contains_key("x-xacct-reason"));
        assert_eq!(world.reason(), Some("route_refused"));
        // It is a caller, as behind an API Gateway.
        assert_eq!(world.log.last().unwrap().caller.as_deref(), Some("batch"));
    }
    // A caller of one server is none of another by the same token.
    let token = world.token_of("/Shop");
    assert_eq!(world.refused("other", &token, "GET", "/"), (401, "audience_refused"));
    world.now += seconds(300);
    assert_eq!(world.refused("server", &token, "GET", "/"), (401, "token_expired"));
}

#[test]
fn keys_that_are_rotated_are_fetched_anew() {
    let mut world = server();
    let before = world.token_of("/Shop");
    assert_eq!(world.shown("server", &before, "GET", "/").status(), 200);
    let rotate = Request::post("/issuers/000000000000/rotate").body(Bytes::new()).unwrap();
    assert_eq!(world.send(&Target::Sts, rotate).status(), 200);
    world.now += seconds(20);
    let after = world.token_of("/Shop");
    assert_eq!(world.shown("server", &after, "GET", "/").status(), 200, "{}", world.detail());
    assert_eq!(world.shown("server", &before, "GET", "/").status(), 200, "{}", world.detail());
}

#[test]
fn e7_what_is_meant_for_a_proxy_reaches_no_server() {
    for upstream in [None, Some(Uri::from_static("http://127.0.0.1:3000"))] {
        let mut world = with(Options { upstream, ..Options::default() });
        let token = world.token_of("/Shop");
        for (method, target) in [("CONNECT", "evil.example:443"), ("TRACE", "/"), ("OPTIONS", "*")] {
            let request =
                Request::builder().method(method).uri(target).header("authorization", format!("Bearer {token}"));
            let request = request.body(Bytes::new()).unwrap();
            let outcome = world.emulator.handle(&at("server"), request, world.now).outcome;
            let Outcome::Respond(answer) = outcome else { panic!("{method} is forwarded") };
            assert_eq!(answer.status(), 405, "{method}");
        }
    }
}

#[test]
fn the_head_alone_is_refused_before_a_body_is_read() {
    let mut world = server();
    let token = world.token_of("/Shop");
    let head = |bearer: &str| {
        let request = Request::post("/x").header("authorization", format!("Bearer {bearer}")).body(()).unwrap();
        request.into_parts().0
    };
    let answer = world.emulator.before_body(&at("server"), &head("eyJ.eyJ.eyJ"), world.now).unwrap();
    assert_eq!(answer.log.reason.unwrap().code(), "token_malformed");
    assert!(world.emulator.before_body(&at("server"), &head(&token), world.now).is_none());
}

fn forwarded(world: &mut World, bearer: &str) -> Forward {
    let mut request = request("PUT", "/a%2Fb?x=1&X-Amz-Signature=0", "body");
    for (name, value) in
        [("authorization", &*format!("Bearer {bearer}")), ("x_xacct-caller", "{}"), ("x-xacct-caller", "{}")]
    {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    match world.outcome(&at("server"), request) {
        Outcome::Forward(forward) => *forward,
        Outcome::Respond(response) => panic!("{response:?} {}", world.detail()),
    }
}

#[test]
fn the_upstream_is_told_who_calls_by_nobody_else_and_sees_what_was_shown() {
    let upstream = Some(Uri::from_static("http://127.0.0.1:3000/base"));
    let mut world = with(Options { upstream, ..Options::default() });
    let token = world.token_of("/Shop");
    let Forward { request, .. } = forwarded(&mut world, &token);
    assert_eq!(request.uri().path_and_query().unwrap(), "/base/a%2Fb?x=1&X-Amz-Signature=0");
    // A server checks it itself, if it likes.
    assert_eq!(request.headers()["authorization"], format!("Bearer {token}"));
    assert!(
        !request.headers().contains_key("x_xacct-caller") && !request.headers().contains_key("x-amzn-request-context")
    );
    assert_eq!(request.headers().get_all("x-xacct-caller").iter().count(), 1);
    let caller: Value = serde_json::from_slice(request.headers()["x-xacct-caller"].as_bytes()).unwrap();
    assert_eq!((caller["name"].as_str(), caller["via"].as_str()), (Some("shop"), Some("token")));
}

/// Of the other fronts, too, nothing passes that would name a caller.
#[test]
fn no_front_passes_on_who_a_client_says_it_is() {
    let mut world = server();
    let credentials = world.assume(&world.base("/Shop"), "arn:aws:iam::111111111111:role/ApiAllowByIamRoleHttp");
    let mut request = request("GET", "/", "");
    request.headers_mut().insert("x-xacct-caller", "{\"name\":\"root\"}".parse().unwrap());
    sign(&mut request, &credentials, "execute-api", world.now);
    let answer = world.send(&at("http"), request);
    assert_eq!(answer.status(), 200, "{}", world.detail());
    assert_eq!(json_of(&answer)["headers"].get("x-xacct-caller"), None);
}

/// A function gets the event of a URL that authorizes nobody, and its own verifier reads it.
#[test]
fn a_function_in_its_place_gets_what_its_verifier_reads() {
    let mut world = with(Options { format: Format::LambdaEvent, ..Options::default() });
    let token = world.token_of("/Shop");
    let answer = world.shown("server", &token, "GET", "/items/1");
    let event = json_of(&answer);
    assert_eq!(event["requestContext"]["accountId"], "anonymous");
    assert_eq!(event["requestContext"].get("authorizer"), None);
    assert_eq!(event["headers"]["authorization"], format!("Bearer {token}"));
    // What the emulator says of the server is what a verifier of one's own is made of.
    let (_, deployed) = world.emulator.servers().find(|(name, _)| *name == "server").unwrap();
    let text = deployed.callers.clone().with_dev_issuers(|account| format!("{STS}/issuers/{account}")).to_json();
    let callers = Callers::parse(text.as_bytes(), Development::Yes).unwrap();
    let mut check = xacct_sign_identity::Verifier::new(callers, [7; 16]).check_event(answer.body());
    let needs = check.step(world.now);
    let url = "http://127.0.0.1:4566/issuers/000000000000/.well-known/jwks.json";
    assert!(format!("{needs:?}").contains(url), "{needs:?}");
}

#[test]
fn issuers_that_are_not_on_this_machine_are_no_development() {
    let mut world = server();
    let error = world.emulator.reached_at("http://192.168.1.5:4566").unwrap_err();
    assert!(matches!(&error, SetupError::Callers { stage, .. } if stage == "other"), "{error}");
    // Without a server it is nobody's matter.
    let mut world = world_of(DEMO, Options::default());
    world.emulator.reached_at("http://192.168.1.5:4566").unwrap();
}

#[test]
fn a_redeploy_brings_and_takes_servers() {
    let mut world = server();
    let token = world.token_of("/Shop");
    let without = MANIFEST.replace("[stages.server]\ntarget = \"server\"", "[stages.server]\napi_id = \"s1\"");
    let deploy = |world: &mut World, text: &str| {
        let manifest = Manifest::parse(text, "xacct.toml").unwrap();
        let deployment = manifest.plan(&Lock::default()).deployment();
        world.emulator.redeploy(&deployment, Options { explain: true, ..Options::default() }).unwrap();
    };
    deploy(&mut world, &without);
    assert_eq!(world.shown("server", &token, "GET", "/").status(), 403, "an API wants a signature");
    deploy(&mut world, MANIFEST);
    assert_eq!(world.shown("server", &token, "GET", "/").status(), 200, "{}", world.detail());
    deploy(&mut world, &MANIFEST.replace("server = \"Shop\"", "server = \"Else\""));
    assert_eq!(world.refused("server", &token, "GET", "/"), (401, "caller_unknown"));
}

#[cfg(feature = "server")]
#[test]
fn it_tells_what_a_program_needs_to_be_a_caller_of_a_server() {
    use xacct_sign_emulator::server::Running;

    let running = Running::start(world_of(MANIFEST, Options::default()).emulator).unwrap();
    let ready = running.ready();
    let environment: std::collections::BTreeMap<_, _> =
        ready.environment("shop", "server").unwrap().into_iter().collect();
    assert_eq!(environment["XACCT_AUDIENCE"].as_deref(), Some(AUDIENCE));
    assert_eq!(environment["XACCT_URL"].as_ref(), Some(&ready.addresses().stages["server"]));
    assert_eq!(environment["AWS_ENDPOINT_URL_STS"].as_ref(), Some(&ready.addresses().sts));
    // What is another kind of stage's must not be there.
    assert_eq!((&environment["XACCT_SERVICE"], &environment["XACCT_ROLE_ARN"]), (&None, &None));
    let told: Value = serde_json::from_str(&ready.to_json()).unwrap();
    let stage = &told["stages"]["server"];
    assert_eq!((stage["target"].as_str(), stage["audience"].as_str()), (Some("server"), Some(AUDIENCE)));
    let callers = stage["callers"].to_string();
    assert!(Callers::parse(callers.as_bytes(), Development::Yes).unwrap().is_development());
    let shop = told["callers"].as_array().unwrap().iter().find(|caller| caller["caller"] == "shop").unwrap();
    assert_eq!(shop["audiences"]["server"], AUDIENCE);
    assert_eq!(shop["environment"]["server"]["XACCT_AUDIENCE"], AUDIENCE);
    assert_eq!(shop["environment"]["http"]["XACCT_AUDIENCE"], Value::Null);
    assert_eq!(stage["callers"]["dev_issuers"][0], shop["issuer"]);
    let text = ready.to_string();
    assert!(text.contains("(stage server, a server for https://api.example.com)"), "{text}");
    assert!(text.contains("#   shows server who it is, by a token or a proof for https://api.example.com\n"), "{text}");
}

#[test]
fn a_manifest_of_servers_alone_is_one() {
    let text = MANIFEST.replace("[stages.http]\napi_id = \"h1h1h1h1h1\"\n", "").replace(", http = \"Shop\"", "");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let emulator = Emulator::new(&manifest, Options::default(), [7; 32]).unwrap();
    assert_eq!((emulator.stages().count(), emulator.servers().count()), (0, 2));
}

/// A server's verifier has no variables of a gateway: what a mapping would set is set by nothing, a client included.
#[test]
fn what_a_mapping_would_set_does_not_pass_from_a_client_and_is_set_by_nothing() {
    for upstream in [None, Some(Uri::from_static("http://127.0.0.1:3000"))] {
        let headers = [("X-Caller".to_owned(), "$context.identity.userArn".to_owned())].into();
        let mut world = with(Options { headers, upstream, ..Options::default() });
        let token = world.token_of("/Shop");
        let mut request = request("PUT", "/", "");
        for (name, value) in [
            ("authorization", &*format!("Bearer {token}")),
            ("x-caller", "forged"),
            ("x_caller", "forged"),
            ("x-other", "sent"),
        ] {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let names: Vec<String> = match world.outcome(&at("server"), request) {
            Outcome::Forward(forward) => forward.request.headers().keys().map(ToString::to_string).collect(),
            Outcome::Respond(response) => {
                assert_eq!(response.status(), 200, "{}", world.detail());
                json_of(&response)["headers"].as_object().unwrap().keys().cloned().collect()
            }
        };
        assert!(names.iter().any(|name| name == "x-other"), "{names:?}");
        assert!(!names.iter().any(|name| ["x-caller", "x_caller"].contains(&name.as_str())), "{names:?}");
    }
}

/// As deployed: a token says an issuer, and only that of a caller's account in the manifest is known.
#[test]
fn a_caller_without_an_issuer_in_the_manifest_comes_in_by_a_proof_and_not_by_a_token() {
    let mut world = server();
    let token = world.token_of("/Batch");
    assert_eq!(world.refused("server", &token, "GET", "/items/1"), (401, "issuer_unknown"));
    let proof = world.proof_of("/Batch", REGION, AUDIENCE);
    assert_eq!(world.shown("server", &proof, "GET", "/items/1").status(), 200, "{}", world.detail());
    // A caller with an issuer is still let in by a token.
    let token = world.token_of("/Shop");
    assert_eq!(world.shown("server", &token, "GET", "/").status(), 200, "{}", world.detail());
    // Where no caller has one, proofs go on working.
    let text: String =
        MANIFEST.lines().filter(|line| !line.starts_with("issuer")).map(|line| format!("{line}\n")).collect();
    let mut world = world_of(&text, Options { explain: true, ..Options::default() });
    world.emulator.reached_at(STS).unwrap();
    let token = world.token_of("/Shop");
    assert_eq!(world.refused("server", &token, "GET", "/"), (401, "issuer_unknown"));
    let proof = world.proof_of("/Shop", REGION, AUDIENCE);
    assert_eq!(world.shown("server", &proof, "GET", "/").status(), 200, "{}", world.detail());
}

#[cfg(feature = "server")]
#[test]
fn the_list_that_is_told_has_an_issuer_of_those_callers_alone_that_have_one_in_the_manifest() {
    use xacct_sign_emulator::server::Running;

    let without: String =
        MANIFEST.lines().filter(|line| !line.starts_with("issuer")).map(|line| format!("{line}\n")).collect();
    for (text, of_shop) in [(MANIFEST, true), (without.as_str(), false)] {
        let running = Running::start(world_of(text, Options::default()).emulator).unwrap();
        let told: Value = serde_json::from_str(&running.ready().to_json()).unwrap();
        let list = &told["stages"]["server"]["callers"];
        let named =
            |name: &str| list["callers"].as_array().unwrap().iter().find(|caller| caller["name"] == name).unwrap();
        let sts = running.ready().addresses().sts.clone();
        let own = json!(format!("{sts}/issuers/000000000000"));
        assert_eq!(named("shop").get("issuer"), of_shop.then_some(&own));
        assert_eq!(named("batch").get("issuer"), None);
        // A verifier that is made for development asks the emulator's STS about proofs.
        assert!(Callers::parse(list.to_string().as_bytes(), Development::Yes).unwrap().is_development());
    }
}

#[test]
fn what_a_server_does_not_have_is_refused_as_that() {
    let manifest = Manifest::parse(MANIFEST, "xacct.toml").unwrap();
    let made = |options| Emulator::new(&manifest, options, [0; 32]).map(drop).unwrap_err();
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned();
    let error = made(Options { resource_policies: [("server".to_owned(), policy)].into(), ..Options::default() });
    assert_eq!(error.code(), "not_of_target");
    assert_eq!(error.to_string(), "stage `server` has the target `server`, which has no resource policy");
    let endpoints = [("server".to_owned(), "vpce-01234567".to_owned())].into();
    let error = made(Options { vpc_endpoints: endpoints, ..Options::default() });
    assert_eq!(error.code(), "not_private");
    assert_eq!(error.to_string(), "stage `server` is not private, so no VPC endpoint leads to it");
}

#[test]
fn a_caller_whose_name_is_one_letter_shows_a_proof() {
    let text = MANIFEST.replace("[callers.batch]", "[callers.b]");
    let mut world = world_of(&text, Options { explain: true, ..Options::default() });
    world.emulator.reached_at(STS).unwrap();
    let proof = world.proof_of("/Batch", REGION, AUDIENCE);
    let answer = world.shown("server", &proof, "GET", "/items/1");
    assert_eq!(answer.status(), 200, "{}", world.detail());
    let caller = &json_of(&answer)["caller"];
    assert_eq!((caller["name"].as_str(), caller["session"].as_str()), (Some("b"), Some("b-caller")));
    assert_eq!(world.log.last().unwrap().caller.as_deref(), Some("b"));
}
