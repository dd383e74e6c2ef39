//! What must not be said: a token, a proof, what is in them.

use serde_json::json;
use xacct_sign_identity::{Need, Step, make_proof};

use crate::world::{AUDIENCE, bearer, credentials, good, good_token, now, published, table, token_of, verifier};

#[test]
fn no_text_shows_a_token_or_a_proof() {
    let verifier = verifier(&table()["world"]);
    let token = good_token(now());
    let proof = make_proof(&credentials(), "us-east-1", AUDIENCE, now()).unwrap();
    let session = credentials().session_token().unwrap().to_owned();
    let mut texts = vec![format!("{verifier:?}")];

    let mut check = bearer(&verifier, &token);
    texts.push(format!("{check:?}"));
    let _ = check.step(now());
    check.keys(Some(&published(crate::world::SHOP)), now());
    texts.push(format!("{check:?}"));
    let _ = check.step(now());
    check.signature(false, now());
    let Step::Refused(refusal) = check.step(now()) else { panic!("refused") };
    texts.push(format!("{refusal} {refusal:?} {:?}", refusal.hint()));

    let mut check = bearer(&verifier, &proof);
    let step = check.step(now());
    texts.push(format!("{check:?} {step:?}"));
    let Step::Need(Need::Sts(request)) = step else { panic!("sts") };
    texts.push(format!("{request:?}"));
    check.sts(Some((403, crate::world::error_xml("SignatureDoesNotMatch").as_bytes())), now());
    texts.push(format!("{:?}", check.step(now())));

    // Neither does a refusal of what is wrong in it.
    for change in [json!({ "aud": "https://other.example" }), json!({ "sub": "x" }), json!({ "iss": "x" })] {
        let (header, mut claims) = good(now());
        crate::world::merge(&mut claims, &change);
        let wrong = token_of(&header.to_string(), &claims.to_string(), "ES384", "shop_ec");
        let Step::Refused(refusal) = bearer(&verifier, &wrong).step(now()) else { panic!("refused") };
        texts.push(format!("{refusal} {refusal:?}"));
        assert!(!texts.concat().contains(wrong.rsplit('.').next().unwrap()));
    }
    let said = texts.join("\n");
    for secret in token.split('.').chain([proof.as_str(), &session]) {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}
