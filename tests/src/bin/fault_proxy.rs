//! The proxies of `faults.toml` for the faces in other languages. It says where it listens, and ends with its standard input. There
//! it is asked by POST, with JSON:
//!
//! - `/open` `{"row", "sts", "api"}` or `{"storm", "sts", "api"}`: proxies in front of these addresses, for a row's name or a seed;
//!   gives `{"id", "sts", "api"}`.
//! - `/came` `{"id"}`: what came to them, `{"sts": [...], "api": [...]}`.
//! - `/calm` `{"id"}`: from now on nothing fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a helper of tests may panic: that fails the test"
)]

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};
use xacct_sign_tests::faults::proxy::{header, read_head};
use xacct_sign_tests::faults::{Pair, Table};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    row: Option<String>,
    storm: Option<u64>,
    sts: String,
    api: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    id: usize,
}

struct Desk {
    table: Table,
    pairs: Mutex<Vec<Arc<Pair>>>,
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    let desk = Arc::new(Desk { table: Table::read(), pairs: Mutex::default() });
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.serve(&stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).expect("an end");
}

impl Desk {
    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader).expect("a head");
        let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let target = head.split(' ').nth(1).unwrap_or_default();
        let answer = self.answer(target, &body).to_string();
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())
            .expect("somebody who listens");
    }

    fn answer(&self, target: &str, body: &[u8]) -> Value {
        if target == "/open" {
            let open: Open = serde_json::from_slice(body).expect("what to open");
            let pair = match (&open.row, open.storm) {
                (Some(row), None) => Pair::of(self.table.row(row).expect("a row"), &open.sts, &open.api),
                (None, Some(seed)) => Pair::of_storm(&self.table.storm, seed, &open.sts, &open.api),
                _ => return json!({ "error": "either a row or a storm" }),
            };
            let mut pairs = self.pairs.lock().unwrap();
            let told = json!({ "id": pairs.len(), "sts": pair.sts.url, "api": pair.api.url });
            pairs.push(Arc::new(pair));
            return told;
        }
        let of: Of = serde_json::from_slice(body).expect("which one");
        let pair = Arc::clone(self.pairs.lock().unwrap().get(of.id).expect("one that is open"));
        if target == "/calm" {
            pair.calm();
        }
        json!({ "sts": pair.sts.came(), "api": pair.api.came() })
    }
}
