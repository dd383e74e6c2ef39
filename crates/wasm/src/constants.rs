//! The numbers and words that JavaScript and the module have in common: `xtask-bindgen` writes them for TypeScript.
//!
//! The build tool takes in this file as it is, and not the crate: with an `rlib` beside the `cdylib` nothing would be
//! optimized across crates.

/// Numbers with names, and a table of them.
macro_rules! numbers {
    ($(#[$about:meta])* $table:ident { $($(#[$doc:meta])* $name:ident = $value:literal,)* }) => {
        $($(#[$doc])* pub const $name: u8 = $value;)*
        $(#[$about])*
        pub const $table: &[(&str, u8)] = &[$((stringify!($name), $name)),*];
    };
}

numbers! {
    /// What `WasmAssumeRole.set` sets.
    OPTIONS {
        /// The API's region.
        REGION = 0,
        /// How long the credentials live.
        DURATION_SECONDS = 1,
        /// What the role's trust policy asks for.
        EXTERNAL_ID = 2,
        /// A session policy.
        POLICY = 3,
        /// One managed session policy.
        POLICY_ARN = 4,
        /// The key of one tag.
        TAG_KEY = 5,
        /// The value of the tag whose key came last.
        TAG_VALUE = 6,
        /// The key of one tag that stays through further roles.
        TRANSITIVE_TAG_KEY = 7,
        /// The source identity.
        SOURCE_IDENTITY = 8,
        /// Another STS endpoint.
        STS_ENDPOINT = 9,
    }
}

numbers! {
    /// What `WasmRefresh.poll` answers.
    POLLS {
        /// Use what there is.
        USE = 0,
        /// Use what there is, and fetch anew meanwhile.
        USE_AND_REFRESH = 1,
        /// Fetch first.
        REFRESH = 2,
        /// Someone is fetching: wait for that.
        WAIT = 3,
        /// The last fetch failed a moment ago: its error stands.
        FAILED = 4,
    }
}

numbers! {
    /// What `WasmSigner.withSettings` takes, added up.
    SETTINGS {
        /// The path is percent-encoded once in all.
        SINGLE_ENCODING = 1,
        /// The path stays as it is.
        NO_NORMALIZATION = 2,
        /// `x-amz-content-sha256` is always added.
        PAYLOAD_HEADER = 4,
        /// The session token is not signed.
        TOKEN_AFTER_SIGNING = 8,
        /// Every header is signed.
        ALL_HEADERS = 16,
    }
}
