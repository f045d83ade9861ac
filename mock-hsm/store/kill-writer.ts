// A client that changes one key and one role assignment over and over, and remembers what the mock has acknowledged.
// When the mock dies under a request, both outcomes of that request are allowed.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Answer, type PoolConnection, role } from '../contract/pool-connection.ts';

/** What can be seen of the key and the assignment. */
interface Seen {
  readonly key: 'none' | 'live' | 'deleted';
  readonly versions: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly expiryTime?: string;
  readonly assigned: boolean;
}

interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly asAdmin?: boolean;
  readonly after: Seen;
}

const nothing: Seen = { key: 'none', versions: 0, tags: {}, assigned: false };

export class KillWriter {
  readonly #name: string;
  readonly #pick: (count: number) => number;
  readonly #assignment: string;
  #seen: Seen = nothing;
  #pending: Seen | undefined;
  #count = 0;
  acknowledged = 0;

  /** @param pick a whole number from 0 up to, not including, `count` */
  constructor(name: string, pick: (count: number) => number) {
    this.#name = name;
    this.#pick = pick;
    this.#assignment = `/keys/${name}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
  }

  /** Writes until the connection breaks. Throws when the mock refuses what it should do. */
  async run(pool: PoolConnection): Promise<void> {
    for (;;) {
      const step = this.#next();
      this.#pending = step.after;
      let answer: Answer;
      try {
        const { method, path, body } = step;
        answer = await (step.asAdmin === true ? pool.asAdmin(method, path, body) : pool.call(method, path, { body }));
      } catch {
        return;
      }
      if (answer.status >= 300) throw new Error(`${step.method} ${step.path}: ${JSON.stringify(answer.body)}`);
      this.#seen = step.after;
      this.#pending = undefined;
      this.acknowledged += 1;
    }
  }

  /** Looks at what is there after a restart. @returns what is wrong, if anything is */
  async check(pool: PoolConnection): Promise<string | undefined> {
    const found = await this.#look(pool);
    const allowed = [this.#seen, ...(this.#pending === undefined ? [] : [this.#pending])];
    this.#pending = undefined;
    this.#seen = found;
    if (!allowed.some((each) => isDeepStrictEqual(each, found))) {
      return `${this.#name} is ${JSON.stringify(found)}; allowed: ${JSON.stringify(allowed)}`;
    }
    if (found.key !== 'live') return undefined;
    const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
    const { status } = await pool.call('POST', `/keys/${this.#name}/sign`, { body });
    return status === 200 ? undefined : `${this.#name} does not sign: ${status}`;
  }

  #next(): Step {
    this.#count += 1;
    const seen = this.#seen;
    const path = `/keys/${this.#name}`;
    const tags = { count: String(this.#count) };
    const create: Step = {
      method: 'POST',
      path: `${path}/create`,
      body: { kty: 'EC-HSM', tags },
      after: { ...seen, key: 'live', versions: seen.versions + 1, tags },
    };
    const properties = { roleDefinitionId: role.cryptoUser, principalId: randomUUID() };
    const assign: Step = seen.assigned
      ? { method: 'DELETE', path: this.#assignment, asAdmin: true, after: { ...seen, assigned: false } }
      : {
          method: 'PUT',
          path: this.#assignment,
          body: { properties },
          asAdmin: true,
          after: { ...seen, assigned: true },
        };
    if (seen.key === 'none') return this.#oneOf([create, create, assign]);
    if (seen.key === 'deleted') {
      const deleted = `/deletedkeys/${this.#name}`;
      const { expiryTime: _, ...rest } = seen;
      return this.#oneOf([
        { method: 'POST', path: `${deleted}/recover`, after: { ...seen, key: 'live' } },
        { method: 'DELETE', path: deleted, after: { ...rest, key: 'none', versions: 0, tags: {} } },
        assign,
      ]);
    }
    const expiryTime = `P${30 + (this.#count % 300)}D`;
    const policy = { attributes: { expiryTime }, lifetimeActions: [] };
    const update: Step = { method: 'PATCH', path, body: { tags }, after: { ...seen, tags } };
    return this.#oneOf([
      ...(seen.versions < 20 ? [create] : []),
      update,
      update,
      { method: 'PUT', path: `${path}/rotationpolicy`, body: policy, after: { ...seen, expiryTime } },
      { method: 'DELETE', path, after: { ...seen, key: 'deleted' } },
      assign,
    ]);
  }

  #oneOf(steps: readonly Step[]): Step {
    const step = steps[this.#pick(steps.length)];
    if (step === undefined) throw new Error('no step');
    return step;
  }

  async #look(pool: PoolConnection): Promise<Seen> {
    const path = `/keys/${this.#name}`;
    const [live, deleted, versions, policy, assignment] = await Promise.all([
      pool.call('GET', path),
      pool.call('GET', `/deletedkeys/${this.#name}`),
      pool.call('GET', `${path}/versions`),
      pool.call('GET', `${path}/rotationpolicy`),
      pool.asAdmin('GET', this.#assignment),
    ]);
    const assigned = assignment.status === 200;
    const { key } = this.#seen;
    // What a deleted key has kept is seen when it is recovered.
    if (deleted.status === 200) {
      const before = key === 'none' ? (this.#pending ?? this.#seen) : this.#seen;
      return { ...before, key: 'deleted', tags: deleted.body.tags, assigned };
    }
    if (live.status !== 200) return { ...nothing, assigned };
    const expiryTime = policy.body.attributes.expiryTime;
    return {
      key: 'live',
      versions: versions.body.value.length,
      tags: live.body.tags,
      // Unset, it is answered as an empty text.
      ...(expiryTime === '' ? {} : { expiryTime }),
      assigned,
    };
  }
}
