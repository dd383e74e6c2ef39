// The routes of an API as far as the app knows them, and which of them a part of an ARN opens.

import { CfnResource, Reference, Stack, Stage, Token, Tokenization } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IConstruct } from "constructs";

/** A route of the API. */
export interface ApiRoute {
  /** `GET /items/{id}` or `$default`. */
  readonly key: string;
  /** `AWS_IAM`, `JWT`, `CUSTOM`, `NONE`; a token is none of them. */
  readonly authorization: string;
}

/**
 * When the routes are looked at: while the app is built, by the properties of the resources; when it is synthesized, as
 * they will be in the template, with overrides.
 */
export type When = "now" | "synthesis";

/** The API's routes, or `undefined` if there may be others: the API is imported, or has an OpenAPI document or a target. */
export function routesOf(api: IHttpApi, when: When): ApiRoute[] | undefined {
  const resource = api.node.defaultChild;
  if (resource === undefined || !CfnResource.isCfnResource(resource)) return undefined;
  const ownRoutes = ["Body", "BodyS3Location", "Target"];
  const properties = when === "now" ? fieldsOf(resource, ownRoutes) : renderedProperties(resource);
  if (ownRoutes.some((name) => properties[name] !== undefined)) return undefined;
  return seenRoutesOf(api, when);
}

/**
 * The routes of the API that this app makes. At synthesis a route is the API's unless it is provably another's; before, only
 * if it is provably the API's, as a token may be anything yet.
 */
export function seenRoutesOf(api: IHttpApi, when: When): ApiRoute[] {
  const routes: ApiRoute[] = [];
  for (const construct of api.node.root.node.findAll()) {
    if (!CfnResource.isCfnResource(construct)) continue;
    // What is in another stage of the app may not be ready to be rendered.
    const isRendered = when === "synthesis" && Stage.of(construct) === Stage.of(api);
    const type = isRendered ? rendered(construct).Type : construct.cfnResourceType;
    if (type !== "AWS::ApiGatewayV2::Route") continue;
    const set = fieldsOf(construct, ["ApiId", "RouteKey", "AuthorizationType"]);
    const { ApiId, RouteKey, AuthorizationType } = when === "now" ? set : renderedProperties(construct);
    const owner = ownerOf(set.ApiId, when === "now" ? undefined : { id: ApiId, stack: Stack.of(construct) }, api);
    if (owner === "another" || (owner === "unknown" && when === "now")) continue;
    if (when === "now" && (Token.isUnresolved(RouteKey) || Token.isUnresolved(AuthorizationType))) continue;
    const authorization = typeof AuthorizationType === "string" ? AuthorizationType : "NONE";
    // A key that is known at deployment only may be any.
    routes.push({ key: typeof RouteKey === "string" ? RouteKey : "$default", authorization });
  }
  return routes;
}

/** An API's id as it is in a stack's template. */
interface RenderedId {
  readonly id: unknown;
  readonly stack: Stack;
}

/** Whose route it is, by the API's id as it was set and, at synthesis, as it will be in the template. */
function ownerOf(set: unknown, template: RenderedId | undefined, api: IHttpApi): "ours" | "another" | "unknown" {
  // In the template of another stack the id is an import: what was set says whose it is, if nothing has overridden it.
  const isAsSet = template === undefined || isSame(template.stack.resolve(set), template.id);
  if (isAsSet && set === api.apiId) return "ours";
  const theirs = (isAsSet ? apiOf(set) : undefined) ?? (template && apiInTemplate(template));
  if (theirs !== undefined) return theirs === apiOf(api.apiId) ? "ours" : "another";
  // INVARIANT: a token that is no reference to an API of this app may be any API's id.
  return "unknown";
}

/** The API that an id names: its resource if the app makes it, or a literal id; `undefined` if that is not known. */
function apiOf(id: unknown): CfnResource | string | undefined {
  if (!Token.isUnresolved(id)) return typeof id === "string" ? id : undefined;
  const token = Tokenization.reverse(id, { failConcat: false });
  if (!Reference.isReference(token) || !["Ref", "ApiId"].includes(token.displayName)) return undefined;
  return isApi(token.target) ? token.target : undefined;
}

/** The same of an id in a template. */
function apiInTemplate({ id, stack }: RenderedId): CfnResource | string | undefined {
  if (typeof id !== "object" || id === null) return apiOf(id);
  const { Ref, "Fn::GetAtt": attribute } = id as { Ref?: unknown; "Fn::GetAtt"?: unknown };
  const [logicalId, name] = Array.isArray(attribute) ? attribute : [Ref, "ApiId"];
  if (name !== "ApiId") return undefined;
  const isIt = (resource: CfnResource) =>
    Stack.of(resource) === stack && stack.resolve(resource.logicalId) === logicalId;
  return stack.node.findAll().filter(isApi).find(isIt);
}

function isApi(construct: IConstruct): construct is CfnResource {
  return CfnResource.isCfnResource(construct) && construct.cfnResourceType === "AWS::ApiGatewayV2::Api";
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

type Properties = Readonly<Record<string, unknown>>;

/** By the names that they have in a template. */
function fieldsOf(resource: CfnResource, names: readonly string[]): Properties {
  const fields = resource as unknown as Properties;
  // A resource without a class of its own has its properties here.
  const { _cfnProperties: others = {} } = fields as { _cfnProperties?: Properties };
  const field = (name: string) => fields[name.charAt(0).toLowerCase() + name.slice(1)] ?? others[name];
  return Object.fromEntries(names.map((name) => [name, field(name)]));
}

function renderedProperties(resource: CfnResource): Properties {
  return rendered(resource).Properties ?? {};
}

/** A resource as in the template, with what `addOverride` has changed, which no public method shows. */
function rendered(resource: CfnResource): { readonly Type?: string; readonly Properties?: Properties } {
  const template = (resource as unknown as { _toCloudFormation(): unknown })._toCloudFormation();
  const { Resources = {} } = Stack.of(resource).resolve(template) as {
    Resources?: Record<string, { Type?: string; Properties?: Properties }>;
  };
  return Object.values(Resources)[0] ?? {};
}

/**
 * The routes that the end of an ARN, `GET/items/*`, may open: those for which there is a request that both fit. A route may
 * be named though a more special one takes its requests.
 */
export function opened(suffix: string, routes: readonly ApiRoute[]): ApiRoute[] {
  const exact = routes.filter((route) => !suffix.includes("*") && route.key === suffix.replace("/", " /"));
  if (exact.length > 0) return exact;
  const pattern = [...suffix].map((character) => (character === "*" ? ANY_NUMBER : one(character)));
  const found = routes.filter((route) => overlap(pattern, routePattern(route.key)));
  // A single request gets to `$default` only if it fits no other route.
  const special = found.filter((route) => route.key !== "$default");
  return suffix.includes("*") || special.length === 0 ? found : special;
}

/** A character, one but a slash, or any; once, or any number of times. */
interface Piece {
  readonly is: string | "segment" | "any";
  readonly repeats: boolean;
}

const ANY_NUMBER: Piece = { is: "any", repeats: true };
const one = (is: string): Piece => ({ is, repeats: false });

function routePattern(key: string): Piece[] {
  if (key === "$default") return [ANY_NUMBER];
  const [method = "", path = ""] = key.split(" ");
  const pieces: Piece[] = method === "ANY" ? [one("segment"), { is: "segment", repeats: true }] : [...method].map(one);
  for (const part of path.split(/(\{[^}]*\})/)) {
    if (!part.startsWith("{")) pieces.push(...[...part].map(one));
    else if (part.endsWith("+}")) pieces.push(one("any"), ANY_NUMBER);
    else pieces.push(one("segment"), { is: "segment", repeats: true });
  }
  return pieces;
}

/** Whether a text fits both. */
function overlap(a: readonly Piece[], b: readonly Piece[]): boolean {
  const seen = new Set<number>();
  const from = (i: number, j: number): boolean => {
    const state = i * (b.length + 1) + j;
    if (seen.has(state)) return false;
    seen.add(state);
    const [x, y] = [a[i], b[j]];
    if (x === undefined && y === undefined) return true;
    if (x?.repeats && from(i + 1, j)) return true;
    if (y?.repeats && from(i, j + 1)) return true;
    if (x === undefined || y === undefined || !shareCharacter(x.is, y.is)) return false;
    return from(x.repeats ? i : i + 1, y.repeats ? j : j + 1);
  };
  return from(0, 0);
}

function shareCharacter(x: string, y: string): boolean {
  if (x === y || x === "any" || y === "any") return true;
  if (x === "segment") return y !== "/";
  if (y === "segment") return x !== "/";
  return false;
}
