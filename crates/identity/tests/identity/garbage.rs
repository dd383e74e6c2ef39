//! Whatever comes from outside: it is refused, and nothing panics.

use proptest::prelude::*;
use xacct_sign_identity::{Callers, Development, make_proof};

use crate::world::{
    AUDIENCE, bearer, credentials, drive, encode, good, good_token, identity_xml, now, sign, table, usual, verifier,
};

/// A text in which a few bytes are others, some are gone and some stand twice: closer to what is right than garbage.
fn nearly(right: String) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..3_u8, any::<u8>());
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = right.clone().into_bytes();
        for (at, what, byte) in changes {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    })
}

fn event() -> String {
    table()["event"][0]["event"].as_str().unwrap().to_owned()
}

proptest! {
    #[test]
    fn an_authorization_header(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let verifier = verifier(&table()["world"]);
        let with_scheme = [b"Bearer ".as_slice(), &bytes].concat();
        for header in [&bytes, &with_scheme] {
            prop_assert!(usual(verifier.check(&[header], &["GET"], &["/"]), now()).is.is_err());
        }
    }

    /// Signed with the right key, so that nothing but the claims themselves can be wrong: who is let in is shop.
    #[test]
    fn claims(bytes in nearly(good(now()).1.to_string())) {
        let (header, _) = good(now());
        let message = format!("{}.{}", encode(header.to_string()), encode(bytes));
        let token = format!("{message}.{}", encode(sign("ES384", "shop_ec", message.as_bytes())));
        if let Ok(name) = usual(bearer(&verifier(&table()["world"]), &token), now()).is {
            prop_assert_eq!(name, "shop");
        }
    }

    #[test]
    fn a_set_of_keys(bytes in nearly(String::from_utf8(crate::world::key_set(&["shop_rsa", "shop_ec"])).unwrap())) {
        let check = bearer(&verifier(&table()["world"]), &good_token(now()));
        if let Ok(name) = drive(check, now(), &|_| Some(bytes.clone()), &|_| None).is {
            prop_assert_eq!(name, "shop");
        }
    }

    #[test]
    fn an_answer_of_sts(
        bytes in nearly(identity_xml("arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders", "000000000000")),
        status in prop_oneof![Just(200), Just(403), any::<u16>()],
    ) {
        let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
        let check = bearer(&verifier(&table()["world"]), &proof);
        if let Ok(name) = drive(check, now(), &|_| None, &|_| Some((status, bytes.clone()))).is {
            prop_assert_eq!((name, status), ("shop".to_owned(), 200));
        }
    }

    #[test]
    fn an_event(bytes in nearly(event())) {
        let fronts = table()["fronts"].clone();
        for front in ["function_url", "http_api", "rest_api"] {
            let outcome = usual(verifier(&fronts[front]).check_event(&bytes), now());
            prop_assert!(front == "function_url" || outcome.is.is_err());
        }
    }

    #[test]
    fn a_list_of_callers(bytes in nearly(table()["world"].to_string())) {
        for development in [Development::No, Development::Yes] {
            if let Err(error) = Callers::parse(&bytes, development) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
