//! What is said of what makes no sense, or is refused.

use super::{Kept, is_kept};
use crate::server::Server;
use crate::world::{ROLE, World};

#[test]
fn every_error_is_a_line_a_hint_and_an_exit_code() {
    let world = World::new("snapshots-errors");
    let refusing = Server::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 23\r\n\r\n{\"message\":\"Not Found\"}");
    let other = "arn:aws:iam::111111111111:role/Other";
    let api = refusing.url.as_str();
    let cases: Vec<Vec<&str>> = vec![
        vec![],
        vec!["no-such-command"],
        vec!["call"],
        vec!["call", "--no-such-option", api],
        vec!["call", "foo"],
        vec!["call", "http://api.example.com/"],
        vec!["call", "--role", "", api],
        vec!["call", "--role", "ApiAllowByIamRoleStag", api],
        vec!["call", "--role", "x", api],
        vec!["call", "--role", ROLE, "--session-name", "", api],
        vec!["call", "--role", ROLE, "--session-name", "a b", api],
        vec!["call", "--role", ROLE, "--external-id", "", api],
        vec!["call", "--role", other, api],
        vec!["call", "--external-id", "ab", api],
        vec!["call", "--region", "us_east_1", api],
        vec!["call", "--tag", "team", "--role", ROLE, api],
        vec!["call", "--duration", "1d", "--role", ROLE, api],
        vec!["call", "--duration", "1m", "--role", ROLE, api],
        vec!["call", "--profile", "", api],
        vec!["call", "--role", " arn:aws:iam::111111111111:role/Other", api],
        vec!["call", "-k", api],
        vec!["call", "--json", "{}", "-d", "a", api],
        vec!["call", "-d", "@missing", api],
        vec!["call", "-H", "no colon", api],
        vec!["call", "-F", "a", api],
        vec!["call", "-F", "a=b", "-d", "c", api],
        vec!["call", "-I", "-d", "a", api],
        vec!["call", "-o", "missing/file", api],
        vec!["call", "--max-time", "soon", api],
        vec!["call", api],
        vec!["call", "--fail", api],
        vec!["call", "http://127.0.0.1:1/"],
        vec!["call", "--region", "eu-west-1", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/"],
        vec!["call", "--profile", "nobody", api],
        vec!["whoami"],
        vec!["whoami", "--profile", "nobody"],
        vec!["credentials"],
        vec!["credentials", "--role", other],
        vec!["env"],
        vec!["env", "--role", ROLE, "--shell", "tcsh"],
        vec!["env", "--role", ROLE, "--", "no-such-program"],
        vec!["sign", "--json", "--curl", api],
        vec!["sign", "--json", "{}", api],
        vec!["sign", "-v", "-o", "file", "--url", api],
        vec!["explain", "missing"],
        vec!["presign", "--expires-in", "8d", api],
        vec!["presign", "--expires-in", "192h", api],
        vec!["completions", "tcsh"],
        vec!["check"],
        vec!["emulator"],
    ];
    let mut kept = Kept::new(&world);
    for arguments in cases {
        kept.run(&arguments);
    }
    is_kept("errors", &kept.text);
}
