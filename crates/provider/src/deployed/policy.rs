//! A resource policy, read back from the forms in which AWS and its tools show it.

use serde_json::{Map, Value, json};

use super::error::DeployedError;
use super::permission::{self, Found};
use super::{form, terraform};
use crate::iam::json::Strict;
use crate::targets::{FunctionUrl, Target};

/// What begins the ARN of the API that a policy hangs on, for short.
const SHORT: &str = "execute-api:/";

/// What a document says of the policy of an API or a function.
pub(super) struct ReadPolicy {
    pub(super) policy: Value,
    /// What stands there and cannot be judged, in words.
    pub(super) unjudged: Vec<String>,
    /// The id of the REST API that it says to be of.
    pub(super) of_api: Option<String>,
}

impl From<Value> for ReadPolicy {
    fn from(policy: Value) -> Self {
        Self { policy, unjudged: Vec::new(), of_api: None }
    }
}

/// The policy of this target.
pub(super) fn read(text: &str, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    let Strict(value) = serde_json::from_str(text)
        .map_err(|error| DeployedError::new("not_json", format!("it is not JSON: {error}")).of_resource_policy())?;
    let mut read = written(value, target)?;
    if let Target::RestApi(api) = target {
        expand(&mut read.policy, &api.arn(), api.api_stage);
    }
    Ok(read)
}

fn written(value: Value, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    if value.get("Statement").is_some() {
        return Ok(value.into());
    }
    if let Some(Value::Object(resources)) = value.get("Resources") {
        return of_template(resources, target);
    }
    if let Some(Value::Object(resource)) = value.get("resource") {
        return of_terraform(resource, target);
    }
    let shown = ["Policy", "policy", "resource_policy"].iter().find_map(|key| value.get(key));
    let policy = match shown {
        // A REST API's is escaped once more than a text in JSON has to be.
        Some(Value::String(text)) if text.trim_start().starts_with("{\\\"") => {
            let unescaped: Result<String, _> = serde_json::from_str(&format!("\"{text}\""));
            form::policy(unescaped.ok().map(Value::from).as_ref())?
        }
        Some(policy) if !policy.is_null() => form::policy(Some(policy))?,
        // An API without a policy is shown without one, and lets nobody in.
        _ if is_rest_api(&value, target) => json!({ "Version": "2012-10-17", "Statement": [] }),
        _ => return Err(none()),
    };
    let of_api = matches!(target, Target::RestApi(_)).then(|| form::text_of(&value, "id")).flatten();
    Ok(ReadPolicy { policy, unjudged: Vec::new(), of_api: of_api.map(str::to_owned) })
}

/// Whether it is a REST API as `aws apigateway get-rest-api` prints it, which has more than these.
fn is_rest_api(value: &Value, target: Target<'_>) -> bool {
    matches!(target, Target::RestApi(_)) && ["id", "name"].iter().all(|key| form::text_of(value, key).is_some())
}

pub(super) fn none() -> DeployedError {
    DeployedError::new("no_resource_policy", "it holds no resource policy")
}

/// The statements of a policy, which may be one without a list.
pub(super) fn statements(policy: &Value) -> Vec<Value> {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// What a template's resources make, put together.
#[derive(Default)]
struct Parts {
    statements: Vec<Value>,
    unjudged: Vec<String>,
    is_there: bool,
}

impl Parts {
    fn add_policy(&mut self, policy: Option<&Value>) -> Result<(), DeployedError> {
        self.is_there = true;
        if policy.is_some_and(|policy| !policy.is_null()) {
            self.statements.extend(statements(&form::policy(policy)?));
        }
        Ok(())
    }

    fn add_permission(&mut self, found: Found) {
        match found {
            Found::OfAnother => {}
            Found::Statement(statement) => {
                self.is_there = true;
                self.statements.push(statement);
            }
            Found::Unknown(what) => {
                self.is_there = true;
                self.unjudged.push(what);
            }
        }
    }

    fn into_policy(self) -> Result<ReadPolicy, DeployedError> {
        let Self { statements, unjudged, is_there } = self;
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        if is_there { Ok(ReadPolicy { policy, unjudged, of_api: None }) } else { Err(none()) }
    }
}

fn of_template(resources: &Map<String, Value>, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    let mut parts = Parts::default();
    let mut apis = 0_usize;
    for (id, resource) in resources {
        let place = format!("resource `{id}`");
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let is_read = match (form::text_of(resource, "Type").unwrap_or_default(), target) {
            ("AWS::Lambda::Permission", Target::FunctionUrl(url)) => {
                parts.add_permission(permission::of_template(properties, url, &place));
                true
            }
            ("AWS::Lambda::ResourcePolicy", Target::FunctionUrl(url)) => {
                whole_policy(&mut parts, properties, ["ResourceArn", "PolicyDocument"], url, &place)?;
                true
            }
            ("AWS::ApiGateway::RestApi", Target::RestApi(_)) => {
                apis = apis.saturating_add(1);
                parts.add_policy(properties.get("Policy"))?;
                true
            }
            _ => false,
        };
        // Whether it holds is decided where the template is deployed.
        if is_read && resource.get("Condition").is_some() {
            parts.unjudged.push(format!("`Condition` of {place}"));
        }
    }
    if apis > 1 {
        parts.unjudged.push(format!("which of the template's {apis} REST APIs it is: it is compared with all of them"));
    }
    parts.into_policy()
}

fn of_terraform(resource: &Map<String, Value>, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    let of_type = |kind: &'static str| {
        let resources = resource.get(kind).and_then(Value::as_object).into_iter().flatten();
        resources.map(move |(label, written)| (format!("resource `{kind}.{label}`"), written))
    };
    let mut parts = Parts::default();
    match target {
        Target::FunctionUrl(url) => {
            for (place, written) in of_type("aws_lambda_permission") {
                parts.add_permission(permission::of_terraform(written, url, &place));
            }
            for (place, written) in of_type("aws_lambda_resource_policy") {
                let written = terraform::unescaped(written);
                whole_policy(&mut parts, &written, ["resource_arn", "policy"], url, &place)?;
            }
        }
        Target::RestApi(api) => {
            for (place, written) in of_type("aws_api_gateway_rest_api_policy") {
                match written.get("rest_api_id") {
                    Some(id) if !terraform::is_expression(id) => {
                        if id.as_str() == Some(api.api_id) {
                            let policy = terraform::unescaped(written).get("policy").cloned();
                            parts.add_policy(policy.as_ref())?;
                        }
                    }
                    _ => {
                        parts.is_there = true;
                        parts.unjudged.push(format!("`rest_api_id` of {place}"));
                    }
                }
            }
        }
        Target::HttpApi(_) => {}
    }
    parts.into_policy()
}

/// A function's policy as one document. One of another function is of no interest, one of another alias is.
fn whole_policy(
    parts: &mut Parts,
    properties: &Value,
    [arn, policy]: [&str; 2],
    url: FunctionUrl<'_>,
    place: &str,
) -> Result<(), DeployedError> {
    match form::text_of(properties, arn) {
        Some(arn) if !permission::is_of(arn, url) => Ok(()),
        Some(_) => parts.add_policy(properties.get(policy)),
        None => {
            parts.is_there = true;
            parts.unjudged.push(format!("`{arn}` of {place}"));
            Ok(())
        }
    }
}

/// A REST API's policy with whole ARNs, as API Gateway keeps it: where it is written, `execute-api:/` is enough
/// ([Access control](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html)).
/// `arn` is that of a stage.
pub(super) fn expand(policy: &mut Value, arn: &str, api_stage: &str) {
    let Some(whole) = arn.strip_suffix(api_stage) else { return };
    let expand = |value: &mut Value| {
        if let Some(rest) = value.as_str().and_then(|text| text.strip_prefix(SHORT)) {
            *value = Value::from(format!("{whole}{rest}"));
        }
    };
    let each = match policy.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in each {
        for key in ["Resource", "NotResource"] {
            match statement.get_mut(key) {
                Some(Value::Array(resources)) => resources.iter_mut().for_each(expand),
                Some(one) => expand(one),
                None => {}
            }
        }
    }
}
