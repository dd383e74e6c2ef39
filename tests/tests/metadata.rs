//! Credentials that are fetched from nearby, over their lifetimes: what is asked anew, and what is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, process};

use serde_json::{Value, json};
use xacct_sign::aws::parse_rfc3339;
use xacct_sign::{Credentials, Error, Skew};
use xacct_sign_client::{CredentialSource as _, DefaultChain, Patience};
use xacct_sign_tests::folder::Folder;

const HOUR: Duration = Duration::from_secs(3600);

/// A folder of one test, as those of `tests/credentials/`.
fn folder(name: &str, env: &Value, http: &[Value], files: &[(&str, &str)]) -> Arc<Folder> {
    let path: PathBuf = env::temp_dir().join(format!("xacct-sign-{}-{name}", process::id()));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("env.json"), env.to_string()).unwrap();
    fs::write(path.join("http.json"), Value::from(http).to_string()).unwrap();
    let folder = Folder::read(&path);
    fs::remove_dir_all(path).unwrap();
    files.iter().for_each(|(path, content)| folder.put(path, content));
    Arc::new(folder)
}

fn ask(chain: &DefaultChain) -> Result<Credentials, Error> {
    chain.credentials(&Patience::default())
}

fn key(chain: &DefaultChain) -> String {
    ask(chain).unwrap().access_key_id().to_owned()
}

fn answer(key: &str, expiration: &str) -> Value {
    json!({ "AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token", "Expiration": expiration })
}

fn get(url: &str, headers: &Value, response: &Value) -> Value {
    json!({ "request": { "method": "GET", "url": url, "headers": headers }, "response": response })
}

#[test]
fn a_web_identitys_file_is_read_at_each_refresh() {
    let sts = |token: &str, key: &str, expiration: &str| {
        let body = format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn</Arn>\
             <AssumedRoleId>id</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{expiration}</Expiration>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        );
        json!({
            "request": { "method": "POST", "url": "https://sts.eu-west-1.amazonaws.com/", "body": { "WebIdentityToken": token } },
            "response": { "status": 200, "body": body },
        })
    };
    let env = json!({
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/Pod",
        "AWS_REGION": "eu-west-1",
    });
    let http =
        [sts("first-token", "ASIAONE", "2026-06-01T01:00:00Z"), sts("second-token", "ASIATWO", "2026-06-01T02:00:00Z")];
    let host = folder("web-identity", &env, &http, &[("/token", "first-token")]);
    let chain = DefaultChain::on(host.clone(), None);
    assert_eq!((key(&chain), key(&chain)), ("ASIAONE".to_owned(), "ASIAONE".to_owned()));
    host.put("/token", "second-token");
    host.wait(HOUR / 2);
    assert_eq!(key(&chain), "ASIAONE");
    host.wait(HOUR / 2);
    assert_eq!(key(&chain), "ASIATWO");
    assert_eq!(host.complaints(), [""; 0]);
}

#[test]
fn a_containers_token_is_read_at_each_refresh() {
    let url = "http://169.254.170.23/v1/credentials";
    let agent = |token: &str, key: &str, expiration: &str| {
        get(url, &json!({ "authorization": token }), &json!({ "status": 200, "body": answer(key, expiration) }))
    };
    let env = json!({ "AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token" });
    let http = [
        agent("first-token", "ASIAONE", "2026-06-01T01:00:00Z"),
        agent("second-token", "ASIATWO", "2026-06-01T07:00:00Z"),
    ];
    let host = folder("container", &env, &http, &[("/token", "first-token")]);
    let chain = DefaultChain::on(host.clone(), None);
    assert_eq!(key(&chain), "ASIAONE");
    host.put("/token", "second-token");
    host.wait(HOUR);
    assert_eq!(key(&chain), "ASIATWO");
    // Its own expiry counts: these last for six hours.
    host.wait(HOUR * 5);
    assert_eq!(key(&chain), "ASIATWO");
    assert_eq!(host.complaints(), [""; 0]);
}

/// What an API or STS has shown of this machine's clock counts for all that expires.
#[test]
fn expiries_are_judged_by_the_clock_that_was_set_right() {
    // In two hours by this machine's clock, which is two hours ahead.
    let (soon, soon_in_ms) = ("2026-05-31T23:00:00Z", 1_780_268_400_000_u64);
    let keys = format!(
        "<Credentials><AccessKeyId>ASIASOON</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{soon}</Expiration></Credentials>"
    );
    let assumed = format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn</Arn>\
         <AssumedRoleId>id</AssumedRoleId></AssumedRoleUser>{keys}</AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>"
    );
    let sts = json!({
        "request": { "method": "POST", "url": "https://sts.eu-west-1.amazonaws.com/" },
        "response": { "status": 200, "body": assumed },
    });
    let agent = "http://169.254.170.23/v1/credentials";
    let login = json!({
        "startUrl": "https://d-abc123.awsapps.com/start",
        "region": "us-east-1",
        "accessToken": "access-token",
        "expiresAt": soon,
    });
    let role = json!({ "roleCredentials": {
        "accessKeyId": "ASIASOON", "secretAccessKey": "s", "sessionToken": "t", "expiration": soon_in_ms
    }});
    let portal =
        "https://portal.sso.us-east-1.amazonaws.com/federation/credentials?role_name=Reader&account_id=111111111111";
    let profile = "[default]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Reader\n\
                   [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://d-abc123.awsapps.com/start\n";
    for (name, env, http, files) in [
        (
            "skewed-web-identity",
            json!({
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
                "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/Pod",
                "AWS_REGION": "eu-west-1",
            }),
            vec![sts],
            vec![("/token", "a-token")],
        ),
        (
            "skewed-container",
            json!({ "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent }),
            vec![get(agent, &json!({}), &json!({ "status": 200, "body": answer("ASIASOON", soon) }))],
            vec![],
        ),
        ("skewed-instance", json!({}), instance("token", "role", &answer("ASIASOON", soon)).to_vec(), vec![]),
        (
            "skewed-sso",
            json!({}),
            vec![get(portal, &json!({}), &json!({ "status": 200, "body": role }))],
            vec![
                ("/home/.aws/config", profile),
                ("/home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", &*login.to_string()),
            ],
        ),
    ] {
        let host = folder(name, &env, &http, &files);
        let chain = DefaultChain::on(host.clone(), None);
        assert!(chain.clock().unwrap().learn(Skew::from_seconds(0), Skew::from_seconds(-7200)));
        let found = ask(&chain).map(|found| (found.access_key_id().to_owned(), found.expires_at()));
        assert_eq!(found.map_err(|error| format!("{name}: {error}")), Ok(("ASIASOON".to_owned(), parse_rfc3339(soon))));
        assert_eq!(host.complaints(), [""; 0]);
    }
}

const IMDS: &str = "http://169.254.169.254";

fn instance(token: &str, role: &str, body: &Value) -> [Value; 3] {
    let url = format!("{IMDS}/latest/meta-data/iam/security-credentials/");
    let headers = json!({ "x-aws-ec2-metadata-token": token });
    [
        json!({
            "request": { "method": "PUT", "url": format!("{IMDS}/latest/api/token") },
            "response": { "status": 200, "body": token },
        }),
        get(&url, &headers, &json!({ "status": 200, "body": role })),
        get(&format!("{url}{role}"), &headers, &json!({ "status": 200, "body": body })),
    ]
}

#[test]
fn an_instances_role_may_change() {
    let http = [
        instance("token-1", "old-role", &answer("ASIAOLD", "2026-06-01T06:00:00Z")),
        instance("token-2", "new-role", &answer("ASIANEW", "2026-06-01T12:00:00Z")),
    ];
    let host = folder("instance", &json!({}), &http.concat(), &[]);
    let chain = DefaultChain::on(host.clone(), None);
    assert_eq!(key(&chain), "ASIAOLD");
    host.wait(HOUR * 6);
    assert_eq!(key(&chain), "ASIANEW");
    assert_eq!(host.complaints(), [""; 0]);
}

/// It gives out what has expired while it cannot get new ones: that is used, and not for longer than ten minutes.
#[test]
fn an_instance_that_serves_expired_credentials_is_asked_again_after_ten_minutes() {
    let http = [
        instance("token-1", "role", &answer("ASIASTALE", "2026-05-31T23:59:00Z")),
        instance("token-2", "role", &answer("ASIASTALE", "2026-05-31T23:59:00Z")),
        instance("token-3", "role", &answer("ASIAFRESH", "2026-06-01T06:00:00Z")),
    ];
    let host = folder("stale", &json!({}), &http.concat(), &[]);
    let chain = DefaultChain::on(host.clone(), None);
    for expected in ["ASIASTALE", "ASIASTALE", "ASIAFRESH"] {
        assert_eq!(key(&chain), expected);
        host.wait(Duration::from_secs(60));
        assert_eq!(key(&chain), expected);
        host.wait(Duration::from_secs(540));
    }
    assert_eq!(host.complaints(), [""; 0]);
}

/// Whoever waits no longer is told so, and not that there is no instance.
#[test]
fn a_patience_that_is_over_is_no_absence() {
    let hung =
        json!({ "request": { "method": "PUT", "url": format!("{IMDS}/latest/api/token") }, "failure": "timeout" });
    let host = folder("patience", &json!({}), &[hung], &[]);
    let chain = DefaultChain::on(host, None);
    let error = chain.credentials(&Patience::of(Some(Duration::ZERO))).unwrap_err();
    assert_eq!(error.code(), "timeout", "{error}");
}
