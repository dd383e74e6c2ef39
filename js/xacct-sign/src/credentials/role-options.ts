import { HINT, OPTION } from "../../wasm/constants.js";
import { type ErrorCode, XacctSignError } from "../errors.js";
import type { OnEvent } from "../events.js";
import { defaultSessionName, namesSession, SESSION_NAME } from "../host/env.js";
import type { Fetch } from "../host/platform.js";
import type { HttpHosts } from "../http-hosts.js";
import { guarded } from "../module/thrown.js";
import { checkScope, ready, WasmAssumeRole } from "../module/wasm.js";
import { requireString } from "../options.js";
import { canonicalUrl, isSamePlace } from "../url.js";
import type { CredentialsInput } from "./credentials.js";
import { namedEndpoint, secureForm } from "./sts-endpoint.js";

/** The role, and how to assume it. */
export interface AssumeRoleOptions {
  /** The ARN of the role to assume. */
  readonly roleArn: string;
  /**
   * The API's region, whose STS endpoint is called. Left out, it is that of the first API that is called with the credentials, or
   * where they are asked for without one, `AWS_REGION` or `AWS_DEFAULT_REGION`.
   */
  readonly region?: string | undefined;
  /**
   * Who assumes the role: credentials, a provider of the AWS SDK, or another `assumeRole`. By default the environment's keys, else
   * what the container has (ECS, EKS Pod Identity, Lambda with SnapStart). A provider is asked anew at each refresh.
   */
  readonly base?: CredentialsInput | undefined;
  /** 2 to 64 characters, shown in the other side's logs: `AWS_ROLE_SESSION_NAME`, the Lambda function's name or `xacct-sign`. */
  readonly sessionName?: string | undefined;
  /** How long the credentials live, in seconds: 900 to 43200, 3600 by default. */
  readonly durationSeconds?: number | undefined;
  /** What the role's trust policy asks for. */
  readonly externalId?: string | undefined;
  /** A session policy as JSON, which narrows what the role may do. */
  readonly policy?: string | undefined;
  /** ARNs of managed session policies. */
  readonly policyArns?: readonly string[] | undefined;
  /** Session tags. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Keys of the tags that stay through further roles. */
  readonly transitiveTagKeys?: readonly string[] | undefined;
  readonly sourceIdentity?: string | undefined;
  /** Another STS endpoint: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, or the region's, by default. */
  readonly stsEndpoint?: string | undefined;
  /**
   * Hosts to which signed requests may go over plain http, such as a compose file's `localstack`: whoever is on the way there can
   * read and repeat them, and read the role's credentials. `XACCT_ALLOW_HTTP_HOSTS`, parted by commas, adds to them.
   */
  readonly allowHttpHosts?: readonly string[] | undefined;
  /** What sends the call; the runtime's `fetch` by default. */
  readonly fetch?: Fetch | undefined;
  /** The clock; the runtime's by default. */
  readonly now?: (() => Date) | undefined;
  /** Is told of refreshes, signed requests and a clock that is off, for logs and metrics. */
  readonly onEvent?: OnEvent | undefined;
}

/** @internal Every one of them. */
export const ASSUME_ROLE_OPTIONS = [
  "roleArn",
  "region",
  "base",
  "sessionName",
  "durationSeconds",
  "externalId",
  "policy",
  "policyArns",
  "tags",
  "transitiveTagKeys",
  "sourceIdentity",
  "stsEndpoint",
  "allowHttpHosts",
  "fetch",
  "now",
  "onEvent",
] as const;

/** @internal The call as the module knows it. */
export interface RoleCall {
  readonly call: WasmAssumeRole;
  /** Whether it goes to an endpoint that somebody named, whatever the region. */
  readonly isNamed: boolean;
  /** Whether that is one of `allowHttpHosts`, over plain http. */
  readonly isPlainHttp: boolean;
}

/**
 * @internal The call, checked.
 *
 * @throws XacctSignError
 */
export function callOf(options: AssumeRoleOptions, hosts: HttpHosts): RoleCall {
  const roleArn = requireString(options.roleArn, "invalid_role_arn", "the role's ARN", HINT.invalid_role_arn);
  const sessionName = options.sessionName ?? defaultSessionName();
  ready();
  const call = new WasmAssumeRole(roleArn, requireString(sessionName, "invalid_session_name", "the session name"));
  const set = (option: keyof typeof OPTION, code: ErrorCode, what: string, value: unknown) => {
    if (value !== undefined && value !== null) call.set(OPTION[option], requireString(value, code, what));
  };
  const setEach = (option: keyof typeof OPTION, code: ErrorCode, what: string, values: unknown) => {
    if (values !== undefined && values !== null && !Array.isArray(values)) {
      throw new XacctSignError(code, `${what} is no array`, { hint: "give an array of strings" });
    }
    for (const value of (values as unknown[] | null | undefined) ?? [])
      set(option, code, `an item of ${what}`, value ?? 0);
  };
  if (options.region !== undefined) {
    const region = requireString(options.region, "invalid_region", "the region", HINT.invalid_region);
    guarded(() => checkScope(region, "sts"));
    call.set(OPTION.region, region);
  }
  const duration: unknown = options.durationSeconds;
  if (duration !== undefined && !Number.isInteger(duration)) {
    throw new XacctSignError("invalid_duration", "`durationSeconds` is no whole number", {
      hint: HINT.invalid_duration,
    });
  }
  set("durationSeconds", "invalid_duration", "the duration", duration === undefined ? undefined : String(duration));
  set("externalId", "invalid_external_id", "the external id", options.externalId);
  set("policy", "invalid_session_policy", "the session policy", options.policy);
  setEach("policyArn", "invalid_session_policy", "`policyArns`", options.policyArns);
  const tags = options.tags ?? {};
  if (typeof tags !== "object" || Symbol.iterator in tags) {
    throw new XacctSignError("invalid_tag", "`tags` is no object of keys and values", { hint: "give { key: value }" });
  }
  for (const [key, value] of Object.entries(tags)) {
    call.set(OPTION.tagKey, key);
    call.set(OPTION.tagValue, requireString(value, "invalid_tag", `the value of the tag \`${key}\``));
  }
  setEach("transitiveTagKey", "invalid_tag", "`transitiveTagKeys`", options.transitiveTagKeys);
  set("sourceIdentity", "invalid_source_identity", "the source identity", options.sourceIdentity);
  const endpoint = options.stsEndpoint ?? namedEndpoint();
  const secure = secureForm(endpoint, hosts);
  set("stsEndpoint", "invalid_endpoint", "the STS endpoint", secure ?? endpoint);
  try {
    guarded(() => call.check());
  } catch (error) {
    const { code, message, hint } = error as XacctSignError;
    if (code !== "invalid_session_name" || options.sessionName !== undefined || !namesSession()) throw error;
    throw new XacctSignError(code, `the environment variable \`${SESSION_NAME}\`: ${message}`, { cause: error, hint });
  }
  if (typeof endpoint === "string" && !isSamePlace(canonicalUrl(endpoint))) {
    throw new XacctSignError("invalid_endpoint", `fetch would not send to \`${endpoint}\` as it was signed`, {
      hint: "give a URL such as `https://sts.ap-northeast-1.amazonaws.com`",
    });
  }
  return { call, isNamed: endpoint !== undefined, isPlainHttp: secure !== undefined };
}
