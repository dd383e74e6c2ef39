"""What moto's CloudFormation lacks of the stacks that `make live` makes: its own backends have most of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from moto.apigateway.models import RestAPI, apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.models import lambda_backends
from moto.cloudformation import parsing
from moto.core.exceptions import JsonRESTError
from moto.iam.models import Role

# What is made, how it is found again, what Fn::GetAtt gives, and how it goes.
Made = tuple[str, dict[str, str], Callable[[], None]]


class Resource:
    """One of a type below."""

    attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, made: Made) -> None:
        self.physical_resource_id, self._attributes, self._delete = made

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls.attributes

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self._attributes[attribute_name]

    def delete(self, account_id: str, region_name: str) -> None:
        # It deletes in any order: what this hangs on may be gone already.
        with contextlib.suppress(JsonRESTError):
            self._delete()


def url(properties: dict[str, Any], account: str, region: str) -> Made:
    """moto knows no qualifier here: the function may have this one URL."""
    backend = lambda_backends[account][region]
    function = properties["TargetFunctionArn"].split(":")[6]
    made = backend.create_function_url_config(function, properties)
    return made.url, {"FunctionUrl": f"{made.url}/"}, lambda: backend.delete_function_url_config(function)


def version(properties: dict[str, Any], account: str, region: str) -> Made:
    """moto has the type, without its attributes. The version goes with the function."""
    made = lambda_backends[account][region].publish_version(properties["FunctionName"])
    return f"{made.function_arn}:{made.version}", {"Version": str(made.version)}, lambda: None


def alias(properties: dict[str, Any], account: str, region: str) -> Made:
    backend = lambda_backends[account][region]
    name, function = properties["Name"], properties["FunctionName"]
    made = backend.create_alias(name, function, properties["FunctionVersion"], "", "")
    return made.arn, {}, lambda: backend.delete_alias(name, function)


def permission(properties: dict[str, Any], account: str, region: str) -> Made:
    """As Lambda writes it. moto has the type, and keeps what it was given."""
    function = lambda_backends[account][region].get_function(properties["FunctionName"])
    principal = properties["Principal"]
    condition: dict[str, dict[str, str]] = {}
    if "SourceArn" in properties:
        condition["ArnLike"] = {"AWS:SourceArn": properties["SourceArn"]}
    if "FunctionUrlAuthType" in properties:
        condition["StringEquals"] = {"lambda:FunctionUrlAuthType": properties["FunctionUrlAuthType"]}
    if properties.get("InvokedViaFunctionUrl"):
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true"}
    statement = {
        "Sid": f"stack-{len(function.policy.statements)}",
        "Effect": "Allow",
        "Principal": {"Service" if principal.endswith(".amazonaws.com") else "AWS": principal},
        "Action": properties["Action"],
        "Resource": properties["FunctionName"],
        "Condition": condition,
    }
    function.policy.statements.append(statement)
    return statement["Sid"], {}, lambda: function.policy.statements.remove(statement)


def rest_stage(properties: dict[str, Any], account: str, region: str) -> Made:
    backend = apigateway_backends[account][region]
    api, name = properties["RestApiId"], properties["StageName"]
    backend.create_stage(api, name, properties["DeploymentId"])
    return name, {}, lambda: backend.delete_stage(api, name)


def http_api(properties: dict[str, Any], account: str, region: str) -> Made:
    backend = apigatewayv2_backends[account][region]
    rest = dict.fromkeys(
        (
            "api_key_selection_expression",
            "description",
            "disable_schema_validation",
            "disable_execute_api_endpoint",
            "route_selection_expression",
            "version",
        ),
        "",
    )
    made = backend.create_api(
        name=properties["Name"],
        protocol_type=properties["ProtocolType"],
        tags=properties["Tags"],
        cors_configuration=None,
        **rest,
    )
    return made.api_id, {}, lambda: backend.delete_api(made.api_id)


def http_integration(properties: dict[str, Any], account: str, region: str) -> Made:
    api = apigatewayv2_backends[account][region].get_api(properties["ApiId"])
    made = api.create_integration("", "", "", properties["IntegrationType"], properties["IntegrationUri"])
    return made.id, {}, lambda: api.delete_integration(made.id)


def http_route(properties: dict[str, Any], account: str, region: str) -> Made:
    api = apigatewayv2_backends[account][region].get_api(properties["ApiId"])
    assert properties["Target"].removeprefix("integrations/") in api.integrations
    made = api.create_route(
        False, [], properties["RouteKey"], properties["Target"], authorization_type=properties["AuthorizationType"]
    )
    return made.route_id, {}, lambda: api.delete_route(made.route_id)


def http_stage(properties: dict[str, Any], account: str, region: str) -> Made:
    api = apigatewayv2_backends[account][region].get_api(properties["ApiId"])
    name = properties["StageName"]
    api.create_stage({"stageName": name, "autoDeploy": properties["AutoDeploy"]})
    return name, {}, lambda: api.delete_stage(name)


TYPES: dict[str, tuple[Callable[[dict[str, Any], str, str], Made], tuple[str, ...]]] = {
    "AWS::Lambda::Url": (url, ("FunctionUrl",)),
    "AWS::Lambda::Version": (version, ("Version",)),
    "AWS::Lambda::Alias": (alias, ()),
    "AWS::Lambda::Permission": (permission, ()),
    "AWS::ApiGateway::Stage": (rest_stage, ()),
    "AWS::ApiGatewayV2::Api": (http_api, ()),
    "AWS::ApiGatewayV2::Integration": (http_integration, ()),
    "AWS::ApiGatewayV2::Route": (http_route, ()),
    "AWS::ApiGatewayV2::Stage": (http_stage, ()),
}


def model(made_by: Callable[[dict[str, Any], str, str], Made], known: tuple[str, ...]) -> type[Resource]:
    class Model(Resource):
        attributes = known

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
        ) -> Resource:
            return cls(made_by(cloudformation_json["Properties"], account_id, region_name))

    return Model


def teach(patch: pytest.MonkeyPatch) -> None:
    """Adds the types to moto, in this process."""
    for name, (made_by, attributes) in TYPES.items():
        patch.setitem(parsing.get_model_map(), name, model(made_by, attributes))
        patch.setitem(parsing.get_name_type_map(), name, "")

    def delete(api: RestAPI, account_id: str, region_name: str) -> None:
        apigateway_backends[account_id][region_name].delete_rest_api(api.id)

    # It makes them, and leaves them behind.
    patch.setattr(RestAPI, "delete", delete, raising=False)
    keep_policies_as_text(patch)


def keep_policies_as_text(patch: pytest.MonkeyPatch) -> None:
    """Of a stack's roles, too: what shows all roles at once takes text alone."""
    put_policy = Role.put_policy

    def put_text(role: Role, policy_name: str, policy_json: Any) -> None:
        put_policy(role, policy_name, policy_json if isinstance(policy_json, str) else json.dumps(policy_json))

    patch.setattr(Role, "put_policy", put_text)
