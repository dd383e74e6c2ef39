//! A function's permissions as templates write them, and the statements that Lambda makes of them
//! ([AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html)).

use serde_json::{Map, Value, json};
use xacct_sign::aws::is_account_id;

use super::terraform;
use crate::targets::FunctionUrl;

/// What a resource of a template is to a function's policy.
pub(super) enum Found {
    /// A permission of another function.
    OfAnother,
    /// A statement of it.
    Statement(Value),
    /// What it is cannot be told, in words.
    Unknown(String),
    /// The same of one that is for a service of AWS.
    OfService(String),
}

/// The parameters by their names in CloudFormation and in Terraform.
const PARAMETERS: [[&str; 2]; 10] = [
    ["FunctionName", "function_name"],
    ["Qualifier", "qualifier"],
    ["Action", "action"],
    ["Principal", "principal"],
    ["PrincipalOrgID", "principal_org_id"],
    ["FunctionUrlAuthType", "function_url_auth_type"],
    ["InvokedViaFunctionUrl", "invoked_via_function_url"],
    ["SourceArn", "source_arn"],
    ["SourceAccount", "source_account"],
    ["EventSourceToken", "event_source_token"],
];

/// What decides nothing in Terraform.
const BESIDE: [&str; 5] = ["statement_id", "statement_id_prefix", "depends_on", "lifecycle", "provider"];

pub(super) fn of_template(properties: &Value, url: FunctionUrl<'_>, place: &str) -> Found {
    let properties = properties.as_object().cloned().unwrap_or_default();
    found(properties, url, place, |value| value.is_object() || value.is_array())
}

pub(super) fn of_terraform(written: &Value, url: FunctionUrl<'_>, place: &str) -> Found {
    let written = written.as_object().into_iter().flatten().filter(|(key, _)| !BESIDE.contains(&key.as_str()));
    let named = |(key, value): (&String, &Value)| {
        let name = PARAMETERS.iter().find(|[_, written]| written == key).map(|[name, _]| (*name).to_owned());
        (name.unwrap_or_else(|| key.clone()), value.clone())
    };
    let parameters = written.map(named).collect();
    let is_unknown = |value: &Value| value.is_string() && terraform::is_expression(value);
    match found(parameters, url, place, is_unknown) {
        Found::Statement(statement) => Found::Statement(terraform::unescaped(&statement)),
        other => other,
    }
}

fn found(
    parameters: Map<String, Value>,
    url: FunctionUrl<'_>,
    place: &str,
    is_unknown: impl Fn(&Value) -> bool,
) -> Found {
    let text = |key: &str| parameters.get(key).filter(|value| !is_unknown(value)).and_then(Value::as_str);
    let is_of_service = text("Principal").is_some_and(is_service);
    let unknown = |key: &str| {
        let what = format!("`{key}` of {place}");
        if is_of_service { Found::OfService(what) } else { Found::Unknown(what) }
    };
    let Some(function) = text("FunctionName") else { return unknown("FunctionName") };
    if !is_of(function, url) {
        return Found::OfAnother;
    }
    for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        if is_unknown(value) || !PARAMETERS.iter().any(|[name, _]| name == key) {
            return unknown(key);
        }
    }
    let (Some(action), Some(principal)) = (text("Action"), text("Principal")) else { return unknown("Action") };
    let mut conditions: Map<String, Value> = Map::new();
    let mut when = |operator: &str, key: &str, value: Option<Value>| {
        let keys = value.map(|value| (conditions.entry(operator).or_insert_with(|| json!({})), value));
        if let Some((Value::Object(keys), value)) = keys {
            keys.insert(key.to_owned(), value);
        }
    };
    when("StringEquals", FunctionUrl::AUTH_TYPE.0, text("FunctionUrlAuthType").map(Value::from));
    when("StringEquals", "aws:PrincipalOrgID", text("PrincipalOrgID").map(Value::from));
    when("StringEquals", "lambda:EventSourceToken", text("EventSourceToken").map(Value::from));
    when("StringEquals", "AWS:SourceAccount", text("SourceAccount").map(Value::from));
    when("ArnLike", "AWS:SourceArn", text("SourceArn").map(Value::from));
    let is_true = |value: &Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
    let via_url = parameters.get("InvokedViaFunctionUrl").filter(|value| is_true(value));
    when("Bool", FunctionUrl::BY_URL.0, via_url.map(|_| Value::from(FunctionUrl::BY_URL.1)));
    let kind = if is_service(principal) { "Service" } else { "AWS" };
    Found::Statement(json!({
        "Effect": "Allow",
        "Principal": { kind: principal },
        "Action": action,
        "Resource": arn(function, text("Qualifier"), url),
        "Condition": conditions,
    }))
}

/// Whether it is a service of AWS: what is not everybody, nor an account or somebody of one. Where a service's name ends is each
/// partition's own matter, `.amazonaws.com` or `.amazonaws.com.cn`.
fn is_service(principal: &str) -> bool {
    principal != "*" && !principal.starts_with("arn:") && !is_account_id(principal)
}

/// The function's name, and its qualifier if it has one: of a name, a whole ARN, or the end of one.
fn parted(function: &str) -> (&str, Option<&str>) {
    let name = function.rsplit_once("function:").map_or(function, |(_, name)| name);
    name.split_once(':').map_or((name, None), |(name, qualifier)| (name, Some(qualifier)))
}

/// Whether it is the function of the URL, whatever its qualifier.
pub(super) fn is_of(function: &str, url: FunctionUrl<'_>) -> bool {
    let FunctionUrl { partition, region, account, .. } = url;
    let end = format!("{account}:function:");
    let whole = format!("arn:{partition}:{}:{region}:{end}", FunctionUrl::SIGNING_NAME);
    let name = parted(function).0;
    name == url.function
        && ["", &end, &whole]
            .iter()
            .any(|start| function.strip_prefix(start).is_some_and(|rest| rest.starts_with(name)))
}

fn arn(function: &str, qualifier: Option<&str>, url: FunctionUrl<'_>) -> String {
    FunctionUrl { alias: qualifier.or(parted(function).1), ..url }.arn()
}
