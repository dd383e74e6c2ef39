//! Headers that the gateway makes of its variables.

use http::Uri;
use serde_json::Value;
use xacct_sign_emulator::{Emulator, Format, Options, Outcome, SetupError};
use xacct_sign_provider::Manifest;

use crate::fronts::STAGES;
use crate::world::*;

fn mapping(headers: &[(&str, &str)], upstream: Option<&'static str>) -> Options {
    let headers = headers.iter().map(|(name, variable)| ((*name).to_owned(), (*variable).to_owned())).collect();
    Options { headers, upstream: upstream.map(Uri::from_static), explain: true, ..Options::default() }
}

#[test]
fn each_front_maps_who_called_and_nothing_that_a_client_sends_by_that_name_passes() {
    let variables = [("X-Caller", "$context.identity.userArn"), ("x-org", "$context.identity.principalOrgId")];
    for upstream in [None, Some("http://127.0.0.1:3000")] {
        let mut world = fronts_with(mapping(&variables, upstream));
        for (stage, service, path) in STAGES {
            let credentials = world.shop_at(stage);
            let mut request = request("PUT", path, "body");
            for name in ["x-caller", "x_caller", "x.caller", "x-org", "x_org"] {
                request.headers_mut().append(name, "forged".parse().unwrap());
            }
            // It would take the true one away, too.
            request.headers_mut().insert("connection", "x-caller".parse().unwrap());
            sign(&mut request, &credentials, service, world.now);
            let outcome = world.outcome(&at(stage), request);
            let headers: Vec<(String, String)> = match outcome {
                Outcome::Forward(forward) => forward
                    .request
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                Outcome::Respond(response) => {
                    assert_eq!(response.status(), 200, "{stage}: {}", world.detail());
                    let echo: Value = serde_json::from_slice(response.body()).unwrap();
                    let headers = echo["headers"].as_object().unwrap();
                    headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
                }
            };
            let is_mapped = |(name, _): &&(String, String)| name.contains("caller") || name.contains("org");
            let mapped: Vec<_> = headers.iter().filter(is_mapped).collect();
            let arn = world.log.last().unwrap().principal.clone().unwrap();
            // The caller is in no organization.
            assert_eq!(mapped, [&("x-caller".to_owned(), arn)], "{stage}");
        }
    }
}

#[test]
fn every_variable_has_a_value_at_every_front() {
    let unknown = mapping(&[("x-caller", "$context.identity.arn")], None);
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let Err(SetupError::Variable { known, .. }) = Emulator::new(&manifest, unknown, [7; 32]) else { panic!("taken") };
    assert!(known.contains(&"$context.identity.userArn".to_owned()));
    let names: Vec<String> = (0..known.len()).map(|index| format!("x-own-{index}")).collect();
    let named: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(known.iter().map(String::as_str)).collect();
    let mut options = mapping(&named, None);
    options.organizations =
        ["000000000000", "111111111111"].map(|id| (id.to_owned(), "o-a1b2c3d4e5".to_owned())).into();
    let mut world = fronts_with(options);
    for (stage, service, path) in STAGES {
        let credentials = world.shop_at(stage);
        let mut request = request("PUT", path, "body");
        request.headers_mut().insert("user-agent", "tests/1".parse().unwrap());
        sign(&mut request, &credentials, service, world.now);
        let response = world.send(&at(stage), request);
        let echo: Value = serde_json::from_slice(response.body()).unwrap();
        for (name, variable) in &named {
            assert!(echo["headers"][*name].as_str().is_some_and(|value| !value.is_empty()), "{stage}: {variable}");
        }
        let of = |variable: &str| &echo["headers"][named.iter().find(|(_, known)| *known == variable).unwrap().0];
        assert_eq!((of("$context.path"), of("$context.httpMethod")), (&path.into(), &"PUT".into()), "{stage}");
        assert_eq!(of("$context.identity.userAgent"), "tests/1");
        assert_eq!(of("$context.requestTimeEpoch"), "1700000000000");
    }
}

#[test]
fn what_no_mapping_may_set_is_refused() {
    let manifest = Manifest::parse(FRONTS, "xacct.toml").unwrap();
    let error = |options| Emulator::new(&manifest, options, [7; 32]).err().map(|error| error.to_string());
    for name in [
        "",
        "x caller",
        "Authorization",
        "host",
        "x-amz-security-token",
        "X_Amzn_Request_Context",
        "x-forwarded-for",
        "connection",
        "content-length",
        "access-control-allow-origin",
        "apigw-requestid",
        "Via",
    ] {
        let error = error(mapping(&[(name, "$context.stage")], None));
        assert!(error.is_some_and(|text| text.contains(&format!("`{name}` is no header"))), "{name}");
    }
    for variable in
        ["", "context.stage", "$context.", "$context.identity", "$request.header.x", "$CONTEXT.stage", "fixed"]
    {
        let error = error(mapping(&[("x-caller", variable)], None)).unwrap();
        assert!(
            error.starts_with(&format!("there is no variable `{variable}` to map; there is `$context.accountId` or "))
        );
    }
    let function = Options { format: Format::LambdaEvent, ..mapping(&[("x-caller", "$context.stage")], None) };
    assert!(error(function).is_some_and(|text| text.contains("function")));
}
