"""The CloudFormation templates of what the manifest's documents are about: the APIs, and the callers' own roles.

Neither is rendered by the product: they are what a provider and a caller have already.
"""

from __future__ import annotations

from typing import Any

from live.manifest import PATH, TAG, name

ECHO = """
import base64, json

def handler(event, context):
    seen = event["requestContext"]
    body = event.get("body")
    if body and event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    answer = {
        "method": event.get("httpMethod") or seen["http"]["method"],
        "path": event.get("path") or event.get("rawPath"),
        "body": body,
        "requestContext": seen,
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
"""
"""What answers behind every API: what it saw, as the emulator does."""

Resources = dict[str, dict[str, Any]]


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _attribute(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def _tags(run: str) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": run}]


def _template(resources: Resources, outputs: dict[str, Any], what: str) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{what}, made by xacct-sign's `make live`. May be deleted.",
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }


def _trust(principal: dict[str, Any], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def _function(run: str, what: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name(run, what),
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": ECHO},
            "Role": _attribute("Execution", "Arn"),
            "Timeout": 10,
            "Tags": _tags(run),
        },
    }


def _invoked_by(api: str, function: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": _attribute(function, "Arn"),
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": _sub(f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}/*"),
        },
    }


def _rest(run: str, api: str, function: str) -> Resources:
    """A REST API with every path and method for the function, by IAM."""
    uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations"
    return {
        api: {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {
                "Name": name(run, api.lower()),
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "Tags": _tags(run),
            },
        },
        f"{api}Path": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": _ref(api),
                "ParentId": _attribute(api, "RootResourceId"),
                "PathPart": "{proxy+}",
            },
        },
        f"{api}Method": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": _ref(api),
                "ResourceId": _ref(f"{api}Path"),
                "HttpMethod": "ANY",
                "AuthorizationType": "AWS_IAM",
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": _sub(uri % function),
                },
            },
        },
        f"{api}Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": f"{api}Method",
            "Properties": {"RestApiId": _ref(api)},
        },
        f"{api}Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": _ref(api),
                "DeploymentId": _ref(f"{api}Deployment"),
                "StageName": "v1",
                "Tags": _tags(run),
            },
        },
        f"{api}Invokes": _invoked_by(api, function),
    }


def _http(run: str, function: str) -> Resources:
    """An HTTP API of the same."""
    return {
        "Http": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": name(run, "http"), "ProtocolType": "HTTP", "Tags": {TAG: run}},
        },
        "HttpIntegration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": _ref("Http"),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": _attribute(function, "Arn"),
                "PayloadFormatVersion": "2.0",
            },
        },
        "HttpRoute": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": _ref("Http"),
                "RouteKey": "ANY /{proxy+}",
                "AuthorizationType": "AWS_IAM",
                "Target": _sub("integrations/${HttpIntegration}"),
            },
        },
        "HttpStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "DependsOn": "HttpRoute",
            "Properties": {"ApiId": _ref("Http"), "StageName": "$default", "AutoDeploy": True, "Tags": {TAG: run}},
        },
        "HttpInvokes": _invoked_by("Http", function),
    }


def apis(run: str) -> dict[str, Any]:
    """The APIs as they are before anybody may call them: IAM guards each, and no document names a caller."""
    resources: Resources = {
        # It has no permissions: so the functions write no logs, which would outlive their stack.
        "Execution": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name(run, "function"),
                "Path": PATH,
                "AssumeRolePolicyDocument": _trust({"Service": "lambda.amazonaws.com"}),
                "Tags": _tags(run),
            },
        },
        "WithAlias": _function(run, "alias"),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": _ref("WithAlias")}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": _ref("WithAlias"),
                "FunctionVersion": _attribute("Version", "Version"),
                "Name": "live",
            },
        },
        "Url": {
            "Type": "AWS::Lambda::Url",
            "DependsOn": "Alias",
            "Properties": {
                "TargetFunctionArn": _attribute("WithAlias", "Arn"),
                "Qualifier": "live",
                "AuthType": "AWS_IAM",
            },
        },
        "Direct": _function(run, "direct"),
        "DirectUrl": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": _attribute("Direct", "Arn"), "AuthType": "AWS_IAM"},
        },
        **_http(run, "WithAlias"),
        **_rest(run, "Rest", "WithAlias"),
        **_rest(run, "RestDirect", "WithAlias"),
    }
    outputs = {
        "HttpId": _ref("Http"),
        "RestId": _ref("Rest"),
        "RestDirectId": _ref("RestDirect"),
        "HttpUrl": _sub("https://${Http}.execute-api.${AWS::Region}.${AWS::URLSuffix}"),
        "RestUrl": _sub("https://${Rest}.execute-api.${AWS::Region}.${AWS::URLSuffix}/v1"),
        "RestDirectUrl": _sub("https://${RestDirect}.execute-api.${AWS::Region}.${AWS::URLSuffix}/v1"),
        "AliasUrl": _attribute("Url", "FunctionUrl"),
        "DirectUrl": _attribute("DirectUrl", "FunctionUrl"),
    }
    return _template(resources, outputs, "APIs")


def callers(run: str, account: str, partition: str, user_id: str, policies: dict[str, Any]) -> dict[str, Any]:
    """A role for each caller, with its policy if it has one. Only who started the run may assume them."""
    trust = _trust({"AWS": f"arn:{partition}:iam::{account}:root"}, {"StringEquals": {"aws:userid": user_id}})
    resources: Resources = {
        caller.capitalize(): {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name(run, caller),
                "Path": PATH,
                "AssumeRolePolicyDocument": trust,
                "Policies": [{"PolicyName": "CallApis", "PolicyDocument": policy}] if policy else [],
                "Tags": _tags(run),
            },
        }
        for caller, policy in policies.items()
    }
    return _template(
        resources, {f"{caller}Arn": _attribute(caller.capitalize(), "Arn") for caller in policies}, "Callers"
    )
