/** A variable of the environment; undefined where it is unset or empty, or there is no environment, or no leave to read it. */
export function env(name: string): string | undefined {
  try {
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
    return process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}

/** The region that the environment says. */
export function environmentsRegion(): string | undefined {
  return env("AWS_REGION") ?? env("AWS_DEFAULT_REGION");
}

/** The variable that names sessions. */
export const SESSION_NAME = "AWS_ROLE_SESSION_NAME";

/** Whether it does. */
export function namesSession(): boolean {
  return env(SESSION_NAME) !== undefined;
}

/** The name under which the other side's logs show this caller, unless one is given. */
export function defaultSessionName(): string {
  const named = env(SESSION_NAME);
  if (named !== undefined) return named;
  const characters = Array.from(env("AWS_LAMBDA_FUNCTION_NAME") ?? "");
  const cleaned = characters.slice(0, 64).map((character) => (/[A-Za-z0-9_+=,.@-]/.test(character) ? character : "-"));
  return cleaned.length >= 2 ? cleaned.join("") : "xacct-sign";
}
