//! A Terraform configuration in JSON syntax: its resources, and what of it may say more than stands there.
//!
//! Every block may be written as an object or as a list of them
//! ([JSON configuration syntax](https://developer.hashicorp.com/terraform/language/syntax/json)). What could change what is read is
//! named: modules, and resources that may do anything with what they are given. The many others are passed over.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::mention::{anywhere, refers};

/// What stands at the top of a configuration; `//` is a comment.
const BLOCKS: [&str; 14] = [
    "//",
    "resource",
    "data",
    "module",
    "output",
    "variable",
    "provider",
    "terraform",
    "locals",
    "moved",
    "import",
    "removed",
    "check",
    "ephemeral",
];

/// What the providers are called whose resources do what their types say, or nothing.
const PLAIN: [&str; 8] = ["aws_", "random_", "time_", "tls_", "archive_", "local_", "null_", "terraform_data"];

/// The resources of AWS's provider that may do anything.
const OPEN: [&str; 6] = [
    "aws_cloudformation_stack",
    "aws_cloudcontrolapi_resource",
    "aws_lambda_invocation",
    "aws_serverlessapplicationrepository_cloudformation_stack",
    "aws_servicecatalog_provisioned_product",
    "aws_ssm_",
];

/// What runs a program or a function though nothing is made of it, and where it stands: with what it is given it may do anything.
const RUN: [(&str, &str); 3] =
    [("data", "external"), ("data", "aws_lambda_invocation"), ("ephemeral", "aws_lambda_invocation")];

const RESOURCE: &str = "resource";

/// A resource of a configuration, or what [`RUN`] names.
#[derive(Clone, Copy)]
pub(super) struct Resource<'v> {
    block: &'static str,
    pub(super) kind: &'v str,
    pub(super) label: &'v str,
    pub(super) written: &'v Value,
}

impl Resource<'_> {
    pub(super) fn place(&self) -> String {
        format!("{} `{}.{}`", self.block, self.kind, self.label)
    }

    fn is_open(&self) -> bool {
        let is_plain = PLAIN.iter().any(|start| self.kind.starts_with(start));
        let is_run = self.block != RESOURCE;
        is_run
            || !is_plain
            || OPEN.iter().any(|start| self.kind.starts_with(start))
            || self.written.get("provisioner").is_some()
    }
}

pub(super) struct Configuration<'v> {
    resources: Vec<Resource<'v>>,
    modules: Vec<(&'v str, &'v Value)>,
    locals: Vec<(&'v str, &'v Value)>,
    unread: Vec<String>,
}

impl<'v> Configuration<'v> {
    pub(super) fn of(document: &'v Map<String, Value>) -> Option<Self> {
        // Other documents than a configuration have a text of that name.
        let has_modules = document.get("module").is_some_and(|modules| modules.is_object() || modules.is_array());
        (document.contains_key(RESOURCE) || has_modules).then_some(())?;
        let unknown = document.keys().filter(|key| !BLOCKS.contains(&key.as_str()));
        let mut unread: Vec<String> = unknown.map(|key| format!("`{key}` of the configuration")).collect();
        let mut blocks =
            |key: &str| document.get(key).map(|value| of_blocks(value, key, &mut unread)).unwrap_or_default();
        let (modules, locals) = (blocks("module"), blocks("locals"));
        let mut types: Vec<_> = blocks(RESOURCE).into_iter().map(|(kind, labels)| (RESOURCE, kind, labels)).collect();
        for block in ["data", "ephemeral"] {
            let of_block = blocks(block).into_iter().filter(|(kind, _)| RUN.contains(&(block, *kind)));
            types.extend(of_block.map(|(kind, labels)| (block, kind, labels)));
        }
        let mut resources = Vec::new();
        for (block, kind, labels) in types {
            for (label, bodies) in of_blocks(labels, kind, &mut unread) {
                let written = match bodies {
                    Value::Array(bodies) => bodies.iter().collect(),
                    one => vec![one],
                };
                if written.len() != 1 || written.iter().any(|one| !one.is_object()) {
                    unread.push(format!("{block} `{kind}.{label}`, which is not one object"));
                }
                resources.extend(written.into_iter().map(|written| Resource { block, kind, label, written }));
            }
        }
        Some(Self { resources, modules, locals, unread })
    }

    pub(super) fn of_type(&self, kind: &'static str) -> impl Iterator<Item = Resource<'v>> {
        self.resources.iter().filter(move |one| one.block == RESOURCE && one.kind == kind).copied()
    }

    /// What has a shape that is not known, and so may be anything.
    pub(super) fn unread(&self) -> Vec<String> {
        self.unread.clone()
    }

    /// The modules and resources that may make anything.
    pub(super) fn may_make(&self) -> Vec<String> {
        let modules = self.modules.iter().map(|(name, _)| module(name));
        modules.chain(self.resources.iter().filter(|one| one.is_open()).map(Resource::place)).collect()
    }

    /// The modules and resources that may do anything with what they are given, and are given this: by itself, or by a local value.
    pub(super) fn given(&self, is_this: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut locals: BTreeSet<&str> = BTreeSet::new();
        let is_given = |value: &Value, locals: &BTreeSet<&str>| {
            let is_so = |text: &str| is_this(text) || locals.iter().any(|name| refers(text, &format!("local.{name}")));
            anywhere(value, &|value| value.as_str().is_some_and(is_so))
        };
        // One may be made of another: each round finds one at least.
        loop {
            let known = &self.locals;
            let more = known.iter().find(|(name, value)| !locals.contains(name) && is_given(value, &locals));
            match more {
                Some((name, _)) => locals.insert(name),
                None => break,
            };
        }
        let modules =
            self.modules.iter().filter(|(_, written)| is_given(written, &locals)).map(|(name, _)| module(name));
        let resources = self.resources.iter().filter(|one| one.is_open() && is_given(one.written, &locals));
        modules.chain(resources.map(Resource::place)).collect()
    }
}

pub(super) fn module(name: &str) -> String {
    format!("module `{name}`")
}

/// The members of a block, which may be several; what is no block is noted.
fn of_blocks<'v>(value: &'v Value, what: &str, unread: &mut Vec<String>) -> Vec<(&'v str, &'v Value)> {
    let blocks = match value {
        Value::Array(blocks) => blocks.iter().collect(),
        one => vec![one],
    };
    if blocks.iter().any(|block| !block.is_object()) {
        unread.push(format!("`{what}`, which is no object"));
    }
    let members = blocks.into_iter().filter_map(Value::as_object).flatten();
    members.filter(|(key, _)| *key != "//").map(|(key, value)| (key.as_str(), value)).collect()
}
