#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xacct_sign_fuzz::run("authorization", data));
