// Whether what is opened is authorized by IAM.

import type { CfnResource } from "aws-cdk-lib";
import type { Api } from "./api.js";
import { XacctSignError } from "./errors.js";
import type { Opening } from "./module.js";
import { type ApiRoute, opened } from "./routes.js";
import { HTTP_ROUTES, REST_ROUTES, type RoutedApi, routesOf, seenRoutesOf } from "./seen.js";
import { propertiesOf, type When } from "./template.js";

/** What is known about the routes besides what the app shows. */
export interface Assertions {
  readonly allRoutesUseIam: boolean;
  readonly withoutIam: readonly string[];
}

/** What is wrong with the openings, the first of each kind for each route. */
export function violations(
  api: Api,
  openings: readonly Opening[],
  assertions: Assertions,
  when: When,
): XacctSignError[] {
  switch (api.kind) {
    case "http_api":
      return ofRoutes(
        { construct: api.construct, id: api.construct.apiId, kind: HTTP_ROUTES },
        openings,
        assertions,
        when,
      );
    case "rest_api":
      return ofRoutes(
        { construct: api.construct, id: api.construct.restApiId, kind: REST_ROUTES },
        openings,
        assertions,
        when,
      );
    case "function_url":
      if (api.url !== undefined) return ofUrl(api.url, api.meant, when);
      return assertions.allRoutesUseIam ? [] : [hidden("the function URL is not of this app, and cannot be seen")];
  }
}

function ofRoutes(api: RoutedApi, openings: readonly Opening[], assertions: Assertions, when: When): XacctSignError[] {
  const all = routesOf(api, when);
  if (all === undefined && !assertions.allRoutesUseIam) {
    const path = api.construct.node.path;
    return [hidden(`the routes of the API \`${path}\` cannot be seen, as it is imported or described by a document`)];
  }
  const routes = all ?? seenRoutesOf(api, when);
  const errors = new Map<string, XacctSignError>();
  for (const opening of openings) {
    const found = new Set(opening.suffixes.flatMap((suffix) => opened(suffix, routes)));
    for (const route of found) {
      if (route.authorization === "AWS_IAM" || assertions.withoutIam.includes(route.key)) continue;
      if (!errors.has(route.key)) errors.set(route.key, notIam(route, opening, api));
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

/** A URL is authorized as a whole, and hangs on one alias or on the function itself. */
function ofUrl(url: CfnResource, meant: { alias: string | undefined } | undefined, when: When): XacctSignError[] {
  const { AuthType, Qualifier } = propertiesOf(url, ["AuthType", "Qualifier"], when);
  if (AuthType !== "AWS_IAM") {
    return [
      new XacctSignError(
        "url_not_iam",
        `the function URL \`${url.node.path}\` has the auth type \`${AuthType}\`, with which everybody may call it`,
        "give it `authType: FunctionUrlAuthType.AWS_IAM`",
      ),
    ];
  }
  if (meant !== undefined && Qualifier !== meant.alias) {
    const name = (of: unknown) => (of === undefined ? "the function itself" : `the alias \`${of}\``);
    return [
      new XacctSignError(
        "alias_mismatch",
        `the function URL \`${url.node.path}\` hangs on ${name(Qualifier)}, and the stage is ${name(meant.alias)}`,
        "correct `alias` in the manifest, or pass the URL of the stage: a policy of one says nothing of the other",
      ),
    ];
  }
  return [];
}

function hidden(message: string): XacctSignError {
  return new XacctSignError(
    "routes_hidden",
    message,
    "make sure that everything there is authorized by IAM, and say so: `assertAllRoutesUseIam: true`",
  );
}

function notIam(route: ApiRoute, opening: Opening, api: RoutedApi): XacctSignError {
  const opener = opening.route === undefined ? "what opens every route" : `\`${opening.route}\``;
  const hint =
    api.kind === HTTP_ROUTES
      ? "give the route, or the API by `defaultAuthorizer`, an `HttpIamAuthorizer`"
      : "give the method, or the API by `defaultMethodOptions`, `authorizationType: AuthorizationType.IAM`";
  return new XacctSignError(
    "route_not_iam",
    `${opener} opens the route \`${route.key}\`, which is authorized by \`${route.authorization}\` and not by IAM`,
    `${hint}; if it is meant to be as it is, list its key in \`routesWithoutIam\``,
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
