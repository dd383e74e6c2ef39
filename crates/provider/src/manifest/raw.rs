//! The manifest as it stands in the file, with the places of its values. What is wrong with its shape is noted; the rest is read.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::source::{Scalar, Source};
use super::table::{Key, OneOrMany, Table, TableReader, Texts};

pub(super) struct Manifest {
    pub(super) api: Option<(Key, Api)>,
    pub(super) identity: Option<(Key, Identity)>,
    pub(super) stages: Table<Stage>,
    pub(super) callers: Table<Caller>,
}

pub(super) struct Api {
    pub(super) account: Option<Scalar>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) role_name: Option<Spanned<String>>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) permissions_boundary: Option<Spanned<String>>,
    pub(super) tags: Option<Table<Spanned<String>>>,
    pub(super) max_session_duration: Option<Spanned<i64>>,
    pub(super) role_trust_policy_length: Option<Spanned<i64>>,
    pub(super) accept: Table<Spanned<String>>,
}

/// How callers of a server show who they are.
pub(super) struct Identity {
    pub(super) audience: Option<Spanned<String>>,
    pub(super) algorithm: Option<Spanned<String>>,
    pub(super) max_duration_seconds: Option<Spanned<i64>>,
    pub(super) regions: Option<Texts>,
    pub(super) dev_issuers: Option<Texts>,
}

pub(super) struct Stage {
    /// Its keys, also those whose value is of another type than it should be, and where they stand.
    pub(super) places: BTreeMap<&'static str, Range<usize>>,
    pub(super) target: Option<Spanned<String>>,
    pub(super) access: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) permissions: Option<Spanned<String>>,
    pub(super) vpc_endpoints: Option<Texts>,
    pub(super) function: Option<Spanned<String>>,
    pub(super) alias: Option<Spanned<String>>,
    pub(super) url_id: Option<Spanned<String>>,
    pub(super) routes_enforced_by: Option<Spanned<String>>,
    pub(super) audience: Option<Spanned<String>>,
    pub(super) api_id: Option<Spanned<String>>,
    pub(super) api_stage: Option<Spanned<String>>,
    pub(super) production: Option<bool>,
    pub(super) role_name: Option<Spanned<String>>,
    pub(super) accept: Table<Spanned<String>>,
}

pub(super) struct Caller {
    pub(super) account: Option<Scalar>,
    pub(super) roles: Option<Table<OneOrMany>>,
    pub(super) trust: Option<Spanned<String>>,
    pub(super) organization: Option<Spanned<String>>,
    pub(super) stages: Option<Texts>,
    /// Whether neither `roles` nor `stages` has anything in it.
    pub(super) is_on_no_stage: bool,
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) session_names: Option<Texts>,
    pub(super) tags: Option<Texts>,
    pub(super) source_identity: Option<Texts>,
    pub(super) third_party: bool,
    pub(super) routes: Option<Texts>,
    pub(super) role_name: Option<Spanned<String>>,
    pub(super) accept: Table<Spanned<String>>,
}

impl Manifest {
    pub(super) fn read(source: &Source<'_>, table: &DeTable<'_>) -> Self {
        let top = TableReader::of_file(source, table, &["api", "identity", "stages", "callers"]);
        let manifest = Self {
            api: top.table("api").map(|(key, table)| (key.clone(), Api::read(&table.with_keys(API)))),
            identity: top
                .table("identity")
                .map(|(key, table)| (key.clone(), Identity::read(&table.with_keys(IDENTITY)))),
            stages: top.tables("stages", |table| Stage::read(&table.with_keys(STAGE))),
            callers: top.tables("callers", |table| Caller::read(&table.with_keys(CALLER))),
        };
        if !top.has("api") {
            top.lacks("has no table `[api]`");
        }
        manifest
    }
}

const API: &[&str] = &[
    "account",
    "region",
    "role_name",
    "path",
    "permissions_boundary",
    "tags",
    "max_session_duration",
    "role_trust_policy_length",
    "accept",
];

impl Api {
    fn read(table: &TableReader<'_>) -> Self {
        table.require(&["account", "region"]);
        Self {
            account: table.scalar("account"),
            region: table.text("region"),
            role_name: table.text("role_name"),
            path: table.text("path"),
            permissions_boundary: table.text("permissions_boundary"),
            tags: table.table_of_texts("tags"),
            max_session_duration: table.integer("max_session_duration"),
            role_trust_policy_length: table.integer("role_trust_policy_length"),
            accept: table.table_of_texts("accept").unwrap_or_default(),
        }
    }
}

const IDENTITY: &[&str] = &["audience", "algorithm", "max_duration_seconds", "regions", "dev_issuers"];

impl Identity {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            audience: table.text("audience"),
            algorithm: table.text("algorithm"),
            max_duration_seconds: table.integer("max_duration_seconds"),
            regions: table.texts("regions"),
            dev_issuers: table.texts("dev_issuers"),
        }
    }
}

const STAGE: &[&str] = &[
    "target",
    "access",
    "url",
    "api_id",
    "api_stage",
    "vpc_endpoints",
    "function",
    "alias",
    "url_id",
    "routes_enforced_by",
    "audience",
    "permissions",
    "production",
    "role_name",
    "accept",
];

impl Stage {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            places: table.places(STAGE),
            target: table.text("target"),
            access: table.text("access"),
            url: table.text("url"),
            permissions: table.text("permissions"),
            vpc_endpoints: table.texts("vpc_endpoints"),
            function: table.text("function"),
            alias: table.text("alias"),
            url_id: table.text("url_id"),
            routes_enforced_by: table.text("routes_enforced_by"),
            audience: table.text("audience"),
            api_id: table.text("api_id"),
            api_stage: table.text("api_stage"),
            production: table.boolean("production"),
            role_name: table.text("role_name"),
            accept: table.table_of_texts("accept").unwrap_or_default(),
        }
    }
}

const CALLER: &[&str] = &[
    "account",
    "roles",
    "trust",
    "organization",
    "stages",
    "issuer",
    "external_id",
    "session_names",
    "tags",
    "source_identity",
    "third_party",
    "routes",
    "role_name",
    "accept",
];

impl Caller {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            account: table.scalar("account"),
            roles: table.table_of_one_or_many("roles"),
            trust: table.text("trust"),
            organization: table.text("organization"),
            stages: table.texts("stages"),
            is_on_no_stage: table.is_empty("roles") && table.is_empty("stages"),
            issuer: table.text("issuer"),
            external_id: table.text("external_id"),
            session_names: table.texts("session_names"),
            tags: table.texts("tags"),
            source_identity: table.texts("source_identity"),
            third_party: table.boolean("third_party").unwrap_or_default(),
            routes: table.texts("routes"),
            role_name: table.text("role_name"),
            accept: table.table_of_texts("accept").unwrap_or_default(),
        }
    }
}
