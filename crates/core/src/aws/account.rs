//! Accounts, and organizations of them.

/// Whether it is an account id: a string of 12 digits
/// ([Account identifiers](https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html)).
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it is an organization's id: `o-` and 10 to 32 letters in lower case or digits
/// ([Organization](https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html)).
#[must_use]
pub fn is_organization_id(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}
