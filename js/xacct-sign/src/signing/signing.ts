import type { Credentials } from "../credentials/credentials.js";
import { completeScope, type PartialScope, type Scope } from "./scope.js";
import { Signer } from "./signer.js";

/** What signs now. */
export interface Valid {
  readonly signer: Signer;
  readonly credentials: Credentials;
}

/** Where credentials come from, and what that has to do with regions. */
export interface Source {
  credentials(): Promise<Credentials>;
  /** The region that it was given. */
  readonly region: string | undefined;
  /** Is told of the region of an API before the credentials that sign for it are asked for. */
  learnRegion(region: string): void;
}

/** For how many scopes signers are kept: a program calls a few APIs, if it calls more than one. */
const KEPT = 8;

/** A source of credentials and what they sign for: it keeps a signer for each scope and the credentials that it last got. */
export class Signing {
  readonly #source: Source;
  readonly #scope: PartialScope;
  readonly #last = new Map<string, Valid>();

  constructor(source: Source, scope: PartialScope) {
    this.#source = source;
    this.#scope = scope;
  }

  /**
   * What a request to a URL is signed for.
   *
   * @throws XacctSignError `scope_mismatch`, `invalid_region`
   */
  scopeOf(url: string): Scope {
    return completeScope(this.#scope, url, this.#source.region);
  }

  /** Credentials that are valid now, and the signer for them and a URL. */
  async valid(url: string): Promise<Valid> {
    const scope = this.scopeOf(url);
    this.#source.learnRegion(scope.region);
    const credentials = await this.#source.credentials();
    const name = `${scope.region}/${scope.service}`;
    const last = this.#last.get(name);
    const isSame =
      last?.credentials.accessKeyId === credentials.accessKeyId &&
      last.credentials.secretAccessKey === credentials.secretAccessKey &&
      last.credentials.sessionToken === credentials.sessionToken;
    // A signer holds the derived key, so the last one is kept.
    const signer = isSame && last !== undefined ? last.signer : new Signer({ credentials, ...scope });
    const valid = { signer, credentials: { ...credentials } };
    this.#last.delete(name);
    if (this.#last.size === KEPT) this.#last.clear();
    this.#last.set(name, valid);
    return valid;
  }
}
