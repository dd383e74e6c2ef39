//! A resource policy, read back from the forms in which AWS and its tools show it.

use serde_json::{Value, json};

use super::configuration::Configuration;
use super::error::DeployedError;
use super::mention::{is_named, refers};
use super::permission::{self, Found};
use super::template::{Template, is_reference};
use super::{form, intrinsic, terraform};
use crate::iam::elements::statements;
use crate::iam::json::Strict;
use crate::targets::{FunctionUrl, Target};

/// What begins the ARN of the API that a policy hangs on, for short.
const SHORT: &str = "execute-api:/";

/// Where a document that describes an API has its policy.
const BODY_POLICY: &str = "x-amazon-apigateway-policy";

/// What a document says of the policy of an API or a function.
pub(super) struct ReadPolicy {
    pub(super) policy: Value,
    /// What stands there and cannot be judged, in words.
    pub(super) unjudged: Vec<String>,
    /// The same of what can only be permissions of services.
    pub(super) unjudged_of_services: Vec<String>,
    /// The id of the REST API that it says to be of.
    pub(super) of_api: Option<String>,
}

impl From<Value> for ReadPolicy {
    fn from(policy: Value) -> Self {
        Self { policy, unjudged: Vec::new(), unjudged_of_services: Vec::new(), of_api: None }
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
    if let Some(template) = value.as_object().and_then(Template::of) {
        return of_template(&template, target);
    }
    if let Some(configuration) = value.as_object().and_then(Configuration::of) {
        return of_terraform(&configuration, target);
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
    Ok(ReadPolicy { of_api: of_api.map(str::to_owned), ..policy.into() })
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
    unjudged_of_services: Vec<String>,
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
        // Where it stands there in full, it is seen to have none.
        let is_without = |document: &Value| {
            let keys = document.as_object().map(|document| document.keys());
            keys.is_some_and(|mut keys| !keys.any(|key| key == BODY_POLICY || key.starts_with("Fn::") || key == "Ref"))
        };
        let may_say = |(key, value): (&String, &Value)| key.starts_with(body) && (key != body || !is_without(value));
        if said.is_none() && api.as_object().is_some_and(|api| api.iter().any(may_say)) {
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
            Found::OfService(what) => self.unjudged_of_services.push(what),
            Found::Unknown(what) => {
                self.is_there = true;
                self.unjudged.push(what);
            }
        }
    }

    /// Which of them is the stage's is decided where the template is deployed.
    fn note_apis(&mut self, number: usize) {
        if number > 1 && !self.statements.is_empty() {
            let what = format!("which of the template's {number} REST APIs it is: it is compared with all of them");
            self.unjudged.push(what);
        }
    }

    /// What may hang a policy on it that does not stand there; and what may change those that do.
    fn add_unread(&mut self, beside: Vec<String>, unread: Vec<String>) {
        self.is_there |= !beside.is_empty();
        if self.is_there {
            self.unjudged.extend(beside.into_iter().chain(unread));
        }
    }

    fn into_policy(self) -> Result<ReadPolicy, DeployedError> {
        let Self { statements, unjudged, unjudged_of_services, is_there } = self;
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        if is_there { Ok(ReadPolicy { policy, unjudged, unjudged_of_services, of_api: None }) } else { Err(none()) }
    }
}

/// A policy that stands there in full. What is an intrinsic function, or has no statements, must not look as if it let nobody in.
fn document(policy: Option<&Value>, what: &str) -> Result<Value, DeployedError> {
    let invalid = |why: &str| DeployedError::new("invalid_policy", format!("{what} {why}"));
    if let Some(why) = policy.and_then(intrinsic::whole) {
        return Err(invalid(&why));
    }
    let policy = form::policy(policy)?;
    if policy.get("Statement").is_none() { Err(invalid("has no statements")) } else { Ok(policy) }
}

fn of_template(template: &Template<'_>, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    let mut parts = Parts::default();
    let (mut apis, mut ids) = (0_usize, Vec::new());
    let function_of = |properties: &Value| form::text_of(properties, "FunctionName").map(str::to_owned);
    let functions: Vec<(&str, Option<String>)> = template
        .resources()
        .filter(|resource| resource.kind == "AWS::Lambda::Function")
        .map(|resource| (resource.id, function_of(resource.properties)))
        .collect();
    for resource in template.resources() {
        let (place, properties) = (resource.place(), resource.properties);
        let is_read = match (resource.kind, target) {
            ("AWS::Lambda::Permission", Target::FunctionUrl(url)) => {
                // A function of the template's by its name, where that stands there.
                let of = properties.get("FunctionName");
                let named =
                    functions.iter().find(|(id, _)| of.is_some_and(|of| !of.is_string() && is_reference(of, id)));
                let mut properties = properties.clone();
                if let Some((name, written)) =
                    named.and_then(|(_, name)| name.clone()).zip(properties.get_mut("FunctionName"))
                {
                    *written = Value::from(name);
                }
                parts.add_permission(permission::of_template(&properties, url, &place));
                true
            }
            ("AWS::Lambda::ResourcePolicy", Target::FunctionUrl(url)) => {
                whole_policy(&mut parts, properties, ["ResourceArn", "PolicyDocument"], url, &place)?;
                true
            }
            ("AWS::ApiGateway::RestApi", Target::RestApi(_)) => {
                apis = apis.saturating_add(1);
                ids.push(resource.id);
                parts.add_api(properties, ["Policy", "Body"], &place)?;
                true
            }
            _ => false,
        };
        if is_read {
            parts.unjudged.extend(resource.unread());
        }
    }
    if let Target::FunctionUrl(url) = target {
        ids.extend(functions.iter().filter(|(_, name)| name.as_deref() == Some(url.function)).map(|(id, _)| *id));
    }
    parts.note_apis(apis);
    let is_it = |value: &Value| {
        value.as_str().is_some_and(|text| is_named(text, name_of(target)))
            || ids.iter().any(|id| is_reference(value, id))
    };
    let kinds: &[&str] = match target {
        Target::FunctionUrl(_) => &["AWS::Lambda::Permission", "AWS::Lambda::ResourcePolicy"],
        Target::RestApi(_) => &["AWS::ApiGateway::RestApi"],
        Target::HttpApi(_) => &[],
    };
    parts.add_unread([template.given(&is_it), template.loops(kinds)].concat(), template.unread());
    parts.into_policy()
}

/// What files call it that is called.
fn name_of(target: Target<'_>) -> &str {
    match target {
        Target::HttpApi(api) => api.api_id,
        Target::RestApi(api) => api.api_id,
        Target::FunctionUrl(url) => url.function,
    }
}

fn of_terraform(configuration: &Configuration<'_>, target: Target<'_>) -> Result<ReadPolicy, DeployedError> {
    let mut parts = Parts::default();
    match target {
        Target::FunctionUrl(url) => {
            for resource in configuration.of_type("aws_lambda_permission") {
                parts.add_permission(permission::of_terraform(resource.written, url, &resource.place()));
            }
            for resource in configuration.of_type("aws_lambda_resource_policy") {
                let written = terraform::read(resource.written, "policy", &resource.place())?;
                whole_policy(&mut parts, &written, ["resource_arn", "policy"], url, &resource.place())?;
            }
        }
        Target::RestApi(api) => {
            for resource in configuration.of_type("aws_api_gateway_rest_api_policy") {
                let (written, place) = (resource.written, resource.place());
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
        let apis: Vec<_> = configuration
            .of_type("aws_api_gateway_rest_api")
            .filter(|resource| ["policy", "body"].iter().any(|key| resource.written.get(key).is_some()))
            .collect();
        let number = apis.len();
        for resource in apis {
            let written = terraform::read(resource.written, "policy", &resource.place())?;
            parts.add_api(&written, ["policy", "body"], &resource.place())?;
        }
        parts.note_apis(number);
    }
    let addresses = configuration.of_type("aws_api_gateway_rest_api").filter(|_| matches!(target, Target::RestApi(_)));
    let functions = configuration.of_type("aws_lambda_function").filter(|function| {
        matches!(target, Target::FunctionUrl(url) if form::text_of(function.written, "function_name") == Some(url.function))
    });
    let addresses: Vec<String> = addresses.chain(functions).map(|one| format!("{}.{}", one.kind, one.label)).collect();
    let is_it = |text: &str| is_named(text, name_of(target)) || addresses.iter().any(|address| refers(text, address));
    parts.add_unread(configuration.given(&is_it), configuration.unread());
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
