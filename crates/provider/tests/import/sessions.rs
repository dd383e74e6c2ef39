//! A `*` for a session's name: it asks for nothing where sessions have one, and lets nobody in elsewhere.

use serde_json::{Value, json};
use xacct_sign_provider::{Imported, Manifest};

use crate::{OTHER, SHOP, of, on_another_api, role};

/// A role of another API, beside a good one, that is let in by these.
fn asking(statements: &[Value]) -> Imported {
    let mut odd = on_another_api(role("ApiProd", OTHER, &["*"]));
    let all = odd["AssumeRolePolicyDocument"]["Statement"].as_array_mut().unwrap();
    let principal = all[0]["Principal"].clone();
    *all = statements.to_vec();
    for statement in all {
        statement["Effect"] = json!("Allow");
        statement["Principal"] = principal.clone();
    }
    of(&[role("ApiStag", SHOP, &["*"]), odd]).unwrap_or_else(|error| panic!("{error}: {statements:?}"))
}

/// Those besides what is said of two plain roles.
fn notes_of(imported: &Imported) -> Vec<&String> {
    imported.notes.iter().filter(|note| note.contains("`ApiProd`")).collect()
}

/// As `check` says of it: with it or without it a role is the same.
#[test]
fn every_sessions_name_is_no_term() {
    let every = json!({"StringLike": {"sts:RoleSessionName": ["*", "x-*"]}});
    let plain = asking(&[json!({"Action": "sts:AssumeRole"})]);
    assert_eq!(asking(&[json!({"Action": "sts:AssumeRole", "Condition": every})]), plain);
    // Beside another action, of which it stays what the manifest does not say.
    for (action, left) in [
        (json!(["sts:AssumeRole", "sts:TagSession"]), "sts:TagSession"),
        (json!(["STS:assumerole", "sts:SetSourceIdentity"]), "sts:SetSourceIdentity"),
        (json!("sts:*"), "sts:*"),
    ] {
        let imported = asking(&[json!({"Action": action, "Condition": every})]);
        assert_eq!(imported.manifest, plain.manifest, "{action}");
        let said = format!(
            "the manifest does not say of role `ApiProd`: `{OTHER}` may {left} if sts:RoleSessionName StringLike `*`"
        );
        assert_eq!(notes_of(&imported), [&said], "{action}");
    }
    // Beside a name that is asked for, that one counts.
    let with_name = json!({"StringLike": {"sts:RoleSessionName": "*"}, "StringEquals": {"sts:RoleSessionName": "job"}});
    let by_name = json!({"StringEquals": {"sts:RoleSessionName": "job"}});
    let by_name = asking(&[json!({"Action": "sts:AssumeRole", "Condition": by_name})]);
    assert_eq!(asking(&[json!({"Action": "sts:AssumeRole", "Condition": with_name})]), by_name);
    assert!(by_name.manifest.contains("session_names = [\"job\"]"), "{}", by_name.manifest);
}

/// Whoever tags a session has no name for it there: such tags are none that a manifest could allow.
#[test]
fn a_name_beside_tags_gives_no_tags() {
    let keys = |more: Value| {
        let mut condition = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}});
        condition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asking(&[json!({"Action": "sts:AssumeRole"}), json!({"Action": "sts:TagSession", "Condition": condition})])
    };
    let tagged = keys(json!({}));
    assert!(tagged.manifest.contains("tags = [\"team\"]"), "{}", tagged.manifest);
    let imported = keys(json!({"StringLike": {"sts:RoleSessionName": "*"}}));
    assert_eq!(imported.manifest, tagged.manifest.replace("tags = [\"team\"]\n", ""));
    assert!(matches!(notes_of(&imported).as_slice(), [one] if one.contains("sts:TagSession")), "{:?}", imported.notes);
}

/// Two conditions on one key, and one that lets nobody in: the manifest would say what the role has not. The others are taken.
#[test]
fn a_role_of_which_a_manifest_would_say_too_much_hinders_no_other() {
    let alone = of(&[role("ApiStag", SHOP, &["*"])]).unwrap();
    for (condition, why) in [
        (
            json!({"StringEquals": {"sts:RoleSessionName": "job"}, "StringLike": {"sts:RoleSessionName": "j*"}}),
            "condition `StringLike` on `sts:RoleSessionName`, beside another on it",
        ),
        (json!({"Null": {"aws:TagKeys": "false"}}), "a manifest would say of it what it has not: "),
    ] {
        let imported = asking(&[json!({"Action": "sts:AssumeRole", "Condition": condition})]);
        assert_eq!(imported.manifest, alone.manifest, "{condition}");
        let is_left_out = |note: &&String| note.starts_with("role `ApiProd` is left out: ") && note.contains(why);
        assert!(notes_of(&imported).iter().all(is_left_out) && !notes_of(&imported).is_empty(), "{:?}", imported.notes);
        assert_eq!(Manifest::parse(&imported.manifest, "xacct.toml").unwrap().stages.len(), 1);
    }
}
