//! What IAM takes in a policy's elements. What it refuses is deployed nowhere, so it must not allow here: a text that can
//! match nothing would open everything behind `NotAction` or `NotResource`.

use xacct_sign::aws::Partition;

/// `*`, or a service and what it does. Wildcards are for the second, and neither holds white space or variables
/// ([Action](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html)). Of a wildcard in the first
/// IAM says that "action vendors must not contain wildcards"; no page makes an exception for `*:*`.
pub(super) fn is_action(text: &str) -> bool {
    let is_name = |c: u8| c.is_ascii_alphanumeric() || b"*?".contains(&c);
    text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            is_service(&service.to_ascii_lowercase()) && !name.is_empty() && name.bytes().all(is_name)
        })
}

/// Whether an action is one of those that a trust policy can be about: all of them, or one of STS.
pub(super) fn is_action_of_trust(text: &str) -> bool {
    text == "*" || text.split_once(':').is_some_and(|(service, _)| service.eq_ignore_ascii_case("sts"))
}

/// `*`, or an ARN. Its service holds no wildcard, and variables stand in its resource alone. A `*` at the end of a section
/// reaches over colons, so one that ends the text stands for all sections that are left
/// ([Resource](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html)).
///
/// Of IAM's own resources the type is written out, and there is no region: IAM says of others that the "resource path must either
/// be `*`, root, or start with user/, federated-user/, ..." and that it "cannot contain region information".
pub(super) fn is_resource(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let mut sections = text.splitn(6, ':');
    let mut next = || sections.next();
    let (Some("arn"), Some(partition), Some(service), Some(region)) = (next(), next(), next(), next()) else {
        return false;
    };
    let (account, resource) = (next(), next());
    if service == "iam" && !(region.is_empty() && resource.is_none_or(is_iam_resource)) {
        return false;
    }
    let is_place = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-*?".contains(&c);
    (matches!(partition, "*" | "aws*") || Partition::named(partition).is_some())
        && is_service(service)
        && region.bytes().all(is_place)
        && account.unwrap_or_default().bytes().all(is_place)
        && match resource {
            Some(resource) => !resource.is_empty() && !resource.chars().any(char::is_control),
            None => text.ends_with('*'),
        }
}

/// What the text of IAM's refusal lists.
const IAM_RESOURCES: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

fn is_iam_resource(resource: &str) -> bool {
    matches!(resource, "*" | "root") || IAM_RESOURCES.iter().any(|kind| resource.starts_with(kind))
}

/// Letters and digits, which is what an inline policy takes; none twice in a document.
pub(super) fn is_sid(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// What Lambda takes to tell a function's permissions apart
/// ([AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html)).
pub(super) fn is_statement_id(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

/// A service's name as principals have it: `lambda.amazonaws.com`.
pub(super) fn is_service_principal(text: &str) -> bool {
    text.contains('.') && text.split('.').all(|part| is_service(&part.to_ascii_lowercase()))
}

fn is_service(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}
