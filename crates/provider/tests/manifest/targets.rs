//! Every way in which a stage's target is refused.

use xacct_sign_provider::Manifest;

use crate::{Refused, with_api};

/// A stage `x` whose table begins in line 4, the lines given in line 6.
fn stage(target: &str, lines: &str) -> String {
    with_api(&format!("[stages.x]\ntarget = \"{target}\"\n{lines}"))
}

fn function_url(line: &str) -> String {
    stage("function_url", &format!("function = \"f\"\nurl_id = \"u\"\n{line}"))
}

/// A caller of a function URL that is called directly; the lines given are from line 12.
fn directly(lines: &str) -> String {
    let caller = "[callers.shop]\naccount = \"000000000000\"\nroles = { x = \"Batch\" }";
    function_url(&format!("access = \"direct\"\n{caller}\n{lines}"))
}

pub(super) fn refused() -> Vec<Refused> {
    vec![
        (
            with_api("[stages.x]\ntarget = \"rest-api\""),
            "invalid_target",
            5,
            "`rest-api` is no `target`: did you mean `rest_api`?",
        ),
        (
            stage("rest_api", "api_id = \"r\"\naccess = \"open\"\napi_stage = \"v\""),
            "invalid_target",
            7,
            "`open` is no `access`: write `role` or `direct`",
        ),
        (
            stage("function_url", "function = \"f\"\nurl_id = \"u\"\nroutes_enforced_by = \"nobody\""),
            "invalid_target",
            8,
            "`nobody` is no `routes_enforced_by`: write `function`",
        ),
        (
            stage("rest_api", "api_id = \"r\""),
            "target_incomplete",
            4,
            "`[stages.x]` lacks the key `api_stage`, which a `rest_api` needs",
        ),
        (
            stage("function_url", "function = \"f\""),
            "target_incomplete",
            4,
            "`[stages.x]` lacks the key `url_id`, which a `function_url` needs",
        ),
        (stage("function_url", "url_id = \"u\""), "target_incomplete", 4, "lacks the key `function`"),
        (
            with_api("[stages.x]\napi_id = \"a\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]"),
            "key_of_other_target",
            6,
            "`vpc_endpoints` of `[stages.x]` belongs to the target `rest_api`, and this one is `http_api`",
        ),
        (
            stage("function_url", "function = \"f\"\nurl_id = \"u\"\napi_id = \"a\""),
            "key_of_other_target",
            8,
            "`api_id` of `[stages.x]` belongs to the target `http_api` or `rest_api`, and this one is `function_url`",
        ),
        (stage("http_api", "api_id = \"a\"\naccess = \"direct\""), "direct_impossible", 7, "an HTTP API"),
        (
            stage("function_url", "function = \"arn:aws:lambda:eu-west-1:1:function:f\"\nurl_id = \"u\""),
            "invalid_function",
            6,
            "`arn:aws:lambda:",
        ),
        (function_url("alias = \"7\""), "invalid_alias", 8, "`7` is the number of a version"),
        (function_url("alias = \"$LATEST\""), "invalid_alias", 8, "`$LATEST`"),
        (
            function_url("").replace("url_id = \"u\"", "url_id = \"https://abc.lambda-url.eu-west-1.on.aws/\""),
            "invalid_url_id",
            7,
            "did you mean `abc`?",
        ),
        (function_url("").replace("url_id = \"u\"", "url_id = \"a.b\""), "invalid_url_id", 7, "`a.b` is not the id"),
        (stage("rest_api", "api_id = \"a\"\napi_stage = \"$default\""), "invalid_api_stage", 7, "`$default`"),
        (
            stage("rest_api", "api_id = \"a\"\napi_stage = \"v\"\nvpc_endpoints = [\"vpc-01234567\"]"),
            "invalid_vpc_endpoint",
            8,
            "`vpc-01234567`",
        ),
        (
            stage("rest_api", "api_id = \"a\"\napi_stage = \"v\"\nvpc_endpoints = []"),
            "invalid_vpc_endpoint",
            8,
            "the list is empty",
        ),
        (
            function_url("[stages.y]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"v\""),
            "contradictory_api",
            8,
            "stage `y` is of function `f` and its URL `v`, and stage `x` in line 4 of function `f` and its URL `u`",
        ),
        (
            function_url("[stages.y]\ntarget = \"function_url\"\nfunction = \"g\"\nurl_id = \"u\""),
            "contradictory_api",
            8,
            "stage `y` is of function `g` and its URL `u`, and stage `x` in line 4 of function `f` and its URL `u`",
        ),
        (
            function_url("[stages.prod]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\""),
            "duplicate_api",
            8,
            "stage `prod` is function `f` and its URL `u`, as is stage `x` in line 4, and `prod` is production, `x` is not",
        ),
        (
            function_url(
                "access = \"direct\"\n[stages.y]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\naccess = \"direct\"\npermissions = \"document\"",
            ),
            "contradictory_api",
            9,
            "stage `y` is function `f` and its URL `u`, as is stage `x` in line 4, and one has `permissions = \"document\"`, the other `\"separate\"`",
        ),
        (
            function_url(
                "access = \"direct\"\n[stages.y]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\n[callers.a]\naccount = \"000000000000\"\nroles = { x = \"Batch\" }\n[callers.b]\naccount = \"000000000000\"\nroles = { y = \"Batch\" }",
            ),
            "duplicate_caller",
            18,
            "caller `b` is the same principal on stage `y` as caller `a` on stage `x` of the same API",
        ),
        (
            stage(
                "rest_api",
                "api_id = \"a\"\napi_stage = \"v\"\naccess = \"direct\"\n[stages.y]\ntarget = \"rest_api\"\napi_id = \"a\"\napi_stage = \"v\"\naccess = \"direct\"",
            ),
            "duplicate_api",
            9,
            "stage `y` is API `a`, stage `v`, as is stage `x` in line 4",
        ),
        (
            stage("rest_api", "api_id = \"a\"\napi_stage = \"v\"\n[stages.y]\napi_id = \"a\""),
            "contradictory_api",
            8,
            "API `a` of stage `y` is a `http_api`, and a `rest_api` by stage `x` in line 4",
        ),
        (
            stage(
                "rest_api",
                "api_id = \"a\"\napi_stage = \"v\"\nvpc_endpoints = [\"vpce-01234567\"]\n[stages.y]\ntarget = \"rest_api\"\napi_id = \"a\"\napi_stage = \"w\"",
            ),
            "contradictory_api",
            9,
            "API `a` of stage `y` is not private, and private (`vpc_endpoints`) by stage `x` in line 4",
        ),
        (function_url("permissions = \"document\""), "key_of_other_target", 8, "belongs to `access = \"direct\"`"),
        (
            function_url("access = \"direct\"\nrole_name = \"Old\""),
            "key_of_other_target",
            9,
            "`role_name` of `[stages.x]` belongs to `access = \"role\"`",
        ),
        (function_url("access = \"direct\"\npermissions = \"all\""), "invalid_target", 9, "`all` is no `permissions`"),
        (
            directly("external_id = \"b3c7\""),
            "term_not_expressible",
            12,
            "`external_id`, and on stage `x` it assumes no role",
        ),
        (directly("session_names = [\"a-*\"]"), "term_not_expressible", 12, "`session_names`"),
        (directly("tags = [\"team\"]"), "term_not_expressible", 12, "`tags`"),
        (directly("source_identity = [\"*\"]"), "term_not_expressible", 12, "`source_identity`"),
        (
            directly("trust = \"account\""),
            "term_not_expressible",
            12,
            "`aws:PrincipalArn`, for which stage `x` needs `permissions = \"document\"`",
        ),
        (
            function_url("[callers.shop]\naccount = \"000000000000\"\nroles = { x = \"Batch\" }\nroutes = [\"GET /\"]"),
            "routes_not_enforced",
            11,
            "on stage `x`",
        ),
    ]
}

#[test]
fn stages_that_are_one_api_are_two_ways_into_it() {
    let rest = "target = \"rest_api\"\napi_id = \"a\"\napi_stage = \"v\"";
    let url = "target = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"";
    for (one, other) in [
        (rest.to_owned(), format!("{rest}\naccess = \"direct\"")),
        (url.to_owned(), format!("{url}\naccess = \"direct\"\npermissions = \"document\"")),
        (url.to_owned(), url.to_owned()),
    ] {
        let text = with_api(&format!("[stages.x]\n{one}\n[stages.y]\n{other}"));
        assert_eq!(Manifest::parse(&text, "f").map(|manifest| manifest.stages.len()), Ok(2), "{text}");
    }
}

#[test]
fn a_value_of_another_type_is_one_mistake() {
    for (table, key) in [
        (with_api("[stages.x]\ntarget = 1"), "target"),
        (stage("rest_api", "api_id = \"a\"\napi_stage = \"v\"\naccess = 1"), "access"),
        (stage("rest_api", "api_id = \"a\"\napi_stage = 1"), "api_stage"),
        (function_url("alias = 1"), "alias"),
        (function_url("access = \"direct\"\npermissions = 1"), "permissions"),
        (function_url("routes_enforced_by = true"), "routes_enforced_by"),
    ] {
        let error = Manifest::parse(&table, "f").unwrap_err();
        assert_eq!((error.code(), error.others().len()), ("schema", 0), "{error}");
        assert!(error.message().starts_with(&format!("`{key}` of `[stages.x]` is ")), "{error}");
    }
}
