//! STS: AssumeRole and GetCallerIdentity, their answers and errors.

use bytes::Bytes;
use http::{Request, Response};
use xacct_sign::sts::{Action as _, AssumeRole, Mfa};
use xacct_sign::{Credentials, ErrorKind, Payload, Scope, Signer, Url};
use xacct_sign_emulator::{Options, Target};

use crate::world::*;

const SHOP: &str = "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop";

#[track_caller]
fn assert_error(world: &World, response: &Response<Bytes>, status: u16, code: &str, message: &str, reason: &str) {
    assert_eq!(element(response, "Message"), message, "{}", world.detail());
    assert_eq!((response.status().as_u16(), element(response, "Code").as_str()), (status, code));
    assert_eq!(element(response, "Type"), "Sender");
    assert_eq!(response.headers()["content-type"], "text/xml");
    assert_eq!(response.headers()["x-amzn-requestid"], element(response, "RequestId"));
    assert!(text(response).starts_with("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
    assert_eq!(world.reason(), Some(reason), "{}", world.detail());
}

#[track_caller]
fn assert_denied(world: &World, response: &Response<Bytes>, caller: &str, role: &str, reason: &str) {
    let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}");
    assert_error(world, response, 403, "AccessDenied", &message, reason);
}

/// A signed call with any form at all.
fn form(world: &World, credentials: &Credentials, form: &str) -> Request<Bytes> {
    let mut request = request("POST", "/", form);
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    request.headers_mut().insert("content-type", kind.parse().unwrap());
    sign(&mut request, credentials, "sts", world.now);
    request
}

fn assume_form(rest: &str) -> String {
    format!("Action=AssumeRole&Version=2011-06-15&{rest}")
}

#[test]
fn credentials_look_like_awss() {
    let mut world = world();
    let call = AssumeRole::new(STAG, "session-1");
    let response = world.call(&world.shop(), &call);
    assert_eq!(response.status(), 200, "{}", text(&response));
    assert!(text(&response).starts_with("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
    assert_eq!(element(&response, "Arn"), "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/session-1");
    let id = element(&response, "AssumedRoleId");
    assert!(id.starts_with("AROA") && id.ends_with(":session-1") && id.len() == 21 + 10, "{id}");
    let key = element(&response, "AccessKeyId");
    assert!(key.starts_with("ASIA") && key.len() == 20, "{key}");
    assert_eq!(element(&response, "SecretAccessKey").len(), 40);
    let token = element(&response, "SessionToken");
    assert_eq!(token.len(), 320);
    assert!(['+', '/', '='].iter().all(|c| token.contains(*c)), "{token}");
    assert_eq!(element(&response, "Expiration"), "2023-11-14T23:13:20Z");
    assert!(!text(&response).contains("PackedPolicySize"));
    assert_eq!(element(&response, "RequestId"), response.headers()["x-amzn-requestid"]);
    let assumed = call.read_response(&world.shop(), &response, world.now).unwrap();
    assert_eq!(assumed.credentials.expires_at(), Some(world.now + seconds(3_600)));
}

#[test]
fn every_call_gives_new_credentials() {
    let mut world = world();
    let (one, other) = (world.assume(&world.shop(), STAG), world.assume(&world.shop(), STAG));
    assert_ne!(one.access_key_id(), other.access_key_id());
    assert_ne!(one.secret_access_key(), other.secret_access_key());
    assert_ne!(one.session_token(), other.session_token());
}

#[test]
fn lifetimes() {
    let manifest = DEMO.replace("[api]\n", "[api]\nmax_session_duration = 7200\n");
    let mut world = world_of(&manifest, Options::default());
    let mut call = AssumeRole::new(STAG, "session-1");
    call.duration_seconds = 900;
    let credentials = world.try_assume(&world.shop(), &call).unwrap();
    assert_eq!(credentials.expires_at(), Some(world.now + seconds(900)));

    // The role gives 7200 s, but the caller is a role's session itself.
    call.duration_seconds = 3_601;
    let response = world.call(&world.shop(), &call);
    let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    assert_error(&world, &response, 400, "ValidationError", text, "duration_too_long");
    call.duration_seconds = 7_201;
    let response = world.call(&world.shop(), &call);
    let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_error(&world, &response, 400, "ValidationError", text, "duration_too_long");
}

#[test]
fn a_lifetime_can_be_shortened_not_lengthened() {
    let mut world = world_with(Options { credential_lifetime: Some(seconds(2_000)), ..Options::default() });
    let mut call = AssumeRole::new(STAG, "session-1");
    let credentials = world.try_assume(&world.shop(), &call).unwrap();
    assert_eq!(credentials.expires_at(), Some(world.now + seconds(2_000)));
    call.duration_seconds = 900;
    let credentials = world.try_assume(&world.shop(), &call).unwrap();
    assert_eq!(credentials.expires_at(), Some(world.now + seconds(900)));
}

#[test]
fn denials_look_alike_and_the_log_tells_them_apart() {
    let mut world = world();
    let shop = world.shop();
    let none = "arn:aws:iam::111111111111:role/NoSuchRole";
    let response = world.call(&shop, &AssumeRole::new(none, "session-1"));
    assert_denied(&world, &response, SHOP, none, "role_not_found");

    // The shop's Lambda role of stag, on prod: its own policy does not let it.
    let response = world.call(&shop, &AssumeRole::new(PROD, "session-1"));
    assert_denied(&world, &response, SHOP, PROD, "caller_not_allowed");

    let outsider = world.emulator.outsider().clone();
    let arn = format!("arn:aws:sts::{}:assumed-role/Outsider/outsider", outsider.account);
    let response = world.call(&outsider.credentials, &AssumeRole::new(STAG, "session-1"));
    assert_denied(&world, &response, &arn, STAG, "trust_denied");
    assert!(!["000000000000", "111111111111", "222222222222"].contains(&outsider.account.as_str()));
}

#[test]
fn the_external_id_must_be_right() {
    let mut world = world_with_partner();
    let partner = world.partner();
    let arn = "arn:aws:sts::222222222222:assumed-role/Batch/partner";
    for wrong in [None, Some("other"), Some("B3C7-X+Y=Z")] {
        let mut call = AssumeRole::new(PARTNER, "batch");
        call.external_id = wrong.map(str::to_owned);
        let response = world.call(&partner, &call);
        assert_denied(&world, &response, arn, PARTNER, "trust_denied");
        assert!(world.detail().contains("sts:ExternalId"), "{}", world.detail());
    }
    let mut call = AssumeRole::new(PARTNER, "batch");
    call.external_id = Some(EXTERNAL_ID.to_owned());
    assert!(world.try_assume(&partner, &call).is_ok());
}

#[test]
fn an_unescaped_plus_is_a_space() {
    let mut world = world_with_partner();
    let partner = world.partner();
    let rest = format!("RoleArn={PARTNER}&RoleSessionName=batch&ExternalId={EXTERNAL_ID}");
    let request = form(&world, &partner, &assume_form(&rest));
    let response = world.send(&Target::Sts, request);
    assert_eq!((response.status().as_u16(), world.reason()), (400, Some("parameter_invalid")));
    assert!(element(&response, "Message").contains("'b3c7-x y=z'"), "{}", text(&response));
    assert!(element(&response, "Message").contains("at 'externalId'"), "{}", text(&response));
}

#[test]
fn parameters_that_break_a_constraint() {
    let mut world = world();
    let shop = world.shop();
    for (rest, message) in [
        (
            format!("RoleArn={STAG}&RoleSessionName=a%20b"),
            r"1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*",
        ),
        (
            format!("RoleArn={STAG}&RoleSessionName=a"),
            "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            format!("RoleArn={STAG}"),
            "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "RoleArn=x&RoleSessionName=ab".to_owned(),
            "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
        ),
        (
            format!("RoleArn={STAG}&RoleSessionName=ab&DurationSeconds=899"),
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
        ),
        (
            format!("RoleArn={STAG}&RoleSessionName=ab&DurationSeconds=43201"),
            "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200",
        ),
    ] {
        let request = form(&world, &shop, &assume_form(&rest));
        let response = world.send(&Target::Sts, request);
        assert_eq!(element(&response, "Message"), message);
        assert_eq!((response.status().as_u16(), element(&response, "Code").as_str()), (400, "ValidationError"));
    }
}

#[test]
fn markup_in_a_parameter_stays_text() {
    let mut world = world();
    let request =
        form(&world, &world.shop(), &assume_form(&format!("RoleArn={STAG}&RoleSessionName=%3C%2FMessage%3E%26")));
    let response = world.send(&Target::Sts, request);
    assert!(text(&response).contains("&lt;/Message&gt;&amp;"), "{}", text(&response));
}

#[test]
fn unknown_parameters_are_ignored() {
    let mut world = world();
    let request = form(&world, &world.shop(), &assume_form(&format!("RoleArn={STAG}&RoleSessionName=ab&Novelty=1")));
    assert_eq!(world.send(&Target::Sts, request).status(), 200, "{}", world.detail());
}

#[test]
fn actions() {
    let mut world = world();
    let shop = world.shop();
    for (body, code, message, reason) in [
        (
            "Action=Fly&Version=2011-06-15",
            "InvalidAction",
            "Could not find operation Fly for version 2011-06-15",
            "action_unknown",
        ),
        (
            "Action=AssumeRole",
            "InvalidAction",
            "Could not find operation AssumeRole for version NO_VERSION_SPECIFIED",
            "action_unknown",
        ),
        ("Version=2011-06-15", "MissingAction", "The request must contain the parameter Action", "action_missing"),
    ] {
        let request = form(&world, &shop, body);
        let response = world.send(&Target::Sts, request);
        assert_error(&world, &response, 400, code, message, reason);
    }
    let request = form(&world, &shop, "Action=AssumeRole&Action=GetCallerIdentity&Version=2011-06-15");
    let response = world.send(&Target::Sts, request);
    assert_eq!(
        (element(&response, "Code").as_str(), world.reason()),
        ("MalformedQueryString", Some("parameters_malformed"))
    );
}

#[test]
fn anybody_may_ask_who_they_are() {
    let mut world = world();
    for (credentials, arn, account) in [
        (world.shop(), SHOP, "000000000000"),
        (
            world.assume(&world.shop(), STAG),
            "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/session-1",
            "111111111111",
        ),
    ] {
        let request = form(&world, &credentials, "Action=GetCallerIdentity&Version=2011-06-15");
        let response = world.send(&Target::Sts, request);
        assert_eq!(response.status(), 200, "{}", world.detail());
        assert_eq!((element(&response, "Arn").as_str(), element(&response, "Account").as_str()), (arn, account));
        assert!(element(&response, "UserId").starts_with("AROA"));
    }
}

#[test]
fn a_get_with_query_parameters_and_a_presigned_one() {
    let mut world = world();
    let target = format!(
        "/?{}",
        assume_form(&format!("RoleArn={STAG}&RoleSessionName=ab")).replace("arn:aws:iam::", "arn%3Aaws%3Aiam%3A%3A")
    );
    let mut get = request("GET", &target, "");
    sign(&mut get, &world.shop(), "sts", world.now);
    assert_eq!(world.send(&Target::Sts, get).status(), 200, "{}", world.detail());

    let url = "http://127.0.0.1:4566/?Action=GetCallerIdentity&Version=2011-06-15";
    let parts = xacct_sign::Request {
        method: "GET",
        url: Url::parse(url).unwrap(),
        headers: &[],
        payload: Payload::Bytes(b""),
    };
    let signer = Signer::new(world.shop(), Scope::new(REGION, "sts").unwrap());
    let url = signer.presign(&parts, seconds(60), world.now).unwrap();
    let presigned = || Request::get(&url).header("host", "127.0.0.1:4566").body(Bytes::new()).unwrap();
    assert_eq!(element(&world.send(&Target::Sts, presigned()), "Arn"), SHOP, "{}", world.detail());
    world.now += seconds(61);
    let response = world.send(&Target::Sts, presigned());
    assert_eq!(
        (element(&response, "Code").as_str(), world.reason()),
        ("SignatureDoesNotMatch", Some("presigned_expired"))
    );
}

#[test]
fn signatures_and_clocks() {
    let mut world = world();
    let shop = world.shop();
    let call = AssumeRole::new(STAG, "session-1");

    let mut unsigned = world.assume_request(&shop, &call);
    unsigned.headers_mut().remove("authorization");
    let response = world.send(&Target::Sts, unsigned);
    let text = "Request is missing Authentication Token";
    assert_error(&world, &response, 403, "MissingAuthenticationToken", text, "signature_missing");

    let mut changed = world.assume_request(&shop, &call);
    let body = String::from_utf8(changed.body().to_vec()).unwrap().replace("session-1", "session-2");
    *changed.body_mut() = Bytes::from(body);
    let response = world.send(&Target::Sts, changed);
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    assert_error(&world, &response, 403, "SignatureDoesNotMatch", text, "signature_mismatch");

    let signed = world.assume_request(&shop, &call);
    let start = world.now;
    world.now = start + seconds(901);
    let response = world.send(&Target::Sts, signed.clone());
    let text = "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z (20231114T222821Z - 15 min.)";
    assert_error(&world, &response, 403, "SignatureDoesNotMatch", text, "skewed");
    world.now = start - seconds(901);
    let response = world.send(&Target::Sts, signed.clone());
    let text =
        "Signature not yet current: 20231114T221320Z is still later than 20231114T221319Z (20231114T215819Z + 15 min.)";
    assert_error(&world, &response, 403, "SignatureDoesNotMatch", text, "skewed");
    for now in [start + seconds(900), start - seconds(900)] {
        world.now = now;
        assert_eq!(world.send(&Target::Sts, signed.clone()).status(), 200);
    }
}

#[test]
fn the_scope_is_the_region_and_sts() {
    let mut world = world();
    for (region, service, message) in [
        ("us-east-1", "sts", "Credential should be scoped to a valid region."),
        (REGION, "execute-api", "Credential should be scoped to correct service: 'sts'."),
    ] {
        let mut request = request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "");
        Signer::new(world.shop(), Scope::new(region, service).unwrap()).sign(&mut request, world.now).unwrap();
        let response = world.send(&Target::Sts, request);
        assert_error(&world, &response, 403, "SignatureDoesNotMatch", message, "scope_mismatch");
    }
}

#[test]
fn credentials_that_are_not_valid() {
    let mut world = world();
    let invalid = "The security token included in the request is invalid.";
    let stranger = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let response = world.call(&stranger, &AssumeRole::new(STAG, "session-1"));
    assert_error(&world, &response, 403, "InvalidClientTokenId", invalid, "unknown_key");

    let shop = world.shop();
    let bare = Credentials::new(shop.access_key_id(), shop.secret_access_key(), None, None).unwrap();
    let response = world.call(&bare, &AssumeRole::new(STAG, "session-1"));
    assert_error(&world, &response, 403, "InvalidClientTokenId", invalid, "token_invalid");

    let expired = world.assume(&shop, STAG);
    world.now += seconds(3_600);
    let response = world.call(&expired, &AssumeRole::new(STAG, "session-1"));
    let text = "The security token included in the request is expired";
    assert_error(&world, &response, 403, "ExpiredToken", text, "expired");
    let error = world.try_assume(&expired, &AssumeRole::new(STAG, "session-1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StsExpired);
}

#[test]
fn session_policies_tags_source_identities_and_mfa() {
    let mut world = world();
    let shop = world.shop();
    let call = |change: &dyn Fn(&mut AssumeRole)| {
        let mut call = AssumeRole::new(STAG, "session-1");
        change(&mut call);
        call
    };

    let response = world.call(&shop, &call(&|call| call.policy = Some("{".to_owned())));
    let text = "The policy is not in the valid JSON format.";
    assert_error(&world, &response, 400, "MalformedPolicyDocument", text, "policy_malformed");

    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let response = world.call(&shop, &call(&|call| call.policy = Some(policy.to_owned())));
    assert_eq!(element(&response, "PackedPolicySize"), "4", "{}", world.detail());

    let response =
        world.call(&shop, &call(&|call| call.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]));
    assert_eq!(
        (element(&response, "Code").as_str(), world.reason()),
        ("ValidationError", Some("policy_arns_unsupported"))
    );

    // What a manifest renders to allows sts:AssumeRole and no more, on either side.
    let tagged = call(&|call| call.tags = vec![("team".to_owned(), "shop".to_owned())]);
    let response = world.call(&shop, &tagged);
    let text = format!("User: {SHOP} is not authorized to perform: sts:TagSession on resource: {STAG}");
    assert_error(&world, &response, 403, "AccessDenied", &text, "caller_not_allowed");
    let named = call(&|call| call.source_identity = Some("alice".to_owned()));
    let response = world.call(&shop, &named);
    let text = format!("User: {SHOP} is not authorized to perform: sts:SetSourceIdentity on resource: {STAG}");
    assert_error(&world, &response, 403, "AccessDenied", &text, "caller_not_allowed");

    let mfa = Mfa { serial_number: "arn:aws:iam::000000000000:mfa/alice".to_owned(), token_code: "123456".to_owned() };
    let response = world.call(&shop, &call(&|call| call.mfa = Some(mfa.clone())));
    assert_eq!((element(&response, "Code").as_str(), world.reason()), ("AccessDenied", Some("mfa_unsupported")));
}
