//! A change of a role's ARN is said, from the lock file, and `role_name` keeps an old one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use xacct_sign_provider::{Finding, FindingCode, Format, Lock, Manifest};

const BEFORE: &str = r#"
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
api_id = "f6g7h8i9j0"
[stages.prod]
api_id = "k1l2m3n4o5"
[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleStag", prod = "LambdaRoleProd" }
[callers.partner]
account = "222222222222"
roles = { stag = "Batch" }
routes = ["PUT /hoge"]
[callers.wide]
organization = "o-a1b2c3d4e5"
stages = ["prod"]
"#;
const NOTHING: [&str; 0] = [];

/// Each change: caller, stage, and both names.
fn changes(after: &str) -> Vec<String> {
    let lock = Manifest::parse(BEFORE, "f").unwrap().plan(&Lock::default()).lock().to_toml();
    let manifest = Manifest::parse(after, "f").unwrap();
    let plan = manifest.plan(&Lock::parse(&lock, "f").unwrap());
    // What is said once is recorded.
    assert_eq!(manifest.plan(plan.lock()).role_changes(), []);
    let changes = plan.role_changes();
    let is_change = |finding: &&Finding| finding.code == FindingCode::RoleArnChanged;
    assert_eq!(plan.findings().iter().filter(is_change).count(), changes.len());
    for stage in manifest.stages.values() {
        // `render` writes the lock file for all stages: it has to say all of it.
        assert_eq!(plan.findings_on(stage).iter().filter(is_change).count(), changes.len());
    }
    let name = |arn: &str| arn.strip_prefix("arn:aws:iam::111111111111:role/").unwrap().to_owned();
    changes.iter().map(|c| format!("{} {}: {} {}", c.caller, c.stage, name(&c.from), name(&c.to))).collect()
}

#[test]
fn r4_every_change_of_a_roles_arn_is_said() {
    assert_eq!(changes(BEFORE), NOTHING);
    let with_routes = BEFORE.replace("[callers.partner]", "routes = [\"GET /\"]\n[callers.partner]");
    let expected = [
        "shop prod: ApiAllowByIamRoleProd ApiAllowByIamRoleProdShop",
        "shop stag: ApiAllowByIamRoleStag ApiAllowByIamRoleStagShop",
    ];
    let mut got = changes(&with_routes);
    got.sort();
    assert_eq!(got, expected);
    let without = BEFORE.replace("routes = [\"PUT /hoge\"]\n", "");
    assert_eq!(changes(&without), ["partner stag: ApiAllowByIamRoleStagPartner ApiAllowByIamRoleStag"]);
    let renamed = BEFORE.replace("callers.partner", "callers.vendor");
    assert_eq!(changes(&renamed), ["vendor stag: ApiAllowByIamRoleStagPartner ApiAllowByIamRoleStagVendor"]);
    let stage =
        BEFORE.replace("stages.prod", "stages.live").replace("prod = ", "live = ").replace("\"prod\"", "\"live\"");
    let expected = [
        "shop live: ApiAllowByIamRoleProd ApiAllowByIamRoleLive",
        "wide live: ApiAllowByIamRoleProd ApiAllowByIamRoleLive",
    ];
    assert_eq!(changes(&stage), expected);
    let prefix = BEFORE.replace("[stages.stag]", "role_name = \"apis/Allow\"\n[stages.stag]");
    assert_eq!(changes(&prefix).len(), 4);
    // Another principal under the same name has to be told too.
    let replaced = prefix.replace("\"Batch\"", "\"Other\"");
    assert!(
        changes(&replaced).contains(&"partner stag: ApiAllowByIamRoleStagPartner apis/AllowStagPartner".to_owned())
    );
    // Callers of every route are in no name, and who is new has been told nothing.
    assert_eq!(changes(&BEFORE.replace("callers.shop", "callers.store")), NOTHING);
    let new = "[callers.new]\naccount = \"333333333333\"\nroles = { stag = \"R\" }\nroutes = [\"GET /\"]\n";
    assert_eq!(changes(&format!("{BEFORE}{new}")), NOTHING);
}

#[test]
fn r4_role_name_keeps_an_old_name() {
    let caller = BEFORE.replace("[callers.partner]", "[callers.vendor]\nrole_name = \"Partner\"");
    assert_eq!(changes(&caller), NOTHING);
    let stage =
        BEFORE.replace("[stages.stag]", "[stages.staging]\nrole_name = \"Stag\"").replace("stag = ", "staging = ");
    assert_eq!(changes(&stage), NOTHING);
    // Nor does its resource go away, whose new self could not have the name as long as the old one has it.
    let template = |text: &str| {
        let manifest = Manifest::parse(text, "f").unwrap();
        let plan = manifest.plan(&Lock::default());
        plan.render(manifest.stages.get("stag").unwrap(), Format::CloudFormation).unwrap()
    };
    assert_eq!(template(&caller), template(BEFORE));
    // The names collide as all others do.
    let taken = BEFORE.replace("[stages.prod]", "[stages.prod]\nrole_name = \"STAG\"");
    assert_eq!(Manifest::parse(&taken, "f").unwrap_err().code(), "role_name_collision");
    let wrong = BEFORE.replace("[stages.prod]", "[stages.prod]\nrole_name = \"a-2\"");
    assert_eq!(Manifest::parse(&wrong, "f").unwrap_err().code(), "invalid_role_name");
}

/// Both stages are one function: what tells what was told of them is the stage's name.
#[test]
fn two_ways_into_one_function_are_told_apart() {
    const BOTH: &str = "[api]\naccount = \"111111111111\"\nregion = \"ap-northeast-1\"\n[stages.a]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\n[stages.b]\ntarget = \"function_url\"\nfunction = \"f\"\nurl_id = \"u\"\naccess = \"direct\"\n[callers.shop]\naccount = \"000000000000\"\nroles = { a = \"Shop\", b = \"Shop\" }\n";
    let lock = Manifest::parse(BOTH, "f").unwrap().plan(&Lock::default()).lock().clone();
    let changes = |text: &str| {
        let manifest = Manifest::parse(text, "f").unwrap();
        let plan = manifest.plan(&lock);
        plan.role_changes().iter().map(|c| format!("{}: {} {}", c.stage, c.from, c.to)).collect::<Vec<_>>()
    };
    assert_eq!(changes(BOTH), NOTHING);
    // One that is renamed is told by its principal, though another stage of the function has the same.
    let renamed = BOTH.replace("[stages.a]", "[stages.c]").replace("{ a =", "{ c =");
    let role = "arn:aws:iam::111111111111:role/ApiAllowByIamRole";
    assert_eq!(changes(&renamed), [format!("c: {role}A {role}C")]);
    let swapped = BOTH
        .replace("access = \"direct\"\n", "")
        .replace("url_id = \"u\"\n[stages.b]", "url_id = \"u\"\naccess = \"direct\"\n[stages.b]");
    assert_eq!(changes(&swapped), [format!("a: {role}A direct"), format!("b: direct {role}B")]);
}
