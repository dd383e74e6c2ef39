//! The default chain as time goes by: what is read again, what is fetched again, and for whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use xacct_sign::Error;
use xacct_sign_client::host::{Host, Output, Sending};
use xacct_sign_client::{CredentialSource as _, DefaultChain, Patience};
use xacct_sign_tests::folder::Folder;

const CONFIG: &str = "/home/.aws/config";
const CREDENTIALS: &str = "/home/.aws/credentials";
/// `printf corp | sha1sum`
const LOGIN: &str = "/home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const MINUTE: Duration = Duration::from_secs(60);

fn machine(files: &[(&str, &str)], http: Value, processes: Value) -> Arc<Folder> {
    let files = files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_owned())).collect();
    Arc::new(Folder::of(json!({ "AWS_EC2_METADATA_DISABLED": "true" }), files, http, processes))
}

fn key_id(chain: &DefaultChain) -> Result<String, Error> {
    chain.credentials(&Patience::default()).map(|found| found.access_key_id().to_owned())
}

fn keys(key_id: &str) -> String {
    format!("[default]\naws_access_key_id = {key_id}\naws_secret_access_key = secret\n")
}

fn printed(key_id: &str, expiration: Option<&str>) -> Value {
    let stdout = json!({ "Version": 1, "AccessKeyId": key_id, "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": expiration });
    json!({ "program": "creds", "arguments": [], "stdout": stdout })
}

fn sts(role: &str, region: &str, key_id: &str, expiration: &str) -> Value {
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::1:x</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    );
    json!({
        "request": { "method": "POST", "url": format!("https://sts.{region}.amazonaws.com/"), "body": { "RoleArn": role } },
        "response": { "status": 200, "body": body },
    })
}

#[test]
fn keys_in_a_file_are_read_again() {
    let machine = machine(&[(CREDENTIALS, &keys("AKIAONE"))], Value::Null, Value::Null);
    let chain = DefaultChain::on(machine.clone(), None);
    assert_eq!(key_id(&chain).unwrap(), "AKIAONE");
    machine.put(CREDENTIALS, &keys("AKIATWO"));
    // The files are not read for each of many signatures.
    assert_eq!(key_id(&chain).unwrap(), "AKIAONE");
    machine.wait(Duration::from_secs(1));
    assert_eq!(key_id(&chain).unwrap(), "AKIATWO");
    machine.put(CREDENTIALS, "[default");
    machine.wait(Duration::from_secs(1));
    assert_eq!(key_id(&chain).unwrap_err().code(), "invalid_config");
    machine.put(CREDENTIALS, &keys("AKIATHREE"));
    assert_eq!(key_id(&chain).unwrap(), "AKIATHREE");
}

#[test]
fn a_profile_may_become_another_kind() {
    let machine = machine(
        &[(CREDENTIALS, &keys("AKIAKEYS"))],
        Value::Null,
        json!([printed("ASIAPROGRAM", Some("2026-06-01T01:00:00Z"))]),
    );
    let chain = DefaultChain::on(machine.clone(), None);
    assert_eq!(key_id(&chain).unwrap(), "AKIAKEYS");
    machine.put(CREDENTIALS, "");
    machine.put(CONFIG, "[default]\ncredential_process = creds\n");
    machine.wait(MINUTE);
    assert_eq!(key_id(&chain).unwrap(), "ASIAPROGRAM");
    machine.put(CREDENTIALS, &keys("AKIAKEYS"));
    machine.wait(MINUTE);
    assert_eq!(key_id(&chain).unwrap(), "AKIAKEYS");
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn a_program_is_run_again_when_its_credentials_end() {
    let machine = machine(
        &[(CONFIG, "[default]\ncredential_process = creds\n")],
        Value::Null,
        json!([printed("ASIAONE", Some("2026-06-01T01:00:00Z")), printed("ASIATWO", Some("2026-06-01T03:00:00Z"))]),
    );
    let chain = DefaultChain::on(machine.clone(), None);
    for _ in 0..50 {
        machine.wait(MINUTE);
        assert_eq!(key_id(&chain).unwrap(), "ASIAONE");
    }
    machine.wait(10 * MINUTE);
    assert_eq!(key_id(&chain).unwrap(), "ASIATWO");
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn a_program_that_names_no_end_is_run_once() {
    let machine = machine(
        &[(CONFIG, "[default]\ncredential_process = creds\n")],
        Value::Null,
        json!([printed("AKIAONCE", None)]),
    );
    let chain = DefaultChain::on(machine.clone(), None);
    for _ in 0..100 {
        assert_eq!(key_id(&chain).unwrap(), "AKIAONCE");
        machine.wait(24 * 60 * MINUTE);
    }
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn a_program_is_run_once_for_all_threads() {
    let machine = machine(
        &[(CONFIG, "[default]\ncredential_process = creds\n")],
        Value::Null,
        json!([printed("ASIAONE", Some("2099-01-01T00:00:00Z"))]),
    );
    let chain = DefaultChain::on(machine.clone(), None);
    thread::scope(|scope| {
        for _ in 0..64 {
            let chain = chain.clone();
            scope.spawn(move || assert_eq!(key_id(&chain).unwrap(), "ASIAONE"));
        }
    });
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

#[test]
fn a_role_is_assumed_as_the_files_have_it_then() {
    let config = |role| format!("[default]\nrole_arn = {role}\nsource_profile = base\nregion = eu-west-1\n");
    let (one, two) = ("arn:aws:iam::111111111111:role/One", "arn:aws:iam::111111111111:role/Two");
    let machine = machine(
        &[(CONFIG, &config(one)), (CREDENTIALS, &keys("AKIABASE").replace("default", "base"))],
        json!([
            sts(one, "eu-west-1", "ASIAONE", "2026-06-01T01:00:00Z"),
            sts(two, "eu-west-1", "ASIATWO", "2026-06-01T03:00:00Z")
        ]),
        Value::Null,
    );
    let chain = DefaultChain::on(machine.clone(), None);
    assert_eq!(key_id(&chain).unwrap(), "ASIAONE");
    machine.put(CONFIG, &config(two));
    machine.wait(10 * MINUTE);
    assert_eq!(key_id(&chain).unwrap(), "ASIAONE");
    machine.wait(50 * MINUTE);
    assert_eq!(key_id(&chain).unwrap(), "ASIATWO");
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

/// What STS says of the time is known to whoever signs with what it gave.
#[test]
fn the_clock_of_sts_is_the_chains() {
    let role = "arn:aws:iam::111111111111:role/One";
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Signature not yet current: \
         20260601T000000Z is still later than 20260531T232500Z (20260531T232000Z + 5 min.)</Message></Error></ErrorResponse>";
    let machine = machine(
        &[
            (CONFIG, &format!("[default]\nrole_arn = {role}\nsource_profile = base\nregion = eu-west-1\n")),
            (CREDENTIALS, &keys("AKIABASE").replace("default", "base")),
        ],
        json!([
            {
                "request": { "method": "POST", "url": "https://sts.eu-west-1.amazonaws.com/", "headers": { "x-amz-date": "20260601T000000Z" } },
                "response": { "status": 403, "body": refusal },
            },
            sts(role, "eu-west-1", "ASIAONE", "2026-06-01T00:20:00Z"),
        ]),
        Value::Null,
    );
    let chain = DefaultChain::on(machine.clone(), None);
    assert_eq!(key_id(&chain).unwrap(), "ASIAONE");
    assert_eq!(chain.clock().unwrap().skew().as_seconds(), -40 * 60);
    assert_eq!(machine.complaints(), Vec::<String>::new());
}

const SSO: &str = "[default]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Reader\n\
                   [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";

fn login(token: &str, expires_at: &str) -> String {
    json!({
        "accessToken": token, "expiresAt": expires_at, "clientId": "client", "clientSecret": "client-secret",
        "refreshToken": "refresh", "registrationExpiresAt": "2099-01-01T00:00:00Z",
    })
    .to_string()
}

fn portal(token: &str) -> Value {
    let credentials = json!({ "accessKeyId": "ASIASSO", "secretAccessKey": "secret", "sessionToken": "token", "expiration": 4_070_908_800_000_u64 });
    json!({
        "request": {
            "method": "GET",
            "url": "https://portal.sso.us-east-1.amazonaws.com/federation/credentials?role_name=Reader&account_id=111111111111",
            "headers": { "x-amz-sso_bearer_token": token },
        },
        "response": { "status": 200, "body": { "roleCredentials": credentials } },
    })
}

fn renewal(status: u16, body: Value) -> Value {
    json!({
        "request": { "method": "POST", "url": "https://oidc.us-east-1.amazonaws.com/token", "body": { "refreshToken": "refresh" } },
        "response": { "status": status, "body": body },
    })
}

fn renewed() -> Value {
    json!({ "accessToken": "new", "expiresIn": 3600, "refreshToken": "refresh-2" })
}

#[test]
fn a_login_is_renewed_in_its_last_minutes() {
    for (expires_at, http) in [
        ("2026-06-01T00:05:01Z", json!([portal("old")])),
        ("2026-06-01T00:05:00Z", json!([renewal(200, renewed()), portal("new")])),
        // As long as it lasts it is good enough.
        ("2026-06-01T00:05:00Z", json!([renewal(400, json!({ "error": "invalid_grant" })), portal("old")])),
        ("2026-06-01T00:00:01Z", json!([renewal(400, json!({ "error": "invalid_grant" })), portal("old")])),
    ] {
        let machine = machine(&[(CONFIG, SSO), (LOGIN, &login("old", expires_at))], http, Value::Null);
        let chain = DefaultChain::on(machine.clone(), None);
        assert_eq!(key_id(&chain).unwrap(), "ASIASSO");
        assert_eq!(machine.complaints(), Vec::<String>::new());
    }
}

/// A folder that something happens to.
#[derive(Debug)]
struct Eventful {
    folder: Arc<Folder>,
    /// Put into the login's file by another program, when something is sent.
    login: Option<String>,
    is_read_only: bool,
    /// Nobody may read there.
    closed: Option<&'static str>,
    written: AtomicUsize,
}

impl Eventful {
    fn chain(folder: &Arc<Folder>, login: Option<String>, is_read_only: bool) -> (DefaultChain, Arc<Self>) {
        let host =
            Arc::new(Self { folder: folder.clone(), login, is_read_only, closed: None, written: AtomicUsize::new(0) });
        (DefaultChain::on(host.clone(), None), host)
    }
}

impl Host for Eventful {
    fn now(&self) -> SystemTime {
        self.folder.now()
    }

    fn sleep(&self, duration: Duration, patience: &Patience) -> Result<(), Error> {
        self.folder.sleep(duration, patience)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.folder.variable(name)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.closed {
            Some(closed) if path.starts_with(closed) => Err(io::ErrorKind::PermissionDenied.into()),
            _ => self.folder.read(path),
        }
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.written.fetch_add(1, Ordering::Relaxed);
        if self.is_read_only {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        } else {
            self.folder.replace(path, content)
        }
    }

    fn run(&self, program: &str, arguments: &[String], patience: &Patience) -> Result<Output, Error> {
        self.folder.run(program, arguments, patience)
    }

    fn send(
        &self,
        request: &http::Request<&[u8]>,
        sending: Sending,
        patience: &Patience,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        if let Some(login) = &self.login {
            self.folder.put(LOGIN, login);
        }
        self.folder.send(request, sending, patience)
    }
}

#[test]
fn a_login_that_another_program_renewed_is_taken() {
    let folder = machine(
        &[(CONFIG, SSO), (LOGIN, &login("old", "2020-01-01T00:00:00Z"))],
        json!([renewal(400, json!({ "error": "invalid_grant" })), portal("theirs")]),
        Value::Null,
    );
    let (chain, host) = Eventful::chain(&folder, Some(login("theirs", "2026-06-01T08:00:00Z")), false);
    assert_eq!(key_id(&chain).unwrap(), "ASIASSO");
    assert_eq!(host.written.load(Ordering::Relaxed), 0);
    assert_eq!(folder.complaints(), Vec::<String>::new());
}

#[test]
fn a_login_that_cannot_be_written_back_is_used_all_the_same() {
    let folder = machine(
        &[(CONFIG, SSO), (LOGIN, &login("old", "2020-01-01T00:00:00Z"))],
        json!([renewal(200, renewed()), portal("new")]),
        Value::Null,
    );
    let (chain, host) = Eventful::chain(&folder, None, true);
    assert_eq!(key_id(&chain).unwrap(), "ASIASSO");
    assert_eq!(host.written.load(Ordering::Relaxed), 1);
    assert_eq!(folder.complaints(), Vec::<String>::new());
}

/// A container's user often has root's HOME.
#[test]
fn a_home_of_somebody_else_is_no_mistake_and_a_file_that_is_named_is_one() {
    let config = json!({ "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/etc/aws/config" });
    let folder =
        Folder::of(config, [("/etc/aws/config".into(), keys("AKIANAMED").into())].into(), Value::Null, Value::Null);
    let folder = Arc::new(folder);
    let chain = |closed| {
        let (folder, written) = (folder.clone(), AtomicUsize::new(0));
        DefaultChain::on(Arc::new(Eventful { folder, login: None, is_read_only: true, closed, written }), None)
    };
    assert_eq!(key_id(&chain(Some("/home"))).unwrap(), "AKIANAMED");
    let error = key_id(&chain(Some("/"))).unwrap_err();
    assert_eq!(
        (error.code(), &*error.to_string()),
        ("invalid_config", "`/etc/aws/config` cannot be read: permission denied")
    );

    let folder = machine(&[], Value::Null, Value::Null);
    let host = Eventful { folder, login: None, is_read_only: true, closed: Some("/"), written: AtomicUsize::new(0) };
    let error = key_id(&DefaultChain::on(Arc::new(host), None)).unwrap_err();
    assert_eq!(error.code(), "credentials_not_found");
    assert!(
        error.to_string().contains("`/home/.aws/credentials` (which cannot be read: permission denied)"),
        "{error}"
    );
}

#[test]
fn the_chain_shows_nothing_of_what_it_has_found() {
    let machine = machine(&[(CREDENTIALS, &keys("AKIASHOWN"))], Value::Null, Value::Null);
    let chain = DefaultChain::on(machine, Some("default".to_owned()));
    assert_eq!(key_id(&chain).unwrap(), "AKIASHOWN");
    assert_eq!(format!("{chain:?}"), "DefaultChain { profile: Some(\"default\"), .. }");
    assert_eq!(chain.profile(), Some("default"));
}
