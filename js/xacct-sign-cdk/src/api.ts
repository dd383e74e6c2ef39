// Where the API is, as the app knows it.

import { ArnFormat, Aws, CfnResource, Reference, Stack, Token, Tokenization } from "aws-cdk-lib";
import { type IRestApi, RestApi } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, type IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IFunctionUrl } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { DEFAULT_STAGE, SERVICE } from "../wasm/constants.js";
import { XacctSignError } from "./errors.js";
import type { Stage } from "./module.js";
import type { ApiProps } from "./props.js";
import { fieldsOf } from "./template.js";

/** One of three kinds of API. */
export type Api =
  | { readonly kind: "http_api"; readonly construct: IHttpApi }
  | { readonly kind: "rest_api"; readonly construct: IRestApi }
  | FunctionUrlApi;

/** A function's URL. */
interface FunctionUrlApi {
  readonly kind: "function_url";
  /** None where the manifest alone knows it. */
  readonly construct: IFunctionUrl | undefined;
  /** Its resource. */
  readonly url: CfnResource | undefined;
  /** What a manifest says that it hangs on: an alias, or the function itself. */
  readonly meant?: { readonly alias: string | undefined };
}

/** The API that is passed, if one is. */
export function apiOf({ httpApi, restApi, functionUrl }: Partial<ApiProps>): Api | undefined {
  if (httpApi !== undefined) return { kind: "http_api", construct: httpApi };
  if (restApi !== undefined) return { kind: "rest_api", construct: restApi };
  if (functionUrl === undefined) return undefined;
  return { kind: "function_url", construct: functionUrl, url: functionUrl.node.defaultChild as CfnResource };
}

/** The API of a manifest's stage: the one that is passed, or an imported one. */
export function apiOfStage(scope: Construct, passed: Api | undefined, stage: Stage): Api {
  const meant = { alias: stage.alias };
  if (passed?.kind === "function_url") return { ...passed, meant };
  if (passed !== undefined) return passed;
  switch (stage.target) {
    case "http_api":
      return { kind: "http_api", construct: HttpApi.fromHttpApiAttributes(scope, "Api", { httpApiId: stage.apiId }) };
    case "rest_api":
      return { kind: "rest_api", construct: RestApi.fromRestApiId(scope, "Api", stage.apiId) };
    case "function_url":
      return { kind: "function_url", construct: undefined, url: undefined, meant };
  }
}

/** The account and the region of an API, which may be tokens. */
export function placeOf(api: Api): { readonly account: string; readonly region: string } {
  // Without a construct there is a manifest.
  return api.construct?.env ?? { account: Aws.ACCOUNT_ID, region: Aws.REGION };
}

/** The API's id in API Gateway, the function's name of a URL; each may be a token. */
export function idOf(api: Api): string | undefined {
  switch (api.kind) {
    case "http_api":
      return api.construct.apiId;
    case "rest_api":
      return api.construct.restApiId;
    case "function_url":
      return api.url && functionNameOf(api.url);
  }
}

/** What the stage's id is called in a manifest, and there. */
export function idOfStage(api: Api, stage: Stage): { key: string; id: string } {
  if (api.kind !== "function_url") return { key: "api_id", id: stage.apiId };
  return { key: "function", id: stage.apiArn.split(":")[6] ?? "" };
}

/**
 * What policies call the stage's API: the ARN of the stage, or of the function with its alias. Where a manifest says account
 * and region they are its own, even if the app does not know them.
 */
export function arnOf(api: Api, stage: Stage, isFromManifest: boolean): string {
  if (api.kind === "function_url") return api.url === undefined ? stage.apiArn : functionArnOf(api.url);
  const account = stage.apiArn.slice(0, stage.apiArn.lastIndexOf(":") + 1);
  if (isFromManifest) return `${account}${idOf(api)}/${stage.apiStage}`;
  return allRoutesArn(api.construct, stage.apiStage).slice(0, -"/*".length);
}

/** The ARN of every method and path of a stage. */
export function allRoutesArn(api: IHttpApi | IRestApi, apiStage: string | undefined): string {
  const isRest = "restApiId" in api;
  const stage = apiStage ?? (isRest ? stageNameOf(api) : DEFAULT_STAGE);
  if (stage === undefined) throw noStage();
  return Stack.of(api).formatArn({
    service: SERVICE,
    region: api.env.region,
    account: api.env.account,
    resource: isRest ? api.restApiId : api.apiId,
    resourceName: `${stage}/*`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

/** The name of the stage that a REST API is deployed to, as a text: its reference would be one from the API to itself. */
export function stageNameOf(api: IRestApi): string | undefined {
  const { deploymentStage } = api as Partial<RestApi>;
  const resource = deploymentStage?.node.defaultChild;
  if (resource === undefined || !CfnResource.isCfnResource(resource)) return undefined;
  const { StageName } = fieldsOf(resource, ["StageName"]);
  return textOf(StageName);
}

export function noStage(): XacctSignError {
  const message = "the name of the REST API's stage is not known, and it has none without a name";
  return new XacctSignError("invalid_props", message, "give it as `apiStage`");
}

/** The name of a URL's function, if the app says it. */
function functionNameOf(url: CfnResource): string | undefined {
  const { TargetFunctionArn } = fieldsOf(url, ["TargetFunctionArn"]);
  if (!Token.isUnresolved(TargetFunctionArn)) return textOf(TargetFunctionArn)?.split(":").slice(-1)[0];
  const token = Tokenization.reverse(TargetFunctionArn, { failConcat: false });
  const target = Reference.isReference(token) ? token.target : undefined;
  if (target === undefined || !CfnResource.isCfnResource(target)) return undefined;
  return textOf(fieldsOf(target, ["FunctionName"]).FunctionName);
}

/** A function's ARN with the alias, which CloudFormation's own attribute of a URL does not promise. */
function functionArnOf(url: CfnResource): string {
  const { TargetFunctionArn, Qualifier } = fieldsOf(url, ["TargetFunctionArn", "Qualifier"]);
  return Qualifier === undefined ? String(TargetFunctionArn) : `${TargetFunctionArn}:${Qualifier}`;
}

/** The alias that a URL hangs on, which may be a token. */
export function aliasOf(url: CfnResource): string | undefined {
  const { Qualifier } = fieldsOf(url, ["Qualifier"]);
  return typeof Qualifier === "string" ? Qualifier : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && !Token.isUnresolved(value) ? value : undefined;
}
