//! What holds for all roles of the API: their path, their permissions boundary, their tags.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use xacct_sign::aws::{Arn, Partition, RoleName};

use crate::iam::folded_key;
use crate::manifest::error::ManifestErrorKind as Kind;
use crate::manifest::names::{is_policy_name, is_role_tag_key, is_role_tag_value};
use crate::manifest::source::{Mistake, Source};
use crate::manifest::table::Table;

/// How many tags a role has at most
/// ([Quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)).
const MAX_TAGS: usize = 50;

impl Source<'_> {
    /// The name with the path, which stands in one place alone.
    pub(super) fn with_path(&self, name: &RoleName, path: &Spanned<String>) -> Result<RoleName, Mistake> {
        let refuse = |message: String| Err(self.error(Kind::InvalidPath, path.span(), message));
        let text = path.get_ref();
        if name.path() != "/" {
            return refuse(format!("`role_name` has the path `{}`, and `path` is `{text}`", name.path()));
        }
        let inner = match text.as_str() {
            "/" => return Ok(name.clone()),
            _ => text.strip_prefix('/').and_then(|text| text.strip_suffix('/')),
        };
        match inner.and_then(|inner| RoleName::parse(&format!("{inner}/{}", name.name()))) {
            Some(name) => Ok(name),
            None => refuse(format!("`{text}` is not a path of roles")),
        }
    }

    /// The ARN of a managed policy of the API's account, or of AWS's own.
    pub(super) fn boundary(
        &self,
        text: Spanned<String>,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Result<String, Mistake> {
        let refuse = |what: &str| {
            let message = format!("`{}` {what}", text.get_ref());
            Err(self.error(Kind::InvalidPermissionsBoundary, text.span(), message))
        };
        let arn = Arn::parse(text.get_ref()).filter(|arn| arn.service == "iam" && arn.region.is_empty());
        let Some((arn, name)) = arn.and_then(|arn| Some((arn, arn.resource.strip_prefix("policy/")?))) else {
            return refuse("is not the ARN of a policy");
        };
        if !is_policy_name(name) {
            return refuse("is not the ARN of a policy");
        }
        if account.is_some_and(|account| account != arn.account && arn.account != "aws") {
            return refuse("is not a policy of the API's account");
        }
        if let Some(partition) = region.map(Partition::of_region).filter(|of| of.name() != arn.partition) {
            return refuse(&format!("is not in the API's partition, `{}`", partition.name()));
        }
        Ok(text.into_inner())
    }

    pub(super) fn role_tags(&self, raw: Table<Spanned<String>>) -> BTreeMap<String, String> {
        let (mut tags, mut seen) = (BTreeMap::new(), BTreeSet::new());
        let number = raw.len();
        for (index, (key, value)) in raw.into_iter().enumerate() {
            let text = key.get_ref();
            let wrong = if !is_role_tag_key(text) {
                Some((key.span(), format!("`{text}` is not the key of a tag")))
            } else if !is_role_tag_value(value.get_ref()) {
                Some((value.span(), format!("`{}` is not the value of a tag", value.get_ref())))
            } else if !seen.insert(folded_key(text)) {
                Some((key.span(), format!("the key `{text}` stands twice, but for its case")))
            } else if index == MAX_TAGS {
                Some((key.span(), format!("there are {number} tags, IAM takes {MAX_TAGS}")))
            } else {
                None
            };
            match wrong {
                Some((place, message)) => {
                    self.note::<()>(Err(self.error(Kind::InvalidRoleTag, place, message)));
                }
                None => drop(tags.insert(key.into_inner(), value.into_inner())),
            }
        }
        tags
    }
}
