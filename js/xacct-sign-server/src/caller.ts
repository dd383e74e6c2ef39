/** Who is calling: one of the callers of the list. */
export interface Caller {
  /** The caller's name in the manifest. */
  readonly name: string;
  /** The caller's account, 12 digits; left out where it came in by a role that an organization, or every account, may assume. */
  readonly account?: string;
  /**
   * The ARN as AWS said it: a role's with its path (by token), or that of a role's session. With access by role that is the session of
   * the provider's role.
   */
  readonly arn: string;
  /** The name of the caller's own role, without its path; left out where it is not known. */
  readonly role?: string;
  /** The name of the role's session, which the caller chooses; a token has none. */
  readonly session?: string;
  /** The caller's organization, where AWS said it. */
  readonly organization?: string;
  /** How it is known. */
  readonly via: "token" | "proof" | "http_api" | "rest_api" | "function_url";
}
