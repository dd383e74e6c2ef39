//! What is known about a request, by condition key.

use std::collections::BTreeMap;

/// The condition keys that the evaluator knows; one that ends in `/*` stands for every tag key.
///
/// Every other key is unsupported: whether it is absent from a request or only unknown here cannot
/// be told, and negated operators would match either way. Meanings:
/// [global keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html),
/// [Lambda's keys](https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html#awslambda-policy-keys),
/// [STS keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html).
pub const KNOWN_KEYS: &[&str] = &[
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalTag/*",
    "aws:PrincipalType",
    "aws:RequestTag/*",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceIdentity",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:userid",
    "aws:username",
    "lambda:FunctionUrlAuthType",
    "lambda:InvokedViaFunctionUrl",
    "sts:DurationSeconds",
    "sts:ExternalId",
    "sts:IdentityTokenAudience",
    "sts:RoleSessionName",
    "sts:SigningAlgorithm",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
];

/// Known keys that hold a list: they are compared through `ForAnyValue:` and `ForAllValues:` only.
const MULTIVALUED_KEYS: [&str; 3] = ["aws:TagKeys", "sts:IdentityTokenAudience", "sts:TransitiveTagKeys"];

pub(super) fn is_known(key: &str) -> bool {
    is_multivalued(key)
        || KNOWN_KEYS.iter().any(|known| match known.strip_suffix('*') {
            None => known.eq_ignore_ascii_case(key),
            Some(prefix) => key
                .split_at_checked(prefix.len())
                .is_some_and(|(start, tag)| start.eq_ignore_ascii_case(prefix) && !tag.is_empty()),
        })
}

pub(super) fn is_multivalued(key: &str) -> bool {
    MULTIVALUED_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// What a key of a condition or of a tag is compared by: case does not count, in letters beyond ASCII either
/// ([Tagging IAM resources](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html), "Case sensitivity"). The Kelvin sign is
/// no `k`, as everywhere here.
#[must_use]
pub fn folded_key(key: &str) -> String {
    let mut folded = String::with_capacity(key.len());
    for c in key.chars() {
        if c.is_ascii() || !c.to_lowercase().any(|lower| lower.is_ascii()) {
            folded.extend(c.to_lowercase());
        } else {
            folded.push(c);
        }
    }
    folded
}

/// The values of a request's condition keys. Keys are compared without regard to case.
///
/// The principal's own keys (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`) come
/// from the request's principal and need not be set; what is set here yields to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// A context that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.set_all(key, [value]);
    }

    /// Sets a key to several values, for keys that hold a list, such as `aws:TagKeys`. Without any
    /// value the key is absent.
    pub fn set_all<T: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        let key = folded_key(key);
        if values.is_empty() {
            self.values.remove(&key);
        } else {
            self.values.insert(key, values);
        }
    }

    /// The same context with a key set to one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// The values of a key, if it is present.
    #[must_use]
    pub fn values(&self, key: &str) -> Option<&[String]> {
        self.values.get(&folded_key(key)).map(Vec::as_slice)
    }

    /// The values of a key, if it is present, for an evaluation.
    pub(super) fn of_key(&self, key: &str) -> Option<Values<'_>> {
        self.values(key).map(|values| Values(Held::Several(values)))
    }
}

/// The values that a request has of a condition key: one at least.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a>(Held<'a>);

#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    One(&'a str),
    Several(&'a [String]),
}

impl<'a> Values<'a> {
    pub(super) fn one(value: &'a str) -> Self {
        Self(Held::One(value))
    }

    /// Each value, in the order in which the context was given them.
    pub fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        let (one, several) = match self.0 {
            Held::One(value) => (Some(value), [].as_slice()),
            Held::Several(values) => (None, values),
        };
        one.into_iter().chain(several.iter().map(String::as_str))
    }

    /// The value, if there is one and no other.
    #[must_use]
    pub fn single(self) -> Option<&'a str> {
        let mut values = self.iter();
        values.next().filter(|_| values.next().is_none())
    }
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Values<'_> {}
