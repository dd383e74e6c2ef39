//! A resource policy, read back from the forms in which AWS and its tools show it.

use serde_json::{Map, Value, json};

use super::error::DeployedError;
use super::permission::{self, Found};
use super::{form, terraform};
use crate::iam::elements::statements;
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
    if let Some(error) = terraform::not_configuration(&value) {
        return Err(error);
    }
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
            document(unescaped.ok().map(Value::from).as_ref(), "the policy")?
        }
        Some(policy) if !policy.is_null() => document(Some(policy), "the policy")?,
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

/// What a template's resources make, put together.
#[derive(Default)]
struct Parts {
    statements: Vec<Value>,
    unjudged: Vec<String>,
    is_there: bool,
}

impl Parts {
    /// `what` it is, in words; what is not said is no policy.
    fn add_policy(&mut self, policy: Option<&Value>, what: &str) -> Result<(), DeployedError> {
        self.is_there = true;
        if policy.is_some_and(|policy| !policy.is_null()) {
            self.statements.extend_from_slice(statements(&document(policy, what)?));
        }
        Ok(())
    }

    /// The policy that an API's own resource says. Where it says none but is described by a document, it may stand there.
    fn add_api(&mut self, api: &Value, [policy, body]: [&str; 2], place: &str) -> Result<(), DeployedError> {
        let said = api.get(policy).filter(|policy| !policy.is_null());
        if said.is_none() && api.as_object().is_some_and(|api| api.keys().any(|key| key.starts_with(body))) {
            self.unjudged.push(format!("whether `{body}` of {place} has a policy"));
        }
        self.add_policy(said, &format!("`{policy}` of {place}"))
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

    /// Which of them is the stage's is decided where the template is deployed.
    fn note_apis(&mut self, number: usize) {
        if number > 1 {
            let what = format!("which of the template's {number} REST APIs it is: it is compared with all of them");
            self.unjudged.push(what);
        }
    }

    fn into_policy(self) -> Result<ReadPolicy, DeployedError> {
        let Self { statements, unjudged, is_there } = self;
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        if is_there { Ok(ReadPolicy { policy, unjudged, of_api: None }) } else { Err(none()) }
    }
}

/// A policy that stands there in full. What is an intrinsic function, or has no statements, must not look as if it let nobody in.
fn document(policy: Option<&Value>, what: &str) -> Result<Value, DeployedError> {
    let invalid = |why: &str| DeployedError::new("invalid_policy", format!("{what} {why}"));
    let intrinsic = policy.and_then(Value::as_object).filter(|policy| !policy.contains_key("Statement"));
    if let Some(name) = intrinsic.and_then(|policy| policy.keys().find(|key| *key == "Ref" || key.starts_with("Fn::")))
    {
        return Err(invalid(&format!("is `{name}`, and cannot be read from the template")));
    }
    let policy = form::policy(policy)?;
    if policy.get("Statement").is_none() { Err(invalid("has no statements")) } else { Ok(policy) }
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
                parts.add_api(properties, ["Policy", "Body"], &place)?;
                true
            }
            _ => false,
        };
        // Whether it holds is decided where the template is deployed.
        if is_read && resource.get("Condition").is_some() {
            parts.unjudged.push(format!("`Condition` of {place}"));
        }
    }
    parts.note_apis(apis);
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
                let written = terraform::read(written, "policy", &place)?;
                whole_policy(&mut parts, &written, ["resource_arn", "policy"], url, &place)?;
            }
        }
        Target::RestApi(api) => {
            for (place, written) in of_type("aws_api_gateway_rest_api_policy") {
                match written.get("rest_api_id") {
                    Some(id) if !terraform::is_expression(id) => {
                        if id.as_str() == Some(api.api_id) {
                            let written = terraform::read(written, "policy", &place)?;
                            parts.add_policy(written.get("policy"), &format!("`policy` of {place}"))?;
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
    if matches!(target, Target::RestApi(_)) {
        // An API whose resource says no policy may have one that stands in another file.
        let apis: Vec<_> = of_type("aws_api_gateway_rest_api")
            .filter(|(_, written)| ["policy", "body"].iter().any(|key| written.get(key).is_some()))
            .collect();
        parts.note_apis(apis.len());
        for (place, written) in apis {
            parts.add_api(&terraform::read(written, "policy", &place)?, ["policy", "body"], &place)?;
        }
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
        Some(_) => parts.add_policy(properties.get(policy), &format!("`{policy}` of {place}")),
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
