import type { Credentials } from "../credentials/credentials.js";
import type { Scope } from "./scope.js";
import { Signer } from "./signer.js";

/** What signs now. */
export interface Valid {
  readonly signer: Signer;
  readonly credentials: Credentials;
}

/** A source of credentials and what they sign for: it keeps the signer for the credentials that it last got. */
export class Signing {
  readonly #source: () => Promise<Credentials>;
  readonly #scope: Scope;
  #last: Valid | undefined;

  constructor(source: () => Promise<Credentials>, scope: Scope) {
    this.#source = source;
    this.#scope = scope;
  }

  /** Credentials that are valid now, and the signer for them. */
  async valid(): Promise<Valid> {
    const credentials = await this.#source();
    const last = this.#last;
    const isSame =
      last?.credentials.accessKeyId === credentials.accessKeyId &&
      last.credentials.secretAccessKey === credentials.secretAccessKey &&
      last.credentials.sessionToken === credentials.sessionToken;
    // A signer holds the derived key, so the last one is kept.
    const signer = isSame && last !== undefined ? last.signer : new Signer({ credentials, ...this.#scope });
    this.#last = { signer, credentials: { ...credentials } };
    return this.#last;
  }
}
