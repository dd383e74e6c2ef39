//! The table of hosts (`tests/hosts.toml`), read by the core and through the Rust client.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics to fail")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Response;
use serde::Deserialize;
use xacct_sign::aws::{ApiHost, Partition, format_rfc3339};
use xacct_sign::call::HttpHosts;
use xacct_sign::{Error, PartialScope, Url};
use xacct_sign_client::{
    CredentialSource, Event, Listener, Patience, Request, RoleOptions, RoleProvider, Session, Signing,
};
use xacct_sign_tests::virtual_host::VirtualHost;
use xacct_sign_tests::{data, example_credentials};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    host: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    host: String,
    region: Option<String>,
    service: Option<String>,
    error: Option<String>,
}

fn rows() -> Vec<Row> {
    let table: Table = toml::from_str(&data("hosts.toml")).unwrap();
    assert!(table.host.len() > 50);
    table.host
}

#[test]
fn a_host_says_what_the_table_has() {
    for row in rows() {
        let said = ApiHost::of(&row.host);
        if let Some(code) = &row.error {
            assert_eq!(said.unwrap_err().code(), code, "{}", row.name);
            continue;
        }
        let said = said.unwrap();
        assert_eq!(said.as_ref().map(ApiHost::region), row.region.as_deref(), "{}", row.name);
        assert_eq!(said.as_ref().map(ApiHost::service), row.service.as_deref(), "{}", row.name);
    }
}

#[test]
fn a_scope_is_completed_by_the_host() {
    let given = |region: Option<&str>, service: Option<&str>| {
        PartialScope::new(region.map(str::to_owned), service.map(str::to_owned)).unwrap()
    };
    let otherwise = || Some("sa-east-1".to_owned());
    for row in rows() {
        let text = format!("https://{}/a?b", row.host);
        let url = Url::parse(&text).unwrap();
        let parts = |given: PartialScope| {
            given
                .complete(url, otherwise)
                .map(|scope| (scope.region().to_owned(), scope.service().to_owned()))
                .map_err(|error| error.code())
        };
        let scope = |region: &str, service: &str| Ok((region.to_owned(), service.to_owned()));
        if row.error.is_some() {
            assert_eq!(parts(given(None, None)), Err("scope_mismatch"), "{}", row.name);
            assert_eq!(parts(given(Some("us-east-1"), Some("lambda"))), Err("scope_mismatch"), "{}", row.name);
        } else if let (Some(region), Some(service)) = (row.region.as_deref(), row.service.as_deref()) {
            assert_eq!(parts(given(None, None)), scope(region, service), "{}", row.name);
            assert_eq!(parts(given(Some(region), Some(service))), scope(region, service), "{}", row.name);
            assert_eq!(parts(given(Some("sa-east-1"), None)), Err("scope_mismatch"), "{}", row.name);
            assert_eq!(parts(given(None, Some("s3"))), Err("scope_mismatch"), "{}", row.name);
        } else {
            assert_eq!(parts(given(None, None)), scope("sa-east-1", "execute-api"), "{}", row.name);
            assert_eq!(parts(given(Some("eu-west-1"), Some("s3"))), scope("eu-west-1", "s3"), "{}", row.name);
            assert_eq!(given(None, None).complete(url, || None).unwrap_err().code(), "invalid_region");
        }
    }
}

#[test]
fn what_is_given_is_checked_at_once() {
    let code = |region: Option<&str>, service: Option<&str>| {
        PartialScope::new(region.map(str::to_owned), service.map(str::to_owned)).unwrap_err().code()
    };
    assert_eq!(code(Some("us-east-1/x"), None), "invalid_region");
    assert_eq!(code(Some(""), None), "invalid_region");
    assert_eq!(code(None, Some("a/b")), "invalid_service");
    let url = Url::parse("https://api.example.com/").unwrap();
    let error = PartialScope::default().complete(url, || Some("aws-global".to_owned())).unwrap_err();
    assert_eq!(error.code(), "invalid_region");
}

/// A machine that notes where what was sent went, and the region and service that it was signed for. STS answers as it does.
struct World {
    host: Arc<VirtualHost>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new(variables: &[(&str, &str)]) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&sent);
        let host = VirtualHost::new(move |request, time| {
            let to = request.uri().host().unwrap().to_owned();
            let signature = request.headers()["authorization"].to_str().unwrap();
            let scope: Vec<&str> = signature.split('/').collect();
            noted.lock().unwrap().push(format!("{to} {}/{}", scope[2], scope[3]));
            let expiration = format_rfc3339(time + Duration::from_secs(3600)).unwrap();
            let body = format!(
                "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult><Credentials>\
                 <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
                 <SessionToken>token</SessionToken><Expiration>{expiration}</Expiration></Credentials><AssumedRoleUser>\
                 <Arn>arn:aws:sts::111111111111:assumed-role/Api/xacct-sign</Arn><AssumedRoleId>A:xacct-sign</AssumedRoleId>\
                 </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
            );
            Ok(Response::new(body.into_bytes()))
        });
        let host = variables.iter().fold(host, |host, (name, value)| host.with_variable(name, value));
        Self { host: Arc::new(host), sent }
    }

    fn session(&self, source: impl CredentialSource + 'static, scope: PartialScope) -> Session {
        Session::on(Arc::clone(&self.host) as _, source, scope)
    }

    /// A role; without a region it is that of the API.
    fn role(&self, region: Option<&str>, base: impl CredentialSource + 'static) -> RoleProvider {
        let mut options = RoleOptions::without_region_on(&*self.host, "arn:aws:iam::111111111111:role/Api");
        options.region = region.map(str::to_owned);
        RoleProvider::on(Arc::clone(&self.host) as _, options, base).unwrap()
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

fn call(session: &Session, host: &str) -> Result<u16, Error> {
    session.send(Request::new("GET", format!("https://{host}/"))).map(|answer| answer.status)
}

const API: &str = "abc.execute-api.eu-west-1.amazonaws.com";
const FUNCTION: &str = "abc.lambda-url.us-west-2.on.aws";
const CUSTOM: &str = "api.example.com";

#[test]
fn a_session_signs_for_what_the_host_says() {
    let world = World::new(&[("AWS_REGION", "sa-east-1")]);
    let session = world.session(example_credentials(None), PartialScope::default());
    for row in rows() {
        // What is this machine to the client is in the core's test.
        if row.host.contains("localhost") || row.host.starts_with('[') {
            continue;
        }
        let outcome = call(&session, &row.host);
        let sent = world.sent();
        if let Some(code) = &row.error {
            assert_eq!((outcome.unwrap_err().code(), sent.len()), (code.as_str(), 0), "{}", row.name);
            continue;
        }
        outcome.unwrap();
        let (region, service) = (row.region.as_deref().unwrap_or("sa-east-1"), row.service.as_deref());
        let expected = format!(" {region}/{}", service.unwrap_or("execute-api"));
        assert!(sent.len() == 1 && sent[0].ends_with(&expected), "{}: {sent:?}", row.name);
    }
}

#[test]
fn what_contradicts_the_host_is_refused_before_anything_is_sent() {
    let world = World::new(&[]);
    for (region, service) in [(Some("us-east-1"), None), (None, Some("lambda")), (Some("eu-west-1"), Some("lambda"))] {
        let given = PartialScope::new(region.map(str::to_owned), service.map(str::to_owned)).unwrap();
        let session = world.session(world.role(Some("eu-west-1"), example_credentials(None)), given);
        let error = call(&session, API).unwrap_err();
        assert_eq!(error.code(), "scope_mismatch");
        assert!(error.to_string().contains(API) && error.hint().is_some(), "{error}");
    }
    let session = world.session(world.role(None, example_credentials(None)), PartialScope::default());
    assert_eq!(call(&session, CUSTOM).unwrap_err().code(), "invalid_region");
    assert!(world.sent().is_empty());
}

#[test]
fn a_role_without_a_region_is_assumed_where_the_first_api_is() {
    let world = World::new(&[("AWS_REGION", "sa-east-1")]);
    // And the one that assumes it.
    let role = world.role(None, world.role(None, example_credentials(None)));
    let session = world.session(role.clone(), PartialScope::default());
    call(&session, API).unwrap();
    call(&session, FUNCTION).unwrap();
    let sts = "sts.eu-west-1.amazonaws.com eu-west-1/sts";
    let api = format!("{API} eu-west-1/execute-api");
    assert_eq!(world.sent(), [sts, sts, &api, &format!("{FUNCTION} us-west-2/lambda")]);
    // It is not the role's own: whatever was called before, a custom domain is signed for alike.
    call(&session, CUSTOM).unwrap();
    assert_eq!((world.sent(), role.region()), (vec![format!("{CUSTOM} sa-east-1/execute-api")], None));
}

#[test]
fn a_role_without_an_api_is_assumed_in_the_environments_region() {
    let world = World::new(&[("AWS_DEFAULT_REGION", "sa-east-1")]);
    world.role(None, example_credentials(None)).credentials().unwrap();
    assert_eq!(world.sent(), ["sts.sa-east-1.amazonaws.com sa-east-1/sts"]);
    let world = World::new(&[]);
    let role = world.role(None, example_credentials(None));
    assert_eq!(role.credentials().unwrap_err().code(), "invalid_region");
    // Which is no failure of STS that stands for a while.
    call(&world.session(role, PartialScope::default()), API).unwrap();
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn a_role_with_a_region_has_its_sts_and_on_a_custom_domain_its_api_there() {
    let world = World::new(&[("AWS_REGION", "sa-east-1")]);
    let session = world.session(world.role(Some("us-east-1"), example_credentials(None)), PartialScope::default());
    call(&session, API).unwrap();
    call(&session, CUSTOM).unwrap();
    let expected = ["sts.us-east-1.amazonaws.com us-east-1/sts", "eu-west-1/execute-api", "us-east-1/execute-api"];
    let sent = world.sent();
    assert!(sent.len() == 3 && sent.iter().zip(expected).all(|(sent, end)| sent.ends_with(end)), "{sent:?}");
}

#[test]
fn a_role_of_another_partition_than_the_api_is_refused_before_anything_is_sent() {
    let world = World::new(&[]);
    let session = world.session(world.role(None, example_credentials(None)), PartialScope::default());
    let error = call(&session, "abc.execute-api.cn-north-1.amazonaws.com.cn").unwrap_err();
    assert_eq!((error.code(), world.sent().len()), ("partition_mismatch", 0));
}

#[test]
fn a_role_that_is_refused_tells_its_base_no_region() {
    let world = World::new(&[]);
    let base = Arc::new(world.role(None, example_credentials(None)));
    let mut options = RoleOptions::on(&*world.host, "arn:aws:iam::222222222222:role/Other", "us-east-1");
    options.sts_endpoint = Some("http://elsewhere.example.com".to_owned());
    let refused = RoleProvider::on(Arc::clone(&world.host) as _, options, Arc::clone(&base));
    assert_eq!(refused.map(drop).unwrap_err().code(), "insecure_url");
    call(&world.session(base, PartialScope::default()), API).unwrap();
    assert!(world.sent()[0].ends_with("sts.eu-west-1.amazonaws.com eu-west-1/sts"));
}

#[test]
fn signers_are_kept_for_each_scope_and_few() {
    let world = World::new(&[]);
    let signing = Signing::on(world.host, example_credentials(None), PartialScope::default());
    let signer = |region: usize| {
        let url = format!("https://abc.execute-api.eu-west-{region}.amazonaws.com/");
        signing.signer(Url::parse(&url).unwrap(), &Patience::default()).unwrap()
    };
    let first = signer(1);
    for region in 2..=8 {
        signer(region);
    }
    assert!(Arc::ptr_eq(&first, &signer(1)));
    signer(9);
    assert!(!Arc::ptr_eq(&first, &signer(1)));
    assert_eq!(first.scope(), signer(1).scope());
}

#[test]
fn what_is_at_hand_is_asked_for_once_it_is_known_what_is_signed_for() {
    let world = World::new(&[]);
    let role = world.role(None, example_credentials(None));
    let signing =
        Signing::on(world.host.clone(), role, PartialScope::new(None, Some("execute-api".to_owned())).unwrap());
    let at_hand = |url: &str| signing.signer_at_hand(Url::parse(url).unwrap());
    let code = |url: &str| at_hand(url).unwrap_err().code();
    assert_eq!(code("https://api.example.com/"), "invalid_region");
    assert_eq!(code("https://abc.lambda-url.us-west-2.on.aws/"), "scope_mismatch");
    assert_eq!(code("https://abc.execute-api.cn-north-1.amazonaws.com.cn/"), "partition_mismatch");
    let url = format!("https://{API}/");
    assert!(at_hand(&url).unwrap().is_none());
    assert_eq!(world.sent().len(), 0);
    let signer = signing.signer(Url::parse(&url).unwrap(), &Patience::default()).unwrap();
    assert!(Arc::ptr_eq(&signer, &at_hand(&url).unwrap().unwrap()));
    assert_eq!(world.sent().len(), 1);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StsTable {
    endpoint: Vec<StsRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StsRow {
    region: String,
    #[serde(default)]
    fips: bool,
    #[serde(default)]
    dual_stack: bool,
    host: Option<String>,
    error: Option<String>,
}

#[test]
fn c11_sts_is_called_where_the_table_has_it() {
    let table: StsTable = toml::from_str(&data("sts-endpoints.toml")).unwrap();
    assert!(table.endpoint.len() > 12);
    for row in table.endpoint {
        let (fips, dual_stack) = (row.fips.to_string(), row.dual_stack.to_string());
        let world = World::new(&[("AWS_USE_FIPS_ENDPOINT", &fips), ("AWS_USE_DUALSTACK_ENDPOINT", &dual_stack)]);
        let arn = format!("arn:{}:iam::111111111111:role/Api", Partition::of_region(&row.region).name());
        let options = RoleOptions::on(&*world.host, arn, &row.region);
        let role = RoleProvider::on(Arc::clone(&world.host) as _, options, example_credentials(None));
        let code = role.and_then(|role| role.credentials()).err().map(|error| error.code());
        assert_eq!(code, row.error.as_deref(), "{row:?}");
        let expected = row.host.as_ref().map(|host| format!("{host} {}/sts", row.region));
        assert_eq!(world.sent(), Vec::from_iter(expected), "{row:?}");
    }
}

#[test]
fn c12_sts_is_called_over_plain_http_where_it_is_named() {
    const STS: &str = "http://localstack:4566";
    let told = Arc::new(Mutex::new(Vec::new()));
    let role = |variables: &[(&str, &str)], is_given: bool, hosts: &[&str]| {
        let world = World::new(variables);
        let mut options = RoleOptions::on(&*world.host, "arn:aws:iam::111111111111:role/Api", "us-east-1");
        options.sts_endpoint = is_given.then(|| STS.to_owned());
        options.http_hosts = HttpHosts::new(hosts).unwrap();
        let told = Arc::clone(&told);
        options.listener = Some(Listener::new(move |event| {
            if let Event::PlainHttp { host, .. } = event {
                told.lock().unwrap().push((*host).to_owned());
            }
        }));
        let role = RoleProvider::on(Arc::clone(&world.host) as _, options, example_credentials(None));
        let outcome = role.and_then(|role| role.credentials()).map(drop).map_err(|error| error.code());
        (outcome, world.sent())
    };
    let endpoint = ("AWS_ENDPOINT_URL_STS", STS);
    let allowed = ("XACCT_ALLOW_HTTP_HOSTS", "localstack");
    for (variables, is_given, hosts) in [
        (&[allowed][..], true, &[][..]),
        (&[endpoint, allowed], false, &[]),
        (&[], true, &["localstack:4566"]),
        (&[endpoint], false, &["localstack"]),
    ] {
        assert_eq!(role(variables, is_given, hosts), (Ok(()), vec!["localstack us-east-1/sts".to_owned()]));
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), ["localstack:4566"]);
    }
    for (variables, is_given, hosts) in
        [(&[][..], true, &[][..]), (&[endpoint], false, &["localstack:80"]), (&[endpoint], false, &["other"])]
    {
        assert_eq!(role(variables, is_given, hosts), (Err("insecure_url"), vec![]));
    }
    assert_eq!(role(&[("XACCT_ALLOW_HTTP_HOSTS", "*")], true, &[]).0, Err("invalid_option"));
    assert!(told.lock().unwrap().is_empty());
}
