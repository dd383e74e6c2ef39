//! What a large body takes of memory: `stream read URL` reads an answer piece by piece, `stream send URL FILE` sends a file. Says the
//! bytes, and by how many kilobytes the most memory that was in use grew (`VmHWM`): below nothing at times, since the kernel counts the
//! memory of each thread in batches, and its most is what was seen when it was asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test's program"
)]

use std::env;
use std::fs::{self, File};
use std::io::Read as _;

use xacct_sign::{Credentials, Scope};
use xacct_sign_client::{Body, Request, Session};

fn most_memory() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None).unwrap();
    let session = Session::new(credentials, Scope::new("ap-northeast-1", "execute-api").unwrap());
    let url = &arguments[2];
    // What the first call needs is there before it is measured.
    session.send(Request::new("GET", format!("{url}small"))).unwrap();
    let before = most_memory();
    let mut count = 0;
    if arguments[1] == "read" {
        let mut answer = session.send_streamed(Request::new("GET", format!("{url}large"))).unwrap();
        let mut piece = vec![0; 1 << 16];
        loop {
            match answer.read(&mut piece).unwrap() {
                0 => break,
                read => count += read,
            }
        }
    } else {
        let mut request = Request::new("PUT", format!("{url}large"));
        request.body = Body::file(File::open(&arguments[3]).unwrap()).unwrap();
        let answer = session.send(request).unwrap();
        count = String::from_utf8(answer.body).unwrap().parse().unwrap();
    }
    println!("{count} {}", most_memory() - before);
}
