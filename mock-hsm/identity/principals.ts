// Service principals: who can ask for tokens.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Store } from '../store/store.ts';

export interface ServicePrincipal {
  /** The mock's own name for it: `admin`, `client`, or what --service-principal said. */
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly objectId: string;
}

interface Row {
  readonly name: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly sealedSecret: string;
}

export class Principals {
  readonly #store: Store;
  readonly #byClientId = new Map<string, ServicePrincipal>();

  constructor(store: Store) {
    this.#store = store;
    for (const { sealedSecret, ...row } of store.records.all<Row>('principal')) {
      this.#index({ ...row, clientSecret: store.seal.open(sealedSecret, row.clientId).toString() });
    }
  }

  byName(name: string): ServicePrincipal | undefined {
    return [...this.#byClientId.values()].find((principal) => principal.name === name);
  }

  /** The principal of this name, made when there is none. */
  ensure(name: string): ServicePrincipal {
    const known = this.byName(name);
    if (known !== undefined) return known;
    const made: ServicePrincipal = {
      name,
      clientId: randomUUID(),
      clientSecret: randomBytes(30).toString('base64url'),
      objectId: randomUUID(),
    };
    const { clientSecret, ...row } = made;
    const sealedSecret = this.#store.seal.close(Buffer.from(clientSecret), made.clientId);
    this.#store.records.apply([{ kind: 'principal', id: made.clientId, body: { ...row, sealedSecret } satisfies Row }]);
    this.#index(made);
    return made;
  }

  byClientId(clientId: string): ServicePrincipal | undefined {
    return this.#byClientId.get(clientId.toLowerCase());
  }

  #index(principal: ServicePrincipal): void {
    this.#byClientId.set(principal.clientId, principal);
  }
}
