//! A Lambda function's URL.

use std::time::Duration;

use xacct_sign::aws::Partition;

use crate::iam::document::Statement;

/// The signing name of Lambda, which its actions and ARNs begin with: the one place where it stands.
macro_rules! service {
    () => {
        "lambda"
    };
}

/// A function's URL that is authorized by IAM (`AuthType` `AWS_IAM`)
/// ([Control access to function URLs](https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html)).
///
/// ```
/// use xacct_sign_provider::targets::FunctionUrl;
///
/// let url = FunctionUrl::new("eu-west-1", "111111111111", "orders", None, "abcdefgh");
/// assert_eq!(url.arn(), "arn:aws:lambda:eu-west-1:111111111111:function:orders");
/// assert_eq!(url.invoke_url(), "https://abcdefgh.lambda-url.eu-west-1.on.aws");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct FunctionUrl<'a> {
    /// The partition: `aws`, `aws-cn` and so on.
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account, 12 digits.
    pub account: &'a str,
    /// The function's name.
    pub function: &'a str,
    /// The alias that the URL hangs on; `None` for the function itself, `$LATEST`.
    pub alias: Option<&'a str>,
    /// What the URL's host begins with.
    pub url_id: &'a str,
}

/// What holds for every function URL. The limits are Lambda's
/// ([Quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)).
impl FunctionUrl<'_> {
    /// The service that requests are signed for.
    pub const SIGNING_NAME: &'static str = service!();
    /// The action of a call by the URL. By itself it opens nothing: [`Self::INVOKE`] has to be allowed, too.
    pub const INVOKE_URL: &'static str = concat!(service!(), ":InvokeFunctionUrl");
    /// The action of any call of the function, by its URL or not.
    pub const INVOKE: &'static str = concat!(service!(), ":InvokeFunction");
    /// What the first of these is asked with: how the URL is authorized.
    pub const AUTH_TYPE: (&'static str, &'static str) = (concat!(service!(), ":FunctionUrlAuthType"), "AWS_IAM");
    /// What the second is asked with: that the call comes by a URL.
    pub const BY_URL: (&'static str, &'static str) = (concat!(service!(), ":InvokedViaFunctionUrl"), "true");
    /// How long Lambda waits for the function.
    pub const TIMEOUT: Duration = Duration::from_secs(15 * 60);
    /// How long a request's body may be, and an answer's that is not streamed.
    pub const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;
    /// How long a streamed answer may be.
    pub const MAX_STREAMED_BYTES: usize = 200 * 1024 * 1024;
}

impl<'a> FunctionUrl<'a> {
    /// The URL of this id, which hangs on an alias of a function or on the function itself; the partition is the region's.
    #[must_use]
    pub fn new(region: &'a str, account: &'a str, function: &'a str, alias: Option<&'a str>, url_id: &'a str) -> Self {
        Self { partition: Partition::of_region(region).name(), region, account, function, alias, url_id }
    }

    /// The function with the alias, if there is one: `orders:live`.
    #[must_use]
    pub fn qualified_name(self) -> String {
        match self.alias {
            Some(alias) => format!("{}:{alias}", self.function),
            None => self.function.to_owned(),
        }
    }

    /// The ARN of what the URL hangs on: a policy on the function itself says nothing of its aliases, nor the other way round.
    #[must_use]
    pub fn arn(self) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:{}:{region}:{account}:function:{}", service!(), self.qualified_name())
    }

    /// The URL, without a slash at the end.
    #[must_use]
    pub fn invoke_url(self) -> String {
        let domain = match self.partition {
            "aws-cn" => "amazonwebservices.com.cn",
            "aws-eusc" => "amazonwebservices.eu",
            _ => "aws",
        };
        format!("https://{}.{}-url.{}.on.{domain}", self.url_id, service!(), self.region)
    }

    /// Both actions, each with the condition that Lambda knows for it: without the second one, the function could be invoked
    /// directly, past its URL.
    pub(super) fn statements(self) -> Vec<Statement> {
        let allow = |action: &'static str| Statement::allow(action, vec![self.arn()]);
        vec![
            allow(Self::INVOKE_URL).when("StringEquals", Self::AUTH_TYPE.0, Self::AUTH_TYPE.1),
            allow(Self::INVOKE).when("Bool", Self::BY_URL.0, Self::BY_URL.1),
        ]
    }
}

/// Whether Lambda takes this name for a function
/// ([CreateFunction](https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html)).
pub(crate) fn is_function(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_name_byte)
}

/// Whether it takes this name for an alias: versions have numbers, and no URL
/// ([CreateAlias](https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html)).
pub(crate) fn is_alias(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(is_name_byte) && !text.bytes().all(|b| b.is_ascii_digit())
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

/// Whether Lambda could have given this id to a URL.
pub(crate) fn is_url_id(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The id in a whole URL, or in its host.
pub(crate) fn id_of_url(text: &str) -> Option<&str> {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (id, rest) = host.split_once('.')?;
    (is_url_id(id) && rest.starts_with(concat!(service!(), "-url."))).then_some(id)
}
