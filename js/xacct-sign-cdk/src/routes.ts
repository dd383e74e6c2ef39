// The routes of an API as far as the app knows them, and which of them a part of an ARN opens.

import { CfnResource, Stack, Token } from "aws-cdk-lib";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";

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

/** The routes of the API that this app makes. */
export function seenRoutesOf(api: IHttpApi, when: When): ApiRoute[] {
  const routes: ApiRoute[] = [];
  for (const construct of api.node.root.node.findAll()) {
    if (!CfnResource.isCfnResource(construct) || construct.cfnResourceType !== "AWS::ApiGatewayV2::Route") continue;
    const names = ["ApiId", "RouteKey", "AuthorizationType"];
    const set = fieldsOf(construct, names);
    const { ApiId, RouteKey, AuthorizationType } = when === "now" ? set : renderedProperties(construct);
    // In the template of another stack the API's id is an import: what was set says whose it is.
    if (![set.ApiId, ApiId].some((id) => isSame(id, api, Stack.of(construct)))) continue;
    // While the app is built a token may be anything yet.
    if (when === "now" && (Token.isUnresolved(RouteKey) || Token.isUnresolved(AuthorizationType))) continue;
    const authorization = typeof AuthorizationType === "string" ? AuthorizationType : "NONE";
    // A key that is known at deployment only may be any.
    routes.push({ key: typeof RouteKey === "string" ? RouteKey : "$default", authorization });
  }
  return routes;
}

function isSame(id: unknown, api: IHttpApi, stack: Stack): boolean {
  if (id === api.apiId) return true;
  const isComparable = Stack.of(api) === stack || !Token.isUnresolved(api.apiId);
  return isComparable && JSON.stringify(stack.resolve(id)) === JSON.stringify(stack.resolve(api.apiId));
}

type Properties = Readonly<Record<string, unknown>>;

/** By the names that they have in a template. */
function fieldsOf(resource: CfnResource, names: readonly string[]): Properties {
  const fields = resource as unknown as Properties;
  return Object.fromEntries(names.map((name) => [name, fields[name.charAt(0).toLowerCase() + name.slice(1)]]));
}

/** With what `addPropertyOverride` has changed, which no public method shows. */
function renderedProperties(resource: CfnResource): Properties {
  const template = (resource as unknown as { _toCloudFormation(): unknown })._toCloudFormation();
  const { Resources } = Stack.of(resource).resolve(template) as {
    Resources: Record<string, { Properties?: Properties }>;
  };
  return Object.values(Resources)[0]?.Properties ?? {};
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
