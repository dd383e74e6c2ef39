//! What holds for all roles, and where callers reach a stage: `path`, `permissions_boundary`, `tags`, `url`.

use xacct_sign_provider::{Format, Lock, Manifest, RoleFact, read_roles};

use crate::with_api;

const REST: &str =
    "[stages.stag]\napi_id = \"f6g7h8i9j0\"\n[callers.shop]\naccount = \"000000000000\"\nroles = { stag = \"Shop\" }\n";
const SETTINGS: &str = "path = \"/apis/shop/\"\npermissions_boundary = \"arn:aws:iam::111111111111:policy/limits/Api\"\ntags = { team = \"shop\", \"cost center\" = \"4:2=1\", empty = \"\" }";

fn parsed(api: &str) -> Manifest {
    let text = with_api(api) + REST;
    Manifest::parse(&text, "xacct.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn render(manifest: &Manifest, format: Format) -> String {
    manifest.plan(&Lock::default()).render(&manifest.stages["stag"], format).unwrap()
}

const FORMATS: [Format; 3] = [Format::CloudFormation, Format::Terraform, Format::Json];

#[test]
fn every_form_has_path_boundary_and_tags_and_diff_names_each() {
    let (with, without) = (parsed(SETTINGS), parsed(""));
    assert_eq!(with.api.role_name.to_string(), "apis/shop/ApiAllowByIamRole");
    let plan = with.plan(&Lock::default());
    let stage = &with.stages["stag"];
    for format in FORMATS {
        let same = plan.diff(stage, None, &read_roles(&render(&with, format)).unwrap()).unwrap();
        assert!(same.iter().all(|role| role.is_same()), "{format:?}: {same:?}");
        let diff = plan.diff(stage, None, &read_roles(&render(&without, format)).unwrap()).unwrap();
        let [role] = diff.as_slice() else { panic!("{diff:?}") };
        let meant: Vec<String> = role.only_meant.iter().map(ToString::to_string).collect();
        let expected = [
            "path `/apis/shop/`",
            "permissions boundary `arn:aws:iam::111111111111:policy/limits/Api`",
            "tag `cost center` with the value `4:2=1`",
            "tag `empty` with the value ``",
            "tag `team` with the value `shop`",
        ];
        assert_eq!(meant, expected, "{format:?}");
        assert_eq!(role.only_deployed, [RoleFact::Path("/".to_owned())], "{format:?}");
    }
    // Without them, nothing of them is written.
    for format in FORMATS {
        let text = render(&without, format).to_ascii_lowercase();
        assert!(!text.contains("boundary") && !text.contains("tags"), "{text}");
    }
}

#[test]
fn templates_put_out_each_roles_arn() {
    let text = with_api("")
        + &REST.replace("[callers.shop]", "[callers.some]\naccount = \"222222222222\"\nroles = { stag = \"Some\" }\nroutes = [\"GET /\"]\n[callers.shop]");
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let template: serde_json::Value = serde_json::from_str(&render(&manifest, Format::CloudFormation)).unwrap();
    let outputs = template["Outputs"].as_object().unwrap();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["CallerRoleSomeArn", "SharedRoleArn"]);
    for (name, output) in outputs {
        let reference = output["Value"]["Fn::GetAtt"].as_array().unwrap();
        let id = reference[0].as_str().unwrap();
        assert_eq!((format!("{id}Arn").as_str(), reference[1].as_str().unwrap()), (name.as_str(), "Arn"));
        assert_eq!(template["Resources"][id]["Type"], "AWS::IAM::Role");
    }
    let configuration: serde_json::Value = serde_json::from_str(&render(&manifest, Format::Terraform)).unwrap();
    let outputs = configuration["output"].as_object().unwrap();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["caller_stag_some_arn", "shared_stag_arn"]);
    for (name, output) in outputs {
        let label = name.strip_suffix("_arn").unwrap();
        assert_eq!(output["value"], format!("${{aws_iam_role.{label}.arn}}"));
        assert!(configuration["resource"]["aws_iam_role"][label].is_object(), "{label}");
    }
}

#[test]
fn a_template_of_more_roles_than_outputs_has_none() {
    let caller =
        |i: usize| format!("[callers.c{i}]\naccount = \"{i:012}\"\nroles = {{ stag = \"R\" }}\nroutes = [\"GET /\"]\n");
    let with = |callers: usize| {
        let text = with_api("[stages.stag]\napi_id = \"f6g7h8i9j0\"") + &(0..callers).map(caller).collect::<String>();
        render(&Manifest::parse(&text, "f").unwrap(), Format::CloudFormation).contains("\"Outputs\"")
    };
    assert!(with(200) && !with(201));
}

#[test]
fn every_language_of_the_note_calls_the_url() {
    let url = "https://api.example.com/shop/v1";
    let text = with_api("") + &REST.replace("[callers", &format!("url = \"{url}/\"\n[callers"));
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    assert_eq!(manifest.stages["stag"].url.as_deref(), Some(url));
    let note = manifest.plan(&Lock::default()).note(&manifest.callers["shop"]);
    for part in [
        format!("- URL: `{url}`\n"),
        format!("base_url=\"{url}\""),
        format!("api(\"{url}/\")"),
        format!("\n    {url}/ <<EOF"),
    ] {
        assert!(note.contains(&part), "{part}\n{note}");
    }
    assert!(!note.contains("amazonaws.com"), "{note}");
    // Where no role says the region, a custom domain does not either.
    let direct = "target = \"rest_api\"\napi_stage = \"v1\"\naccess = \"direct\"\nurl = \"https://api.example.com\"\n";
    let text = with_api("") + &REST.replace("[callers", &format!("{direct}[callers"));
    let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
    let note = manifest.plan(&Lock::default()).note(&manifest.callers["shop"]);
    let python = "xacct_sign.Session(credentials=xacct_sign.DefaultCredentials(), region=\"ap-northeast-1\", base_url=\"https://api.example.com\")";
    assert!(note.contains(python), "{note}");
}

#[test]
fn what_iam_does_not_take_is_refused() {
    let many: Vec<String> = (0..51).map(|i| format!("t{i} = \"x\"")).collect();
    for (api, code) in [
        ("path = \"apis\"".to_owned(), "invalid_path"),
        ("path = \"/apis\"".to_owned(), "invalid_path"),
        ("path = \"//\"".to_owned(), "invalid_path"),
        ("path = \"/a b/\"".to_owned(), "invalid_path"),
        (format!("path = \"/{}/\"", "a".repeat(511)), "invalid_path"),
        ("path = \"/apis/\"\nrole_name = \"other/Allow\"".to_owned(), "invalid_path"),
        ("path = \"/\"\nrole_name = \"other/Allow\"".to_owned(), "invalid_path"),
        ("permissions_boundary = \"Limits\"".to_owned(), "invalid_permissions_boundary"),
        ("permissions_boundary = \"arn:aws:iam::111111111111:role/X\"".to_owned(), "invalid_permissions_boundary"),
        ("permissions_boundary = \"arn:aws:iam::111111111111:policy/\"".to_owned(), "invalid_permissions_boundary"),
        ("permissions_boundary = \"arn:aws:iam::222222222222:policy/X\"".to_owned(), "invalid_permissions_boundary"),
        ("permissions_boundary = \"arn:aws-cn:iam::111111111111:policy/X\"".to_owned(), "invalid_permissions_boundary"),
        ("tags = { \"aws:team\" = \"x\" }".to_owned(), "invalid_role_tag"),
        ("tags = { \"\" = \"x\" }".to_owned(), "invalid_role_tag"),
        ("tags = { \"a,b\" = \"x\" }".to_owned(), "invalid_role_tag"),
        ("tags = { team = \"x\", Team = \"y\" }".to_owned(), "invalid_role_tag"),
        (format!("tags = {{ team = \"{}\" }}", "x".repeat(257)), "invalid_role_tag"),
        (format!("tags = {{ {} }}", many.join(", ")), "invalid_role_tag"),
        ("tags = [\"team\"]".to_owned(), "schema"),
    ] {
        let error = Manifest::parse(&(with_api(&api) + REST), "xacct.toml").err().unwrap_or_else(|| panic!("{api}"));
        assert_eq!(error.code(), code, "{api}: {error}");
    }
    parsed(&format!("path = \"/{}/\"", "a".repeat(64)));
    parsed("path = \"/\"");
    parsed("permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"");
    parsed("tags = { \"Kosten-Stelle é\" = \"ä\" }");
}

#[test]
fn what_is_no_url_of_an_api_is_refused() {
    for url in [
        "http://api.example.com",
        "api.example.com",
        "https://",
        "https:///v1",
        "https://user@api.example.com",
        "https://user:secret@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com/v1?",
        "https://api.example.com/#top",
        "https://api.example.com//v1",
        "https://api.example.com/a/../b",
        "https://API.example.com",
        "https://api.example.com/a b",
        "https://api.example.com/`id`",
    ] {
        let text = with_api("") + &REST.replace("[callers", &format!("url = {url:?}\n[callers"));
        let error = Manifest::parse(&text, "xacct.toml").err().unwrap_or_else(|| panic!("{url}"));
        assert_eq!(error.code(), "invalid_url", "{url}: {error}");
    }
    let function = "target = \"function_url\"\nfunction = \"orders\"\nurl_id = \"u1\"\nurl = \"https://x.example.com\"";
    let text = with_api("") + &REST.replace("api_id = \"f6g7h8i9j0\"", function);
    assert_eq!(Manifest::parse(&text, "f").unwrap_err().code(), "key_of_other_target");
    for url in ["https://api.example.com:8443/v1", "https://api.example.com/", "https://api.example.com/a%20b"] {
        let text = with_api("") + &REST.replace("[callers", &format!("url = {url:?}\n[callers"));
        assert!(Manifest::parse(&text, "f").is_ok(), "{url}");
    }
}

/// Nobody may change the roles of permission sets, and a pattern is no role.
#[test]
fn a_note_says_what_the_policy_can_be_attached_to() {
    let note = |account: &str, role: &str| {
        let text = with_api("")
            + &format!(
                "[stages.stag]\napi_id = \"f6g7h8i9j0\"\n[callers.ops]\naccount = \"{account}\"\nroles = {{ stag = \"{role}\" }}\ntrust = \"account\"\n"
            );
        let manifest = Manifest::parse(&text, "xacct.toml").unwrap();
        manifest.plan(&Lock::default()).note(&manifest.callers["ops"])
    };
    let arn = "arn:aws:iam::000000000000:role/";
    for (role, said) in [
        (
            "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_*",
            "Put this policy into the permission set of `{}`, as its inline policy in IAM Identity Center:",
        ),
        ("Ops", "Attach this policy to the role `{}`:"),
        ("Ops*", "Attach this policy to each role that fits `{}`:"),
    ] {
        let (note, said) = (note("000000000000", role), said.replace("{}", &format!("{arn}{role}")));
        assert!(note.contains(&said), "{said}\n{note}");
    }
    let of_every_account = note("*", "Ops*");
    assert!(of_every_account.contains("Attach this policy to each role of your account that fits `Ops*`:"));
}
