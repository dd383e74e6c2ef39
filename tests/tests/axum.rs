//! The layer and the extractor of `xacct-sign-client` in axum, behind real sockets, with the emulator's tokens and proofs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::routing::get;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use http::{Request, StatusCode, Uri};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use xacct_sign::{Credentials, Error};
use xacct_sign_client::host::{Host as _, Machine, Sending, Variables};
use xacct_sign_client::server::{CallerLayer, Callers, Calling, Development, Verifier};
use xacct_sign_client::{Identity, IdentityProof, IdentityToken, Patience, TokenOptions};
use xacct_sign_emulator::Options;
use xacct_sign_tests::emulator::{Running, start_with};

const REGION: &str = "ap-northeast-1";
const AUDIENCE: &str = "https://api.example.com";

#[derive(Debug)]
struct Moved(String);

impl Variables for Moved {
    fn values(&self, names: &[&str]) -> Result<Vec<Option<OsString>>, Error> {
        Ok(names.iter().map(|name| (*name == "AWS_ENDPOINT_URL_STS").then(|| self.0.clone().into())).collect())
    }

    fn all(&self) -> Result<Option<Vec<(OsString, OsString)>>, Error> {
        Ok(None)
    }

    fn hold(&self, reader: &mut dyn FnMut()) -> Result<(), Error> {
        reader();
        Ok(())
    }
}

fn emulator() -> Running {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    start_with(Options {
        caller_policies: BTreeMap::from([("shop".to_owned(), policy.to_owned())]),
        ..Options::default()
    })
}

/// Who may call, and the caller's own credentials.
struct World {
    running: Running,
    issuer: String,
    credentials: Credentials,
}

impl World {
    fn new() -> Self {
        let running = emulator();
        let shop = running.ready().callers().iter().find(|caller| caller.role.ends_with("/LambdaRoleDeve")).unwrap();
        let credentials = shop.credentials.clone();
        Self { issuer: format!("{}/issuers/000000000000", running.ready().addresses().sts), credentials, running }
    }

    fn sts(&self) -> String {
        self.running.ready().addresses().sts.clone()
    }

    fn callers(&self) -> String {
        json!({
            "version": 1, "stage": "deve", "target": "server", "partition": "aws", "audience": AUDIENCE,
            "algorithm": "ES384", "max_duration_seconds": 3600, "regions": [REGION], "dev_issuers": [self.issuer],
            "callers": [{
                "name": "shop", "account": "000000000000", "role": "LambdaRoleDeve", "issuer": self.issuer,
                "routes": ["GET /items/{id}", "POST /orders", "GET /api/items/{id}"],
            }],
        })
        .to_string()
    }

    fn verifier_at(&self, sts: String) -> Arc<Verifier> {
        let callers = Callers::parse(self.callers().as_bytes(), Development::Yes).unwrap();
        Arc::new(Verifier::with_host(callers, Arc::new(Machine::with_variables(Moved(sts)))).unwrap())
    }

    fn token(&self, audience: &str) -> String {
        let host = Arc::new(Machine::with_variables(Moved(self.sts())));
        let identity = IdentityToken::on(host, TokenOptions::new(audience, REGION), self.credentials.clone()).unwrap();
        said(&identity)
    }

    fn proof(&self) -> String {
        said(&IdentityProof::on(Arc::new(Machine::default()), AUDIENCE, REGION, self.credentials.clone()).unwrap())
    }
}

fn said(identity: &dyn Identity) -> String {
    format!("Bearer {}", identity.bearer(&Patience::default()).unwrap().as_str())
}

async fn item(caller: Calling) -> String {
    format!("{} by {}", caller.name, caller.via.name())
}

type Told = Arc<Mutex<Vec<String>>>;

fn layer(verifier: Arc<Verifier>) -> (CallerLayer, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let layer = CallerLayer::new(verifier).unwrap().on_refusal(move |refusal, method, uri| {
        log.lock().unwrap().push(format!("{} {method} {}", refusal.code(), uri.path()));
    });
    (layer, told)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn status(router: &Router, path: &str, authorization: &[&str]) -> StatusCode {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[test]
fn axum_lets_in_callers_alone_and_names_them_to_handlers() {
    let world = World::new();
    let (layer, told) = layer(world.verifier_at(world.sts()));
    let app = Router::new().route("/items/{id}", get(item)).layer(layer).route("/health", get(async || "ok"));
    let runtime = runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await });

    let machine = Machine::default();
    let send = |path: &str, authorization: &[&str]| {
        let mut request = Request::get(format!("{url}{path}"));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let request = request.body([].as_slice()).unwrap();
        let answer = machine.send(&request, Sending::default(), &Patience::default()).unwrap();
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), String::from_utf8(answer.into_body()).unwrap(), challenge)
    };
    let (token, proof) = (world.token(AUDIENCE), world.proof());
    assert_eq!(send("/items/1?a=b", &[&token]), (200, "shop by token".to_owned(), None));
    assert_eq!(send("/items/1", &[&proof]), (200, "shop by proof".to_owned(), None));
    assert_eq!(send("/health", &[]), (200, "ok".to_owned(), None));
    let unknown = (401, String::new(), Some("Bearer".to_owned()));
    assert_eq!(send("/items/1", &[]), unknown);
    assert_eq!(send("/items/1", &[&token, &token]), unknown);
    assert_eq!(send("/items/1", &[&world.token("https://other.example.com")]), unknown);
    assert_eq!(send("/items/..%252fadmin", &[&token]), (403, String::new(), None));
    let told = told.lock().unwrap().clone();
    assert_eq!(
        told,
        [
            "authorization_missing GET /items/1",
            "authorization_twice GET /items/1",
            "audience_refused GET /items/1",
            "route_refused GET /items/..%252fadmin",
        ]
    );
}

#[test]
fn a_header_that_wants_another_method_is_checked_as_the_method() {
    let world = World::new();
    let (layer, told) = layer(world.verifier_at(world.sts()));
    let app = Router::new().route("/items/{id}", get(item)).layer(layer);
    let (runtime, token) = (runtime(), world.token(AUDIENCE));
    for (name, value, status) in [
        ("x-http-method-override", "DELETE", 403),
        ("x-http-method", "put", 403),
        ("x-method-override", "\u{e9}", 403),
        ("x-method-override", "get", 200),
    ] {
        let request = Request::get("/items/1").header("authorization", &token).header(name, value);
        let answer = app.clone().oneshot(request.body(Body::empty()).unwrap());
        assert_eq!(runtime.block_on(answer).unwrap().status().as_u16(), status, "{name}: {value}");
    }
    assert_eq!(*told.lock().unwrap(), ["method_override_refused GET /items/1"; 3]);
}

#[allow(clippy::print_stderr, reason = "the page's program has no other log")]
mod page {
    include!(concat!(env!("OUT_DIR"), "/axum_page.rs"));

    pub(super) fn router() -> Router {
        app().unwrap()
    }
}

static CALLERS: Mutex<String> = Mutex::new(String::new());

fn callers_json() -> Vec<u8> {
    CALLERS.lock().unwrap().clone().into_bytes()
}

#[test]
fn the_pages_program_lets_in_callers_alone() {
    let world = World::new();
    *CALLERS.lock().unwrap() = world.callers();
    let app = page::router();
    let token = world.token(AUDIENCE);
    runtime().block_on(async {
        assert_eq!(status(&app, "/items/1", &[&token]).await, StatusCode::OK);
        assert_eq!(status(&app, "/items/1", &[]).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(&app, "/health", &[]).await, StatusCode::OK);
    });
}

#[test]
fn a_handler_that_asks_for_a_caller_behind_no_layer_is_not_called() {
    let app = Router::new().route("/items/{id}", get(item));
    runtime().block_on(async { assert_eq!(status(&app, "/items/1", &[]).await, StatusCode::INTERNAL_SERVER_ERROR) });
}

#[test]
fn in_a_nested_router_the_path_that_was_sent_counts_too() {
    let world = World::new();
    let verifier = world.verifier_at(world.sts());
    let token = world.token(AUDIENCE);
    let inner = || Router::new().route("/items/{id}", get(item));
    let outside = Router::new().nest("/api", inner()).layer(CallerLayer::new(Arc::clone(&verifier)).unwrap());
    // What is nested at `/admin` looks like a route of the caller's once that is taken away.
    let inside = Router::new().nest("/admin", inner().layer(CallerLayer::new(verifier).unwrap()));
    runtime().block_on(async {
        assert_eq!(status(&outside, "/api/items/1", &[&token]).await, StatusCode::OK);
        assert_eq!(status(&inside, "/admin/items/1", &[&token]).await, StatusCode::FORBIDDEN);
    });
}

/// The table that every face runs, tests/paths.toml.
#[test]
fn the_layer_says_of_a_path_what_the_table_does() {
    let world = World::new();
    let token = world.token(AUDIENCE);
    let app = Router::new().fallback(item).layer(CallerLayer::new(world.verifier_at(world.sts())).unwrap());
    let table: toml::Value = toml::from_str(include_str!("../paths.toml")).unwrap();
    let mut many = 0;
    for row in table["request"].as_array().unwrap() {
        let text = |name: &str| row.get(name).and_then(toml::Value::as_str);
        let sent = text("sent").unwrap();
        let parsed = [sent, text("left").unwrap_or(sent)].map(str::parse::<Uri>);
        // Some targets reach no service, or another path of them does, without a fragment; and routers do not say where they are mounted.
        let [Ok(sent), Ok(left)] = parsed else { continue };
        if row["paths"][0].as_str() != Some(sent.path()) || text("mounted_at").is_some() {
            continue;
        }
        let request = Request::builder().method(text("method").unwrap_or("GET")).uri(left);
        let request = request.header("authorization", &token).extension(OriginalUri(sent));
        let answer = runtime().block_on(app.clone().oneshot(request.body(Body::empty()).unwrap())).unwrap();
        assert_eq!(answer.status() == StatusCode::OK, text("code").is_none(), "{row}");
        many += 1;
    }
    assert!(many > 15, "{many}");
}

#[test]
fn a_list_whose_callers_come_by_events_makes_no_layer() {
    let by_events = json!({
        "version": 1, "stage": "prod", "target": "function_url", "partition": "aws", "access": "direct",
        "callers": [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd"}],
    });
    let callers = Callers::parse(by_events.to_string().as_bytes(), Development::No).unwrap();
    let refused = CallerLayer::new(Arc::new(Verifier::new(callers).unwrap())).unwrap_err();
    assert_eq!(refused.code(), "invalid_option");
    assert!(refused.hint().is_some_and(|hint| hint.contains("the front says who is calling")), "{refused:?}");
}

#[test]
fn made_up_proofs_are_refused_at_once_and_hold_up_no_token() {
    let world = World::new();
    // An STS that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let verifier = world.verifier_at(format!("http://{}", silent.local_addr().unwrap()));
    let app = Router::new().route("/items/{id}", get(item)).layer(CallerLayer::new(verifier).unwrap());
    let made_up: Vec<String> = (0..300)
        .map(|number| {
            let key = format!("ASIA{number:016}");
            let credentials = Credentials::new(key, "secret", Some("token".to_owned()), None).unwrap();
            said(&IdentityProof::on(Arc::new(Machine::default()), AUDIENCE, REGION, credentials).unwrap())
        })
        .collect();
    let token = world.token(AUDIENCE);
    let runtime = runtime();
    runtime.block_on(async {
        let mut held = Vec::new();
        for proof in made_up {
            let app = app.clone();
            held.push(tokio::spawn(async move { status(&app, "/items/1", &[&proof]).await }));
        }
        // More than there are places for: some are turned away, while the others wait.
        while !held.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        assert_eq!(status(&app, "/items/1", &[&token]).await, StatusCode::OK);
        let (done, waiting): (Vec<_>, Vec<_>) = held.into_iter().partition(tokio::task::JoinHandle::is_finished);
        for done in done {
            assert_eq!(done.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
        }
        assert!(waiting.len() >= 256, "{}", waiting.len());
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    });
    // The threads that wait for STS are left to themselves.
    runtime.shutdown_background();
    drop(silent);
}

#[test]
fn an_issuer_that_says_nothing_holds_up_no_token_of_another() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}/issuers/999999999999", silent.local_addr().unwrap());
    let mut callers: Value = serde_json::from_str(&world.callers()).unwrap();
    callers["dev_issuers"] = json!([world.issuer, issuer]);
    let other = json!({ "name": "other", "account": "999999999999", "role": "LambdaRoleDeve", "issuer": issuer });
    callers["callers"].as_array_mut().unwrap().push(other);
    let callers = Callers::parse(callers.to_string().as_bytes(), Development::Yes).unwrap();
    let host = Arc::new(Machine::with_variables(Moved(world.sts())));
    let verifier = Arc::new(Verifier::with_host(callers, host).unwrap());
    let app = Router::new().route("/items/{id}", get(item)).layer(CallerLayer::new(verifier).unwrap());
    let tokens: Vec<String> = (0..20).map(|_| world.token(AUDIENCE)).collect();
    // Of the silent issuer's account, as anybody can make them up.
    let token = world.token(AUDIENCE);
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let claims = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let claims = claims.replace(&world.issuer, &issuer).replace("000000000000", "999999999999");
    let made_up = |number: usize| {
        let mut claims: Value = serde_json::from_str(&claims).unwrap();
        claims["jti"] = json!(number.to_string());
        format!("{header}.{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let runtime = runtime();
    runtime.block_on(async {
        let ask = |token: String| {
            let app = app.clone();
            tokio::spawn(async move { status(&app, "/items/1", &[&token]).await })
        };
        let held: Vec<_> = (0..300).map(|number| ask(made_up(number))).collect();
        while !held.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        // All at once: one of them gets the keys, and the others wait for that.
        for asked in tokens.into_iter().map(ask).collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), StatusCode::OK);
        }
        let (done, waiting): (Vec<_>, Vec<_>) = held.into_iter().partition(tokio::task::JoinHandle::is_finished);
        for done in done {
            assert_eq!(done.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
        }
        assert_eq!(waiting.len(), 256);
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    });
    runtime.shutdown_background();
    drop(silent);
}
