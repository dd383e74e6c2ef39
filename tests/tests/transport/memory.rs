//! What stays in memory of a secret that is no longer used.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use crate::world::sends;

/// Long, so that an allocator's bookkeeping in freed memory leaves the end of it.
const SECRET: &str = "SECRETMARKER/0123456789/abcdefghijklmnopqrstuvwxyz/0123456789/ABCDEFGH";

fn answer(secret: &str) -> String {
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAMARKER</AccessKeyId>\
         <SecretAccessKey>{secret}</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>a</Arn>\
         <AssumedRoleId>i</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
    );
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// How often the end of the secret stands in the writable memory of a process.
fn copies(process: u32) -> usize {
    let needle = &SECRET.as_bytes()[SECRET.len() - 24..];
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut found = 0;
    for region in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = region.split_once(' ').unwrap().0.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Some of the system's own cannot be read.
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            found += bytes.windows(needle.len()).filter(|window| *window == needle).count();
        }
    }
    found
}

fn copies_after_a_call(secret: &str) -> usize {
    let sts = sends(answer(secret));
    let mut child = Command::new(env!("CARGO_BIN_EXE_call"))
        .args([&sts.url(), "arn:aws:iam::111111111111:role/Role", "stay"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ASIAMARKER"), "{line}");
    let found = copies(child.id());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    found
}

/// The answer and what is decoded of it are overwritten, and so are the credentials. What ureq read the answer into is its own.
#[test]
fn t3_no_copy_of_the_secret_stays_but_ureqs() {
    // Written with references it is nowhere but where it was decoded.
    for (secret, most) in
        [(SECRET.to_owned(), 1), (SECRET.replacen('S', "<![CDATA[S]]>", 1), 1), (SECRET.replace('0', "&#48;"), 0)]
    {
        let found = copies_after_a_call(&secret);
        assert!(found <= most, "{found} copies of {secret}");
    }
}
