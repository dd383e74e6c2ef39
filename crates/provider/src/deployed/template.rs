//! A CloudFormation template: what it says of roles, and what of it may say more than stands there.
//!
//! What is read is read in full, and whatever else could make or change it is named: macros, loops, and what is given a role and
//! may do anything with it. The many resources that plainly have nothing to do with it are passed over.

use serde_json::{Map, Value};

use super::error::DeployedError;
use super::form::{self, CLOUDFORMATION, inline, text_of};
use super::mention::{anywhere, is_named};
use super::read::{ReadRoles, Unread};
use super::role::DeployedRole;

/// The sections of a template
/// ([Sections](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html)), and those of SAM and of a
/// deployment's hooks, which make no resource by themselves.
const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
    "Transform",
    "Globals",
    "Hooks",
];

/// The macros of AWS's own that make nothing of a resource but what its type says.
const MACROS: [&str; 5] = [
    "AWS::LanguageExtensions",
    "AWS::Serverless-2016-10-31",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::CodeDeployBlueGreen",
];

/// The custom resources of the CDK's own that are given functions and roles, and hang nothing on them.
const OF_CDK: [&str; 4] = [
    "Custom::LogRetention",
    "Custom::S3AutoDeleteObjects",
    "Custom::S3BucketNotifications",
    "Custom::CDKBucketDeployment",
];

/// What decides nothing of a resource that is read.
const ATTRIBUTES: [&str; 8] = [
    "Type",
    "Properties",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "DependsOn",
    "CreationPolicy",
    "UpdatePolicy",
];

/// What begins the name of a loop.
const LOOP: &str = "Fn::ForEach::";

const ROLE: &str = "AWS::IAM::Role";
const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";
const ROLE_POLICY: &str = "AWS::IAM::RolePolicy";
const SAM_FUNCTION: &str = "AWS::Serverless::Function";
/// Who may assume a role; SAM gives what a function has of it to the role that it makes.
const TRUST: &str = "AssumeRolePolicyDocument";
/// What makes roles, and what hangs something on them.
const OF_ROLES: [&str; 4] = [ROLE, "AWS::IAM::Policy", ROLE_POLICY, MANAGED_POLICY];

/// A resource that stands in a template.
#[derive(Clone, Copy)]
pub(super) struct Resource<'v> {
    pub(super) id: &'v str,
    pub(super) kind: &'v str,
    pub(super) written: &'v Value,
    pub(super) properties: &'v Value,
}

impl<'v> Resource<'v> {
    fn of(id: &'v str, written: &'v Value) -> Option<Self> {
        let kind = text_of(written, "Type")?;
        Some(Self { id, kind, written, properties: written.get("Properties").unwrap_or(&Value::Null) })
    }

    pub(super) fn place(&self) -> String {
        format!("resource `{}`", self.id)
    }

    /// What of it is not read and decides, but for its properties: whether it holds, and so whether there is such a resource,
    /// is decided where the template is deployed.
    pub(super) fn unread(&self) -> impl Iterator<Item = String> {
        let keys = self.written.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let place = self.place();
        keys.filter(|key| !ATTRIBUTES.contains(key)).map(move |key| format!("`{key}` of {place}"))
    }

    /// Whether it may do anything with what it is given: a nested stack, a custom resource, a module, what a macro reads.
    fn is_open(&self) -> bool {
        let is_of_aws = self.kind.starts_with("AWS::") && !self.kind.ends_with("::MODULE");
        let is_stack = ["AWS::CloudFormation::Stack", "AWS::CloudFormation::CustomResource", "AWS::ServiceCatalog::"];
        let is_changed = ["Connectors", "Fn::Transform"].iter().any(|key| self.written.get(key).is_some());
        let is_read_by_macro = self.kind.starts_with("AWS::Serverless::");
        let is_any = !is_of_aws || is_read_by_macro || is_stack.iter().any(|kind| self.kind.starts_with(kind));
        is_changed || (is_any && !OF_CDK.contains(&self.kind))
    }

    /// Whether it may make roles of its own. Those that SAM makes are its functions', nobody's way in unless the template says who
    /// may assume them.
    fn may_make_roles(&self, is_trust_global: bool) -> bool {
        let is_trust_given = [TRUST, "Fn::Transform"].iter().any(|key| self.properties.get(key).is_some());
        let is_of_sam = self.kind.starts_with("AWS::Serverless::") && self.kind != "AWS::Serverless::Application";
        match self.kind {
            SAM_FUNCTION if is_trust_global || is_trust_given => true,
            _ => self.is_open() && (!is_of_sam || self.written.get("Fn::Transform").is_some()),
        }
    }
}

pub(super) struct Template<'v> {
    document: &'v Map<String, Value>,
    resources: &'v Map<String, Value>,
}

impl<'v> Template<'v> {
    pub(super) fn of(document: &'v Map<String, Value>) -> Option<Self> {
        let resources = document.get("Resources")?.as_object()?;
        Some(Self { document, resources })
    }

    /// Every resource that stands there by itself.
    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'v>> {
        self.resources.iter().filter_map(|(id, written)| Resource::of(id, written))
    }

    /// Whether it says for all of SAM's functions who may assume their roles.
    fn is_trust_global(&self) -> bool {
        let of_functions = self.document.get("Globals").and_then(|globals| globals.get("Function"));
        of_functions.is_some_and(|of_functions| of_functions.get(TRUST).is_some())
    }

    /// What may change everything that stands there, or add to it.
    pub(super) fn unread(&self) -> Vec<String> {
        let sections = self.document.keys().filter(|key| !SECTIONS.contains(&key.as_str()));
        let mut unread: Vec<String> = sections.map(|key| format!("`{key}` of the template")).collect();
        let macros = match self.document.get("Transform") {
            Some(Value::Array(macros)) => macros.iter().collect(),
            one => one.into_iter().collect::<Vec<_>>(),
        };
        let name =
            |one: &Value| one.as_str().or_else(|| text_of(one, "Name")).map_or_else(|| one.to_string(), str::to_owned);
        let macros = macros.into_iter().map(name).filter(|name| !MACROS.contains(&name.as_str()));
        unread.extend(macros.map(|name| format!("what the macro `{name}` makes of the template")));
        for (id, written) in self.resources {
            if text_of(written, "Type").is_none() && !id.starts_with(LOOP) {
                unread.push(format!("`{id}` among the resources, whose type does not stand there"));
            }
        }
        unread
    }

    /// The loops that may make resources of these types.
    pub(super) fn loops(&self, kinds: &[&str]) -> Vec<String> {
        let may_make = |body: &Value| {
            made_in(body).is_none_or(|made| {
                let is_one = |resource: &Resource<'_>| kinds.contains(&resource.kind) || resource.kind.contains("${");
                made.iter().any(is_one)
            })
        };
        let loops = self.resources.iter().filter(|(id, body)| id.starts_with(LOOP) && may_make(body));
        loops.map(|(id, _)| format!("what the loop `{id}` makes")).collect()
    }

    /// The resources that may do anything with what they are given, and are given this.
    pub(super) fn given(&self, is_this: &dyn Fn(&Value) -> bool) -> Vec<String> {
        let is_given = |resource: &Resource<'_>| resource.is_open() && anywhere(resource.properties, is_this);
        let mut given: Vec<String> = self.resources().filter(is_given).map(|one| typed(&one)).collect();
        given.extend(self.loops_of(|made| made.iter().any(is_given)));
        given
    }

    /// The loops of which this is so, by the resources that they make.
    fn loops_of(&self, is_so: impl Fn(&[Resource<'v>]) -> bool) -> impl Iterator<Item = String> {
        let loops = self.resources.iter().filter(|(id, _)| id.starts_with(LOOP));
        let loops = loops.filter(move |(_, body)| made_in(body).is_some_and(|made| is_so(&made)));
        loops.map(|(id, _)| format!("what the loop `{id}` makes"))
    }

    /// The roles, each with the policies that the template hangs on it.
    pub(super) fn roles(&self) -> Result<ReadRoles, DeployedError> {
        let mut roles: Vec<(&str, DeployedRole)> = Vec::new();
        for resource in self.resources().filter(|resource| resource.kind == ROLE) {
            let mut read = CLOUDFORMATION.read(resource.properties, &resource.place())?;
            read.policies = inline(resource.properties, "Policies", &mut read)?;
            read.ignored.extend(resource.unread());
            roles.push((resource.id, read));
        }
        let (mut unread, mut beside) = ([self.unread(), self.loops(&OF_ROLES)].concat(), Vec::new());
        for resource in self.resources().filter(|resource| OF_ROLES.contains(&resource.kind) && resource.kind != ROLE) {
            match hung_on(&resource, &roles) {
                Some(on) => {
                    let is_on_another =
                        on.is_empty() && ["Roles", "RoleName"].iter().any(|key| resource.properties.get(key).is_some());
                    beside.extend(is_on_another.then(|| typed(&resource)));
                    for index in on {
                        let Some((_, role)) = roles.get_mut(index) else { continue };
                        hang(&resource, role)?;
                    }
                }
                None => unread.push(typed(&resource)),
            }
        }
        for (id, role) in &mut roles {
            let name = role.name.clone();
            role.ignored.extend(self.given(&|value| {
                is_reference(value, id)
                    || value.as_str().zip(name.as_deref()).is_some_and(|(text, name)| is_named(text, name))
            }));
            role.ignored.extend_from_slice(&unread);
        }
        let roles = roles.into_iter().map(|(_, role)| role).collect();
        let is_trust_global = self.is_trust_global();
        let may_make_roles = |one: &Resource<'_>| one.may_make_roles(is_trust_global);
        beside.extend(self.resources().filter(may_make_roles).map(|one| typed(&one)));
        beside.extend(self.loops_of(|made| made.iter().any(may_make_roles)));
        Ok(ReadRoles::of_template(roles, Unread::new(unread, beside)))
    }
}

fn typed(resource: &Resource<'_>) -> String {
    format!("{} of type `{}`", resource.place(), resource.kind)
}

/// The resources of a loop, and of the loops within; `None` where they do not stand there.
fn made_in(body: &Value) -> Option<Vec<Resource<'_>>> {
    let [_, _, Value::Object(resources)] = body.as_array()?.as_slice() else { return None };
    let mut made = Vec::new();
    for (id, written) in resources {
        if id.starts_with(LOOP) {
            made.extend(made_in(written)?);
        } else {
            made.push(Resource::of(id, written)?);
        }
    }
    Some(made)
}

/// Whether a value is a reference to a resource, or a text with one in it.
pub(super) fn is_reference(value: &Value, id: &str) -> bool {
    let is_attribute = |text: &str| text.strip_prefix(id).is_some_and(|rest| rest.starts_with('.'));
    match value {
        Value::Object(function) => {
            let of = function.get("Fn::GetAtt");
            let first = of.and_then(Value::as_array).and_then(|parts| parts.first()).and_then(Value::as_str);
            text_of(value, "Ref") == Some(id)
                || first == Some(id)
                || of.and_then(Value::as_str).is_some_and(is_attribute)
        }
        Value::String(text) => text.split("${").skip(1).any(|part| {
            let name = part.split_once('}').map_or("", |(name, _)| name.trim());
            name == id || is_attribute(name)
        }),
        _ => false,
    }
}

/// The roles that a policy hangs on; `None` where that cannot be told. By its name it may be one of another template's.
fn hung_on(resource: &Resource<'_>, roles: &[(&str, DeployedRole)]) -> Option<Vec<usize>> {
    let properties = resource.properties.as_object()?;
    let on = match (resource.kind, properties.get("RoleName"), properties.get("Roles")) {
        (ROLE_POLICY, Some(role), _) => std::slice::from_ref(role),
        (ROLE_POLICY, None, _) => return None,
        (_, _, Some(Value::Array(roles))) => roles,
        (MANAGED_POLICY, _, None) => &[],
        (_, _, None) if ["Users", "Groups"].iter().any(|key| properties.contains_key(*key)) => &[],
        _ => return None,
    };
    let index = |on: &Value| match (on.as_str(), text_of(on, "Ref")) {
        (Some(name), _) => Some(roles.iter().position(|(_, role)| role.name.as_deref() == Some(name))),
        (None, Some(id)) => Some(Some(roles.iter().position(|(role, _)| *role == id)?)),
        (None, None) => None,
    };
    let all: Option<Vec<Option<usize>>> = on.iter().map(index).collect();
    Some(all?.into_iter().flatten().collect())
}

fn hang(resource: &Resource<'_>, role: &mut DeployedRole) -> Result<(), DeployedError> {
    if resource.kind == MANAGED_POLICY {
        role.ignored.push(typed(resource));
        return Ok(());
    }
    role.policies.push(form::policy(resource.properties.get("PolicyDocument"))?);
    let known = ["PolicyName", "PolicyDocument", "Roles", "RoleName", "Users", "Groups"];
    let properties = resource.properties.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let place = resource.place();
    role.ignored.extend(properties.filter(|key| !known.contains(key)).map(|key| format!("`{key}` of {place}")));
    role.ignored.extend(resource.unread());
    Ok(())
}
