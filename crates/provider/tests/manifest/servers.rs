//! Stages that are servers: what is taken, and every way in which one is refused.

use xacct_sign::sts::TokenAlgorithm;
use xacct_sign_provider::{Access, Manifest, StageTarget};

use crate::{Refused, with_api};

const ISSUER: &str = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";

/// The table `[identity]` in line 4, its lines from line 5 on.
fn identity(lines: &str) -> String {
    with_api(&format!("[identity]\n{lines}"))
}

/// A server `x` in lines 4 to 6, and a caller whose table begins in line 7, the lines given from line 8 on.
fn caller(lines: &str) -> String {
    with_api(&format!("[stages.x]\ntarget = \"server\"\naudience = \"https://x.example\"\n[callers.shop]\n{lines}"))
}

/// The same of one role, the lines given from line 10 on.
fn role(lines: &str) -> String {
    caller(&format!("account = \"000000000000\"\nroles = {{ x = \"Shop\" }}\n{lines}"))
}

pub(super) fn refused() -> Vec<Refused> {
    let server = |lines: &str| with_api(&format!("[stages.x]\ntarget = \"server\"\n{lines}"));
    let key = |line: &str, of: &str| {
        let message = format!("belongs to the target {of}, and this one is `server`");
        (server(&format!("audience = \"a\"\n{line}")), "key_of_other_target", 7, &*message.leak())
    };
    let term = |line: &str| (role(line), "term_not_expressible", 10, "and on stage `x` it assumes no role");
    let issuer = |issuer: &str, part| (role(&format!("issuer = \"{issuer}\"")), "invalid_issuer", 10, part);
    let none_of_aws = "is none of AWS's";
    let long = "a".repeat(1001);
    vec![
        (server(""), "target_incomplete", 4, "`[stages.x]` is a server, and neither it nor `[identity]` has an"),
        (server("audience = 1"), "schema", 6, "`audience`"),
        (server("audience = \"\""), "invalid_audience", 6, "the audience is empty"),
        (server("audience = \"a b\""), "invalid_audience", 6, "visible ASCII"),
        (server("audience = \"ä\""), "invalid_audience", 6, "visible ASCII"),
        (server("audience = \"${aws:userid}\""), "invalid_audience", 6, "without `\"`, `\\` and `$`"),
        (server(&format!("audience = \"{long}\"")), "invalid_audience", 6, "more than 1000"),
        (server("audience = \"a\"\nurl = \"http://x.example\""), "invalid_url", 7, "`http://x.example`"),
        key("access = \"role\"", "`http_api` or `rest_api` or `function_url`"),
        key("role_name = \"X\"", "`http_api` or `rest_api` or `function_url`"),
        key("api_id = \"a\"", "`http_api` or `rest_api`"),
        key("function = \"f\"", "`function_url`"),
        (
            with_api("[stages.x]\napi_id = \"a\"\naudience = \"a\""),
            "key_of_other_target",
            6,
            "`audience` of `[stages.x]` belongs to the target `server`, and this one is `http_api`",
        ),
        (with_api("[stages.x]\ntarget = \"serve\""), "invalid_target", 5, "did you mean `server`?"),
        (identity("algoritm = \"ES384\""), "schema", 5, "did you mean `algorithm`?"),
        (identity("algorithm = \"HS256\""), "invalid_algorithm", 5, "`HS256` is not an algorithm of tokens"),
        (identity("algorithm = \"none\""), "invalid_algorithm", 5, "`none`"),
        (identity("max_duration_seconds = 59"), "invalid_duration", 5, "`59` is not a token's longest life"),
        (identity("max_duration_seconds = 3601"), "invalid_duration", 5, "between 60 and 3600 seconds"),
        (identity("regions = [\"here\"]"), "invalid_region", 5, "`here` is not a region"),
        (identity("regions = [\"cn-north-1\"]"), "invalid_region", 5, "is not in the API's partition, `aws`"),
        (identity("regions = \"eu-west-1\""), "schema", 5, "`regions`"),
        (identity("audience = \"\""), "invalid_audience", 5, "the audience is empty"),
        (identity("dev_issuers = [\"https://a.example\"]"), "invalid_issuer", 5, "is not an issuer on this machine"),
        (identity("dev_issuers = [\"http://127.0.0.1.example:1\"]"), "invalid_issuer", 5, "on this machine"),
        (identity("dev_issuers = [\"http://localhost:080\"]"), "invalid_issuer", 5, "on this machine"),
        (identity("dev_issuers = [\"http://localhost/../x\"]"), "invalid_issuer", 5, "on this machine"),
        issuer("http://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws", "is over plain http"),
        issuer("https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws/", none_of_aws),
        issuer("https://A103A2CC-0000-4000-8000-000000000000.tokens.sts.global.api.aws", none_of_aws),
        issuer("https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws.example", none_of_aws),
        issuer("https://x@a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws", none_of_aws),
        issuer("https://a103a2cc.tokens.sts.global.api.aws", none_of_aws),
        issuer("https://login.example.com", none_of_aws),
        issuer("a103a2cc-0000-4000-8000-000000000000", none_of_aws),
        issuer("http://127.0.0.1:4100/issuers/000000000000", "is on this machine, and not among `dev_issuers`"),
        (
            role(&format!(
                "issuer = \"{ISSUER}\"\n[callers.other]\naccount = \"000000000000\"\nroles = {{ x = \"Other\" }}\nissuer = \"{}\"",
                ISSUER.replace("a1", "b2")
            )),
            "invalid_issuer",
            14,
            "caller `other` has another issuer than caller `shop` of the same account",
        ),
        (
            caller("organization = \"o-a1b2c3d4e5\"\nstages = [\"x\"]"),
            "identity_impossible",
            7,
            "caller `shop` is an organization, and stage `x` is a server",
        ),
        (
            caller("account = \"*\"\nroles = { x = \"Shop\" }\ntrust = \"account\""),
            "identity_impossible",
            7,
            "caller `shop` is every account",
        ),
        term("external_id = \"b3c7\""),
        term("session_names = [\"shop-*\"]"),
        term("tags = [\"team\"]"),
        term("source_identity = [\"*\"]"),
    ]
}

/// No `access` makes a role of a server's caller.
#[test]
fn a_term_on_a_server_has_a_hint_of_its_own() {
    let hint_of = |text: &str| Manifest::parse(text, "xacct.toml").unwrap_err().hint();
    let hint = hint_of(&role("external_id = \"b3c7\""));
    assert!(hint.contains("who calls a server") && !hint.contains("`access`"), "{hint}");
    let directly = "[stages.x]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\naccess = \"direct\"\n\
        [callers.shop]\naccount = \"000000000000\"\nroles = { x = \"Shop\" }\nexternal_id = \"b3c7\"";
    assert!(hint_of(&with_api(directly)).contains("`access`"));
}

/// A wrong audience is one mistake, also where servers would take it; and the password of its user is shown to nobody.
#[test]
fn a_wrong_audience_is_said_once_and_no_password_with_it() {
    for audience in ["https://u:secretpw@x.example", "https://u@x.example/a", " https://x.example", "https://ä.example"]
    {
        let server = "[stages.x]\ntarget = \"server\"\n[stages.y]\ntarget = \"server\"\naudience = \"y\"";
        let of_identity = identity(&format!("audience = \"{audience}\"\n{server}"));
        let own = with_api(&format!("[stages.x]\ntarget = \"server\"\naudience = \"{audience}\""));
        for (text, line) in [(of_identity, 5), (own, 6)] {
            let error = Manifest::parse(&text, "f").unwrap_err();
            assert_eq!((error.code(), error.line(), error.others().len()), ("invalid_audience", line, 0), "{error}");
            assert!(!error.to_string().contains("secretpw"), "{error}");
        }
    }
    for right in ["https://x.example/@a", "shop@x.example", "https://x.example/?a=b@c"] {
        assert!(Manifest::parse(&identity(&format!("audience = \"{right}\"")), "f").is_ok(), "{right}");
    }
}

#[test]
fn an_issuer_is_of_one_account_alone() {
    let text = with_api(&format!(
        "[stages.x]\napi_id = \"a\"\n[callers.shop]\naccount = \"*\"\nroles = {{ x = \"Shop\" }}\ntrust = \"account\"\nissuer = \"{ISSUER}\""
    ));
    let error = Manifest::parse(&text, "f").unwrap_err();
    assert_eq!(
        (error.code(), error.line(), error.message()),
        ("invalid_issuer", 10, "caller `shop` is of several accounts, each of which has an issuer of its own")
    );
}

#[test]
fn a_server_takes_what_stands_in_identity_and_what_it_says_itself() {
    let text = with_api(&format!(
        "[identity]\naudience = \"https://all.example\"\n[stages.x]\ntarget = \"server\"\n[stages.y]\ntarget = \"server\"\naudience = \"https://y.example\"\nurl = \"https://y.example/base/\"\n[callers.shop]\naccount = \"000000000000\"\nroles = {{ x = \"Shop*\", y = [\"paths/Shop\", \"Other\"] }}\ntrust = \"account\"\nissuer = \"{ISSUER}\"\n[callers.wide]\naccount = \"222222222222\"\nroles = {{ y = \"*\" }}\ntrust = \"account\""
    ));
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let audience = |stage: &str| match &manifest.stages[stage].target {
        StageTarget::Server { audience } => audience.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!([audience("x"), audience("y")], ["https://all.example", "https://y.example"]);
    assert_eq!(manifest.stages["x"].access, Access::Identity);
    assert_eq!(manifest.stages["y"].url.as_deref(), Some("https://y.example/base"));
    let identity = &manifest.identity;
    assert_eq!((identity.algorithm, identity.max_duration_seconds), (TokenAlgorithm::Es384, 3600));
    assert_eq!((identity.regions.as_slice(), identity.line), (["ap-northeast-1".to_owned()].as_slice(), Some(4)));
    assert_eq!(manifest.callers["shop"].issuer.as_deref(), Some(ISSUER));
    assert_eq!((manifest.target(&manifest.stages["x"]), manifest.stage_arn(&manifest.stages["x"])), (None, None));
}

#[test]
fn all_of_identity_can_be_said() {
    let dev = "http://127.0.0.1:4100/issuers/000000000000";
    let text = role(&format!(
        "issuer = \"{dev}\"\n[identity]\nalgorithm = \"RS256\"\nmax_duration_seconds = 60\nregions = [\"us-east-1\", \"eu-west-1\", \"us-east-1\"]\ndev_issuers = [\"{dev}\"]"
    ));
    let identity = Manifest::parse(&text, "xacct.toml").unwrap().identity;
    assert_eq!((identity.algorithm, identity.max_duration_seconds), (TokenAlgorithm::Rs256, 60));
    assert_eq!(
        (identity.regions, identity.dev_issuers),
        (vec!["us-east-1".to_owned(), "eu-west-1".to_owned()], vec![dev.to_owned()])
    );
    let none = Manifest::parse(&role("[identity]\nregions = []"), "xacct.toml").unwrap().identity;
    assert!(none.regions.is_empty());
    let untouched = Manifest::parse(&with_api(""), "xacct.toml").unwrap().identity;
    assert_eq!((untouched.audience, untouched.line), (None, None));
}

/// What issuers of other partitions end in is documented nowhere.
#[test]
fn an_issuer_of_another_partition_is_a_host_over_https() {
    let china = |issuer: &str| {
        let text = role(&format!("issuer = \"{issuer}\"")).replace("ap-northeast-1", "cn-north-1");
        Manifest::parse(&text, "f").map_err(|error| error.code())
    };
    assert!(china("https://a103a2cc.tokens.sts.cn.example").is_ok());
    for wrong in ["https://a.example/", "https://a.example:443", "https://10.0.0.1", "https://a", "https://-a.example"]
    {
        assert_eq!(china(wrong).unwrap_err(), "invalid_issuer", "{wrong}");
    }
}
