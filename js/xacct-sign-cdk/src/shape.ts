// Whether the props have the shape that their types say, which JavaScript does not check.

import { CfnResource, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { XacctSignError } from "./errors.js";
import type { ApiCaller, ApiProps, CallersProps, CommonProps, ManifestProps } from "./props.js";
import { unresolved } from "./source.js";

/** What a value is, in words, and how that is seen. */
const KINDS = {
  "a string": (value: unknown) => typeof value === "string",
  "a list of strings": isStrings,
  "a string or a list of strings": (value: unknown) => typeof value === "string" || isStrings(value),
  "a boolean": (value: unknown) => typeof value === "boolean",
  "a number": (value: unknown) => Number.isFinite(value),
  "a `Duration`": (value: unknown) => isObject(value) && typeof value.toSeconds === "function",
  "an object": (value: unknown) => isObject(value) && !Array.isArray(value),
  // The parser says how an account is written if it is a number.
  "an account": (value: unknown) => typeof value === "string" || typeof value === "number",
  // Looked at in more detail below.
  "an API": () => true,
} as const;

type Kind = keyof typeof KINDS;
/** Every name of a type's properties, so that none is forgotten here. */
type Shape<T> = Readonly<Record<keyof T, Kind>>;

const API: Shape<ApiProps> = { httpApi: "an API", restApi: "an API", functionUrl: "an API" };
const COMMON: Shape<CommonProps> = {
  stage: "a string",
  assertAllRoutesUseIam: "a boolean",
  routesWithoutIam: "a list of strings",
};
const WITH_MANIFEST: Shape<ManifestProps> = { ...COMMON, ...API, manifest: "a string" };
const WITH_CALLERS: Shape<CallersProps> = {
  ...COMMON,
  ...API,
  callers: "an object",
  access: "a string",
  vpcEndpoints: "a list of strings",
  routesEnforcedByFunction: "a boolean",
  apiStage: "a string",
  roleName: "a string",
  maxSessionDuration: "a `Duration`",
  roleTrustPolicyLength: "a number",
  production: "a boolean",
};
const CALLER: Shape<ApiCaller> = {
  account: "an account",
  role: "a string or a list of strings",
  trust: "a string",
  organization: "a string",
  externalId: "a string",
  sessionNames: "a list of strings",
  tags: "a list of strings",
  sourceIdentity: "a list of strings",
  thirdParty: "a boolean",
  routes: "a list of strings",
};

/**
 * Refuses props that are missing, unknown, of another type, or that exclude each other.
 *
 * @throws XacctSignError `invalid_props`, or `unresolved_token`
 */
export function checkProps(props: unknown): void {
  const hint = "give either `manifest`, a file, or `callers`";
  if (!isObject(props)) throw wrong("there are no props", hint);
  const { manifest, callers, stage, routesWithoutIam } = props;
  if ((manifest === undefined) === (callers === undefined)) {
    throw wrong(`there are ${manifest === undefined ? "neither" : "both"} a manifest and callers`, hint);
  }
  for (const [name, value] of Object.entries({ stage, manifest })) {
    if (Token.isUnresolved(value)) throw unresolved(name);
  }
  // An unknown name may be a slip for one that is missing.
  checkKeys(props, manifest === undefined ? WITH_CALLERS : WITH_MANIFEST, "");
  if (stage === undefined) throw wrong("there is no `stage`", "give the stage's name");
  for (const [name, caller] of Object.entries((callers ?? {}) as Fields)) {
    if (!isObject(caller)) throw wrong(`\`callers.${name}\` is not an object`, "see the type `ApiCaller`");
    checkKeys(caller, CALLER, `callers.${name}.`);
  }
  if (Token.isUnresolved(routesWithoutIam)) throw unresolved("routesWithoutIam");
  const apis = Object.entries(APIS).filter(([name]) => props[name] !== undefined);
  const oneApi = "give one of `httpApi`, `restApi` and `functionUrl`";
  if (apis.length > 1) {
    throw wrong(`there are several APIs: ${apis.map(([name]) => `\`${name}\``).join(", ")}`, oneApi);
  }
  if (apis.length === 0 && callers !== undefined) throw wrong("there is no API", oneApi);
  for (const [name, api] of apis) checkApi(name, props[name], api);
  if (props.functionUrl !== undefined && routesWithoutIam !== undefined) {
    throw wrong("`routesWithoutIam` is given for a function URL, which has no routes of its own", "leave it out");
  }
}

/** A property that is `undefined` counts as left out, if there is one of that name at all. */
function checkKeys(value: Fields, shape: Readonly<Record<string, Kind>>, prefix: string): void {
  const known = Object.keys(shape).map((name) => `\`${name}\``);
  for (const [name, inner] of Object.entries(value)) {
    const what = `\`${prefix}${name}\``;
    const kind = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (kind === undefined) {
      const isOther = prefix === "" && Object.hasOwn(WITH_CALLERS, name);
      if (isOther && inner === undefined) continue;
      const message = isOther ? `${what} goes with \`callers\`, and not with \`manifest\`` : `${what} is unknown`;
      throw wrong(message, `${isOther ? "write it in the manifest; " : ""}the known ones are: ${known.join(", ")}`);
    }
    // Tokens have a code of their own.
    if (inner === undefined || Token.isUnresolved(inner) || KINDS[kind](inner)) continue;
    throw wrong(`${what} is not ${kind}`, "correct it, or leave it out if it is optional");
  }
}

/** What an API's prop takes. */
interface ApiShape {
  readonly what: string;
  /** What it has that no other has. */
  readonly id: string;
  readonly resource: string;
  readonly hint: string;
}

const APIS: Readonly<Record<keyof ApiProps, ApiShape>> = {
  httpApi: {
    what: "an HTTP API",
    id: "apiId",
    resource: "AWS::ApiGatewayV2::Api",
    hint: "pass an `HttpApi`, or what `HttpApi.fromHttpApiAttributes` gives",
  },
  restApi: {
    what: "a REST API",
    id: "restApiId",
    resource: "AWS::ApiGateway::RestApi",
    hint: "pass a `RestApi`, or what `RestApi.fromRestApiId` gives",
  },
  functionUrl: {
    what: "a function URL",
    id: "functionArn",
    resource: "AWS::Lambda::Url",
    hint: "pass a `FunctionUrl`, or what `addFunctionUrl` gives; without one, give a `manifest`",
  },
};

function checkApi(name: string, api: unknown, { what, id, resource: type, hint }: ApiShape): void {
  const fields = isObject(api) ? api : {};
  const node = fields.node as IConstruct["node"] | undefined;
  if (typeof fields[id] !== "string" || node === undefined) throw wrong(`\`${name}\` is not ${what}`, hint);
  const resource = node.defaultChild;
  // Of an imported one there is nothing to see; function URLs are not imported.
  if ((resource === undefined || !CfnResource.isCfnResource(resource)) && name !== "functionUrl") return;
  const { cfnResourceType, protocolType } = (resource ?? {}) as Partial<CfnResource> & { protocolType?: unknown };
  if (cfnResourceType !== type || protocolType === "WEBSOCKET") throw wrong(`\`${node.path}\` is not ${what}`, hint);
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function wrong(message: string, hint: string): XacctSignError {
  return new XacctSignError("invalid_props", message, hint);
}
