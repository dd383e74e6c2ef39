//! `xacct-sign schema`.

use crate::command::{demo, run};

#[test]
fn schema_is_json() {
    let (code, stdout, _) = run(demo(), "schema");
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
}
