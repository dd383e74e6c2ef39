import type { Credentials } from "../credentials/credentials.js";
import type { Scope } from "./scope.js";
import { Signer } from "./signer.js";

/** A source of credentials and what they sign for: it keeps the signer for the credentials that it last got. */
export class Signing {
  readonly #source: () => Promise<Credentials>;
  readonly #scope: Scope;
  #signer: Signer | undefined;
  #signerOf: Credentials | undefined;

  constructor(source: () => Promise<Credentials>, scope: Scope) {
    this.#source = source;
    this.#scope = scope;
  }

  /** A signer for credentials that are valid now. */
  async signer(): Promise<Signer> {
    const credentials = await this.#source();
    const last = this.#signerOf;
    const isSame =
      last?.accessKeyId === credentials.accessKeyId &&
      last.secretAccessKey === credentials.secretAccessKey &&
      last.sessionToken === credentials.sessionToken;
    if (isSame && this.#signer !== undefined) return this.#signer;
    // It holds the derived key, so the last one is kept.
    const signer = new Signer({ credentials, ...this.#scope });
    this.#signer = signer;
    this.#signerOf = { ...credentials };
    return signer;
  }
}
