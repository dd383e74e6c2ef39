import type { Duration } from "aws-cdk-lib";
import type { IRestApi } from "aws-cdk-lib/aws-apigateway";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IFunctionUrl } from "aws-cdk-lib/aws-lambda";

/** Where the API is: one of the three. */
export type ApiProps =
  | { readonly httpApi: IHttpApi; readonly restApi?: undefined; readonly functionUrl?: undefined }
  | { readonly httpApi?: undefined; readonly restApi: IRestApi; readonly functionUrl?: undefined }
  | { readonly httpApi?: undefined; readonly restApi?: undefined; readonly functionUrl: IFunctionUrl };

/** No API: it is the one that a manifest says. */
export interface NoApi {
  readonly httpApi?: undefined;
  readonly restApi?: undefined;
  readonly functionUrl?: undefined;
}

/** What holds wherever the callers are written down. */
export interface CommonProps {
  /**
   * The stage of the API. Its name in title case is a part of the roles' names (`pre-prod` gives `PreProd`), and no part
   * of their logical ids.
   */
  readonly stage: string;

  /**
   * That every route of the API, or the function's URL, is authorized by IAM, where it cannot be seen: it is imported, or its
   * routes are in an OpenAPI document. What can be seen is checked all the same.
   *
   * @default false - an API whose routes cannot be seen is refused
   */
  readonly assertAllRoutesUseIam?: boolean;

  /**
   * Routes that are meant to be without IAM authorization, by their keys, such as `GET /health` or
   * `OPTIONS /{proxy+}`. They are open to whomever their own authorizer lets in, or to everybody. A key of no route fails
   * the synthesis, where the routes can be seen.
   *
   * @default - every route that is opened has to be authorized by IAM
   */
  readonly routesWithoutIam?: readonly string[];
}

/**
 * Callers from a manifest.
 *
 * The API may be left out: then it is the one that the manifest says, as an imported one. If it is made in this app, its own
 * id takes the place of the manifest's; an id that is known has to be the same.
 */
export type ManifestProps = FromManifest & (ApiProps | NoApi);

/** What callers from a manifest take beside the API. */
export interface FromManifest extends CommonProps {
  /**
   * The manifest's file, relative to the working directory. Its lock file is read too, if there is one
   * (`xacct.toml` has `xacct.lock.toml`), and not written: `xacct-sign render` does that.
   */
  readonly manifest: string;
}

/** Callers in code. Account and region are those of the API. */
export type CallersProps = InCode & ApiProps;

/** What callers in code take beside the API. */
export interface InCode extends CommonProps {
  /** The callers by name. */
  readonly callers: Readonly<Record<string, ApiCaller>>;

  /**
   * How the callers come in: an HTTP API takes roles alone.
   *
   * @default AccessForm.ROLE
   */
  readonly access?: AccessForm;

  /**
   * The stage's name in API Gateway, such as `httpStage.stageName`.
   *
   * @default - "$default"; of a REST API the stage that it is deployed to
   */
  readonly apiStage?: string;

  /**
   * The ids of the VPC endpoints through which alone a private REST API is called.
   *
   * @default - any way in
   */
  readonly vpcEndpoints?: readonly string[];

  /**
   * Whether the function itself keeps callers to their routes, which no policy of a function URL does.
   *
   * @default false - callers of a function URL have no routes
   */
  readonly routesEnforcedByFunction?: boolean;

  /**
   * What the names of the roles begin with, after a path if there is one: `apis/Allow`.
   *
   * @default "ApiAllowByIamRole"
   */
  readonly roleName?: string;

  /**
   * The longest session that the roles give, 1 to 12 hours.
   *
   * @default Duration.hours(1)
   */
  readonly maxSessionDuration?: Duration;

  /**
   * The account's quota `Role trust policy length`, 2048 to 4096 characters. Beyond it callers are spread over more roles.
   *
   * @default 2048
   */
  readonly roleTrustPolicyLength?: number;

  /**
   * Whether roles of other stages have no business here.
   *
   * @default - by the stage's name: `prod`, `prd`, `production`, `live`
   */
  readonly production?: boolean;
}

/** Whose roles may call: from a manifest, or in code. */
export type CrossAccountApiAccessProps = ManifestProps | CallersProps;

/** How callers come in. */
export enum AccessForm {
  /** They assume a role in the API's account. */
  ROLE = "role",
  /** They call as their own roles: a policy of the API's names them. */
  DIRECT = "direct",
}

/** How a trust policy names a role. */
export enum TrustForm {
  /** By its ARN: the role has to exist, and when it is made anew the trust is dead until the policy is saved again. */
  ROLE = "role",
  /** By its account, with the role's ARN in a condition on `aws:PrincipalArn`: works before the role exists. */
  ACCOUNT = "account",
}

/** A role of an account, or a whole organization. */
export interface ApiCaller {
  /**
   * The caller's account, 12 digits; `*` for every account, by `TrustForm.ACCOUNT`.
   *
   * @default - the caller is an organization
   */
  readonly account?: string;

  /**
   * The role that the caller runs as on this stage, after its path if it has one; `*` for the whole account, by
   * `TrustForm.ACCOUNT`. Several are all let in.
   *
   * @default - the caller is an organization
   */
  readonly role?: string | readonly string[];

  /**
   * How the trust policy names the role.
   *
   * @default TrustForm.ROLE
   */
  readonly trust?: TrustForm;

  /**
   * The id of an organization of AWS Organizations, instead of `account` and `role`.
   *
   * @default - the caller is a role of an account
   */
  readonly organization?: string;

  /**
   * What the caller has to send as ExternalId.
   *
   * @default - none
   */
  readonly externalId?: string;

  /**
   * The session names that the caller may take, with `*` and `?`.
   *
   * @default - any
   */
  readonly sessionNames?: readonly string[];

  /**
   * The keys of the session tags that the caller may send (`sts:TagSession`).
   *
   * @default - none
   */
  readonly tags?: readonly string[];

  /**
   * The source identities that the caller may set, with `*` and `?` (`sts:SetSourceIdentity`).
   *
   * @default - none
   */
  readonly sourceIdentity?: readonly string[];

  /**
   * Whether the caller belongs to another company.
   *
   * @default false
   */
  readonly thirdParty?: boolean;

  /**
   * The routes that the caller may use: `METHOD /path`, `ANY` for the seven methods, `{name}` for one segment, `{name+}` or
   * `*` at the end for the rest. Such a caller has a role of its own.
   *
   * @default - every route
   */
  readonly routes?: readonly string[];
}
