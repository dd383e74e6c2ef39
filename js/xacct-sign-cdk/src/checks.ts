// Whether what is opened is authorized by IAM.

import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { XacctSignError } from "./errors.js";
import { type ApiRoute, opened, routesOf, seenRoutesOf, type When } from "./routes.js";

/** A part of the API that somebody is allowed to invoke. */
export interface Opening {
  /** The ends of the ARNs, from the method on. */
  readonly suffixes: readonly string[];
  /** As the user wrote it; every route if there is none. */
  readonly route?: string;
}

/** What is known about the routes besides what the app shows. */
export interface Assertions {
  readonly allRoutesUseIam: boolean;
  readonly withoutIam: readonly string[];
}

/** What is wrong with the openings, the first of each kind for each route. */
export function violations(
  api: IHttpApi,
  openings: readonly Opening[],
  assertions: Assertions,
  when: When,
): XacctSignError[] {
  const all = routesOf(api, when);
  if (all === undefined && !assertions.allRoutesUseIam) return [hidden(api)];
  const routes = all ?? seenRoutesOf(api, when);
  const errors = new Map<string, XacctSignError>();
  for (const opening of openings) {
    const found = new Set(opening.suffixes.flatMap((suffix) => opened(suffix, routes)));
    for (const route of found) {
      if (route.authorization === "AWS_IAM" || assertions.withoutIam.includes(route.key)) continue;
      if (!errors.has(route.key)) errors.set(route.key, notIam(route, opening));
    }
    // Routes may still be added, until the app is synthesized.
    if (found.size === 0 && opening.route !== undefined && all !== undefined && when === "synthesis") {
      errors.set(`no ${opening.route}`, notFound(opening.route));
    }
  }
  // An exemption of no route would be one of whatever gets its key later.
  if (all !== undefined && when === "synthesis") {
    for (const key of assertions.withoutIam) {
      if (!all.some((route) => route.key === key)) errors.set(`no exempt ${key}`, noExempt(key));
    }
  }
  return [...errors.values()];
}

function hidden(api: IHttpApi): XacctSignError {
  return new XacctSignError(
    "routes_hidden",
    `the routes of the API \`${api.node.path}\` cannot be seen, as it is imported or described by a document`,
    "make sure that each of its routes is authorized by IAM, and say so: `assertAllRoutesUseIam: true`",
  );
}

function notIam(route: ApiRoute, opening: Opening): XacctSignError {
  const opener = opening.route === undefined ? "what opens every route" : `\`${opening.route}\``;
  return new XacctSignError(
    "route_not_iam",
    `${opener} opens the route \`${route.key}\`, which is authorized by \`${route.authorization}\` and not by IAM`,
    "give the route, or the API by `defaultAuthorizer`, an `HttpIamAuthorizer`; if it is meant to be as it is, list its key in `routesWithoutIam`",
  );
}

function notFound(route: string): XacctSignError {
  return new XacctSignError(
    "route_not_found",
    `\`${route}\` opens no route of the API`,
    "correct it, or add the route to the API",
  );
}

function noExempt(key: string): XacctSignError {
  return new XacctSignError(
    "route_not_found",
    `\`${key}\` in \`routesWithoutIam\` is the key of no route of the API`,
    "write it as the route's key is, or take it out",
  );
}
