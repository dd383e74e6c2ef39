//! The lock file over any history of a manifest: callers come and go, and nobody who stays is moved.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use xacct_sign_provider::{Lock, Manifest};

/// A caller's form, and how long its external id is.
#[derive(Debug, Clone)]
struct Caller {
    by_account: bool,
    external_id: Option<usize>,
    tags: bool,
}

/// What happens to the manifest: a caller of this number comes, or goes if it is there.
#[derive(Debug, Clone)]
struct Step {
    number: usize,
    caller: Caller,
}

fn step() -> impl Strategy<Value = Step> {
    let external_id =
        prop_oneof![3 => Just(None), 2 => (2_usize..80).prop_map(Some), 1 => (500_usize..1224).prop_map(Some)];
    (0_usize..60, any::<bool>(), external_id, any::<bool>()).prop_map(|(number, by_account, external_id, tags)| Step {
        number,
        caller: Caller { by_account, external_id, tags },
    })
}

fn manifest(callers: &BTreeMap<usize, Caller>) -> Manifest {
    let mut text =
        "[api]\naccount = \"111111111111\"\nregion = \"eu-west-1\"\n[stages.stag]\napi_id = \"a\"\n".to_owned();
    for (number, caller) in callers {
        text +=
            &format!("[callers.c{number}]\naccount = \"{:012}\"\nroles = {{ stag = \"LambdaRole\" }}\n", 7 + number);
        if caller.by_account {
            text += "trust = \"account\"\n";
        }
        if let Some(length) = caller.external_id {
            text += &format!("external_id = \"{}\"\n", "x".repeat(length));
        }
        if caller.tags {
            text += "tags = [\"team\"]\n";
        }
    }
    Manifest::parse(&text, "xacct.toml").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_moved(steps in proptest::collection::vec(step(), 1..120)) {
        let mut callers = BTreeMap::new();
        let mut lock = Lock::default();
        for Step { number, caller } in steps {
            if callers.remove(&number).is_none() {
                callers.insert(number, caller);
            }
            let manifest = manifest(&callers);
            let plan = manifest.plan(&lock);
            prop_assert_eq!(plan.moved(), []);
            for other in callers.keys().filter(|other| **other != number) {
                let name = format!("c{other}");
                prop_assert_eq!(plan.lock().number("stag", &name), lock.number("stag", &name));
            }
            let mut served = 0;
            for role in plan.provider_roles() {
                let size = role.trust_policy.to_json().len();
                prop_assert!(size <= 2_048, "{} has {} characters", role.name, size);
                served += role.callers.len();
            }
            prop_assert_eq!(served, callers.len());
            // What was written is read, and means the same again.
            let written = Lock::parse(&plan.lock().to_toml(), "xacct.lock.toml").unwrap();
            prop_assert_eq!(&written, plan.lock());
            prop_assert_eq!(manifest.plan(&written).provider_roles(), plan.provider_roles());
            lock = written;
        }
    }
}
