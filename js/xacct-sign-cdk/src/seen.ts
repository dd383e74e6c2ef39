// The routes of an API as far as the app knows them.

import { CfnResource, Reference, Stack, Stage, Token, Tokenization } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { ApiRoute } from "./routes.js";
import { fieldsOf, type Properties, propertiesOf, rendered, type When } from "./template.js";

/** An API of API Gateway, with the kind of its routes. */
export interface RoutedApi {
  readonly construct: IConstruct;
  readonly id: string;
  readonly kind: RouteKind;
}

/** How one kind of API has its routes. */
interface RouteKind {
  /** The resource of the API itself. */
  readonly api: string;
  /** The attribute, and the property of a route, that is the API's id. */
  readonly id: string;
  /** Properties of the API with which it has routes that the app does not show. */
  readonly hiding: readonly string[];
  readonly route: string;
  /** Properties of a route that say its key. */
  readonly key: readonly string[];
  /** The key, if it is known: as the properties were set, and as they are now. */
  keyOf(set: Properties, now: Properties): string | undefined;
}

export const HTTP_ROUTES: RouteKind = {
  api: "AWS::ApiGatewayV2::Api",
  id: "ApiId",
  hiding: ["Body", "BodyS3Location", "Target"],
  route: "AWS::ApiGatewayV2::Route",
  key: ["RouteKey"],
  keyOf: (_, { RouteKey }) => literal(RouteKey),
};

export const REST_ROUTES: RouteKind = {
  api: "AWS::ApiGateway::RestApi",
  id: "RestApiId",
  hiding: ["Body", "BodyS3Location", "CloneFrom"],
  route: "AWS::ApiGateway::Method",
  key: ["HttpMethod", "ResourceId"],
  keyOf: (set, { HttpMethod }) => {
    const [method, path] = [literal(HttpMethod), pathOf(set.ResourceId)];
    return method === undefined || path === undefined ? undefined : `${method} ${path}`;
  },
};

/** The API's routes, or `undefined` if there may be others: the API is imported, or described by a document. */
export function routesOf(api: RoutedApi, when: When): ApiRoute[] | undefined {
  const resource = api.construct.node.defaultChild;
  if (resource === undefined || !CfnResource.isCfnResource(resource)) return undefined;
  const { hiding } = api.kind;
  const properties = propertiesOf(resource, hiding, when);
  if (hiding.some((name) => properties[name] !== undefined)) return undefined;
  return seenRoutesOf(api, when);
}

/**
 * The routes of the API that this app makes. At synthesis a route is the API's unless it is provably another's; before, only
 * if it is provably the API's, as a token may be anything yet.
 */
export function seenRoutesOf(api: RoutedApi, when: When): ApiRoute[] {
  const { kind } = api;
  const names = [kind.id, "AuthorizationType", ...kind.key];
  const routes: ApiRoute[] = [];
  for (const construct of api.construct.node.root.node.findAll()) {
    if (!CfnResource.isCfnResource(construct)) continue;
    // What is in another stage of the app may not be ready to be rendered.
    const isRendered = when === "synthesis" && Stage.of(construct) === Stage.of(api.construct);
    const type = isRendered ? rendered(construct).Type : construct.cfnResourceType;
    if (type !== kind.route) continue;
    const set = fieldsOf(construct, names);
    const now = propertiesOf(construct, names, when);
    const template = when === "now" ? undefined : { id: now[kind.id], stack: Stack.of(construct) };
    const owner = ownerOf(set[kind.id], template, api);
    if (owner === "another" || (owner === "unknown" && when === "now")) continue;
    const key = kind.keyOf(set, now);
    const { AuthorizationType } = now;
    if (when === "now" && (key === undefined || Token.isUnresolved(AuthorizationType))) continue;
    const authorization = typeof AuthorizationType === "string" ? AuthorizationType : "NONE";
    // A key that is known at deployment only may be any.
    routes.push({ key: key ?? "$default", authorization });
  }
  return routes;
}

function literal(value: unknown): string | undefined {
  return typeof value === "string" && !Token.isUnresolved(value) ? value : undefined;
}

/** The path of a resource of a REST API, by references from one to the next. */
function pathOf(id: unknown): string | undefined {
  const reference = referenceOf(id);
  if (reference === undefined) return undefined;
  if (reference.displayName === "RootResourceId") return "/";
  const { target } = reference;
  if (!CfnResource.isCfnResource(target) || target.cfnResourceType !== "AWS::ApiGateway::Resource") return undefined;
  const { ParentId, PathPart } = fieldsOf(target, ["ParentId", "PathPart"]);
  const [parent, part] = [pathOf(ParentId), literal(PathPart)];
  if (parent === undefined || part === undefined) return undefined;
  return `${parent === "/" ? "" : parent}/${part}`;
}

function referenceOf(value: unknown): Reference | undefined {
  if (!Token.isUnresolved(value)) return undefined;
  const token = Tokenization.reverse(value, { failConcat: false });
  return Reference.isReference(token) ? token : undefined;
}

/** An API's id as it is in a stack's template. */
interface RenderedId {
  readonly id: unknown;
  readonly stack: Stack;
}

/** Whose route it is, by the API's id as it was set and, at synthesis, as it will be in the template. */
function ownerOf(set: unknown, template: RenderedId | undefined, api: RoutedApi): "ours" | "another" | "unknown" {
  // In the template of another stack the id is an import: what was set says whose it is, if nothing has overridden it.
  const isAsSet = template === undefined || isSame(template.stack.resolve(set), template.id);
  if (isAsSet && set === api.id) return "ours";
  const theirs = (isAsSet ? apiOf(set, api.kind) : undefined) ?? (template && apiInTemplate(template, api.kind));
  if (theirs !== undefined) return theirs === apiOf(api.id, api.kind) ? "ours" : "another";
  // INVARIANT: a token that is no reference to an API of this app may be any API's id.
  return "unknown";
}

/** The API that an id names: its resource if the app makes it, or a literal id; `undefined` if that is not known. */
function apiOf(id: unknown, kind: RouteKind): CfnResource | string | undefined {
  if (!Token.isUnresolved(id)) return typeof id === "string" ? id : undefined;
  const reference = referenceOf(id);
  if (reference === undefined || !["Ref", kind.id].includes(reference.displayName)) return undefined;
  return isApi(reference.target, kind) ? reference.target : undefined;
}

/** The same of an id in a template. */
function apiInTemplate({ id, stack }: RenderedId, kind: RouteKind): CfnResource | string | undefined {
  if (typeof id !== "object" || id === null) return apiOf(id, kind);
  const { Ref, "Fn::GetAtt": attribute } = id as { Ref?: unknown; "Fn::GetAtt"?: unknown };
  const [logicalId, name] = Array.isArray(attribute) ? attribute : [Ref, kind.id];
  if (name !== kind.id) return undefined;
  const isIt = (resource: CfnResource) =>
    Stack.of(resource) === stack && stack.resolve(resource.logicalId) === logicalId;
  return stack.node
    .findAll()
    .filter((construct) => isApi(construct, kind))
    .find(isIt);
}

function isApi(construct: IConstruct, kind: RouteKind): construct is CfnResource {
  return CfnResource.isCfnResource(construct) && construct.cfnResourceType === kind.api;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
