// Whether the API that is passed, and the stack, are where the callers' side says.

import { Stack, Token } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { type Api, idOf, idOfStage, placeOf } from "./api.js";
import { XacctSignError } from "./errors.js";
import type { Stage } from "./module.js";
import type { FromManifest } from "./props.js";

/** The props by the targets that they are for. */
const PROPS = { http_api: "httpApi", rest_api: "restApi", function_url: "functionUrl" } as const;

/** Refuses an API that is not the manifest's. */
export function checkPlace(scope: Construct, props: FromManifest, api: Api, stage: Stage): void {
  if (api.kind !== stage.target) {
    throw new XacctSignError(
      "api_mismatch",
      `stage \`${props.stage}\` of \`${props.manifest}\` is a \`${stage.target}\`, and \`${PROPS[api.kind]}\` is given`,
      `give \`${PROPS[stage.target]}\`, or correct \`target\` in \`${props.manifest}\``,
    );
  }
  checkAccount(scope, api, stage.account, "the manifest's");
  const { region } = placeOf(api);
  // Of an imported API the region is not known.
  const isOwn = api.construct?.node.defaultChild !== undefined;
  if (isOwn && !Token.isUnresolved(region) && region !== stage.region) {
    throw new XacctSignError(
      "region_mismatch",
      `the API is in the region \`${region}\`, and not in the manifest's, \`${stage.region}\``,
      `correct \`region\` in \`${props.manifest}\`, or deploy the stack there`,
    );
  }
  const there = idOf(api);
  const { key, id } = idOfStage(api, stage);
  if (there !== undefined && !Token.isUnresolved(there) && there !== id) {
    throw new XacctSignError(
      "api_mismatch",
      key === "api_id"
        ? `the API has the id \`${there}\`, and in the manifest stage \`${props.stage}\` has \`${id}\``
        : `the function is \`${there}\`, and in the manifest stage \`${props.stage}\` has \`${id}\``,
      `correct \`${key}\` in \`${props.manifest}\`, or pass the API of the stage`,
    );
  }
}

/** Roles and policies have to be in the API's account. */
export function checkAccount(scope: Construct, api: Api, account: string, whose: string): void {
  for (const actual of [Stack.of(scope).account, placeOf(api).account]) {
    if (Token.isUnresolved(actual) || Token.isUnresolved(account) || actual === account) continue;
    throw new XacctSignError(
      "account_mismatch",
      `the account \`${actual}\` is not ${whose}, \`${account}\``,
      "what lets callers in has to be in the account of the API: deploy the stack there",
    );
  }
}
