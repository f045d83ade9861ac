/** The module as the model's steps meet it: a client for each application, and the handles of sessions and objects. */

import type { KeyObject } from 'node:crypto';
import { type Client, labelIs, RW } from '../client.ts';
import { importedKey, rsaKey } from '../keys.ts';
import type { Subject, Token } from '../subject.ts';
import type { ModelObject, ModelToken } from './objects.ts';
import type { Model, ModelApplication, ModelSession } from './state.ts';

/** A handle that no session and no object has. */
const NOBODY = 0x7abc_def0;

/** Public halves of the RSA keys, which stay the same from run to run: by subject, by slot. */
const imported = new WeakMap<Subject, Map<number, KeyObject>>();

interface RealApplication {
  readonly client: Client;
  readonly sessions: Map<ModelSession, number>;
  readonly objects: Map<ModelObject, number>;
}

export class Real {
  readonly subject: Subject;
  readonly #applications: RealApplication[] = [];

  constructor(client: Client) {
    this.subject = client.subject;
    this.#applications.push({ client, sessions: new Map(), objects: new Map() });
  }

  #of({ number }: ModelApplication): RealApplication {
    const application = this.#applications[number];
    if (application === undefined) throw new Error(`there is no application ${number}`);
    return application;
  }

  client(application: ModelApplication): Client {
    return this.#of(application).client;
  }

  token({ index }: ModelToken): Token {
    const token = this.subject.tokens[index];
    if (token === undefined) throw new Error(`the subject has no token ${index}`);
    return token;
  }

  /** One more application, which has called nothing yet. */
  startBeside(): void {
    const client = this.#applications[0]?.client.beside(this.#applications.length);
    if (client !== undefined) this.#applications.push({ client, sessions: new Map(), objects: new Map() });
  }

  /** A child of an application, with its handles. `inherited`: each session of the child by that of its parent. */
  async fork(parent: ModelApplication, inherited: ReadonlyMap<ModelSession, ModelSession>): Promise<void> {
    const { client, objects } = this.#of(parent);
    const child = await client.fork(this.#applications.length);
    const sessions = new Map([...inherited].map(([own, childs]) => [childs, this.session(own)]));
    this.#applications.push({ client: child, sessions, objects: new Map(objects) });
  }

  session(session: ModelSession): number {
    return this.#of(session.application).sessions.get(session) ?? NOBODY;
  }

  keepSession(session: ModelSession, handle: number): void {
    this.#of(session.application).sessions.set(session, handle);
  }

  object(application: ModelApplication, object: ModelObject): number {
    return this.#of(application).objects.get(object) ?? NOBODY;
  }

  keepObject(application: ModelApplication, object: ModelObject, handle: number): void {
    this.#of(application).objects.set(object, handle);
  }

  /** The object of a handle that the application knows. */
  objectOf(application: ModelApplication, handle: number): ModelObject | undefined {
    for (const [object, own] of this.#of(application).objects) if (own === handle) return object;
    return undefined;
  }

  /** After C_Finalize a module may give the same numbers again, for other things. */
  forget(application: ModelApplication): void {
    this.#of(application).sessions.clear();
    this.#of(application).objects.clear();
  }

  /** Handles are looked up after every login: a module may give others. In a session of its own, which disturbs none. */
  async findObjects(application: ModelApplication, token: ModelToken): Promise<void> {
    const client = this.client(application);
    const session = await client.open(RW, this.token(token));
    for (const object of token.objects) {
      this.keepObject(application, object, await client.findOne(session, ...object.templateOf(['class', 'id'])));
    }
    await this.#importKey(client, session, token, application);
    await client.ok('closeSession', { session });
  }

  async #importKey(client: Client, session: number, token: ModelToken, application: ModelApplication): Promise<void> {
    const keys = imported.get(this.subject) ?? new Map<number, KeyObject>();
    imported.set(this.subject, keys);
    const rsa = token.keys.find(({ kind }) => kind === rsaKey);
    if (rsa === undefined || keys.has(token.index)) return;
    keys.set(token.index, await importedKey(client, session, this.object(application, rsa.public), rsaKey));
  }

  /** The public half of the token's RSA key; undefined before the first login. */
  rsaKey({ index }: ModelToken): KeyObject | undefined {
    return imported.get(this.subject)?.get(index);
  }

  /** Ends all applications but the first, and leaves the tokens as the next run expects them. */
  async restore(model: Model): Promise<void> {
    for (const { client } of this.#applications.slice(1).reverse()) await client.end();
    const [first] = model.applications;
    if (first === undefined) return;
    const client = this.client(first);
    await client.call('finalize', {});
    await client.call('initialize', {});
    for (const token of model.tokens) if (token.isChanged) await this.#restoreToken(client, token);
  }

  /** Looks for what was changed, and not where the model has it: a run that failed may have left anything. */
  async #restoreToken(client: Client, token: ModelToken): Promise<void> {
    const session = await client.enter(RW, this.token(token));
    for (const object of token.keys.flatMap(({ objects }) => objects)) {
      const { isGenerated, kind } = object.key;
      const [handle] = await client.find(session, ...object.templateOf(['class', 'id']));
      if (handle === undefined) continue;
      const request = { session, object: handle };
      if (isGenerated) await client.call('destroyObject', request);
      else if (object.label !== kind.label) {
        await client.ok('setAttributeValue', { ...request, template: [labelIs(kind.label)] });
      }
    }
    await client.ok('closeSession', { session });
  }
}
