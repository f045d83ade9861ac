import { writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { mountFor } from './mount-namespace.ts';

const LOCALHOST = '127.0.0.1';
const FIRST = 2;

/** One address of the HSM: passes on what comes, until it falls silent or is closed. */
class Address {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;

  private constructor(address: string, port: number) {
    this.address = address;
    this.#server = createServer((client) => {
      const hsm = connect(port, LOCALHOST);
      for (const [from, to] of [
        [client, hsm],
        [hsm, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        if (!this.#silent) from.pipe(to);
      }
    });
  }

  static async listen(address: string, port: number): Promise<Address> {
    const made = new Address(address, port);
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', reject);
      made.#server.listen(port, address, resolve);
    });
    return made;
  }

  /** As a host behind a firewall that drops everything: connections stay open, nothing passes. */
  fallSilent(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** As a host where nothing listens any more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

export type Gone = 'silent' | 'closed';

/** The name of the HSM, as the server's side of this host resolves it: to one address after another. */
export class HsmAddress {
  readonly #port: number;
  readonly #hostsFile: string;
  readonly #addresses: Address[] = [];

  constructor(url: string, folder: string) {
    this.#port = Number(new URL(url).port);
    this.#hostsFile = join(folder, 'hosts');
  }

  get isTaken(): boolean {
    return this.#addresses.length > 0;
  }

  /** Lets `localhost`, the name of mock-hsm, be what this says for a process and its relatives. */
  async takeOver(pid: number): Promise<void> {
    await this.#next();
    await mountFor(pid, 'mount', '--bind', this.#hostsFile, '/etc/hosts');
  }

  /** The address that is in use serves nobody any more. */
  end(how: Gone): void {
    const current = this.#addresses.at(-1);
    if (how === 'silent') current?.fallSilent();
    else current?.close();
  }

  /** The name resolves to another address, where the HSM serves. */
  async move(): Promise<void> {
    await this.#next();
  }

  async #next(): Promise<void> {
    const address = await Address.listen(`127.0.0.${FIRST + this.#addresses.length}`, this.#port);
    this.#addresses.push(address);
    // In place: it is this file that is mounted.
    writeFileSync(this.#hostsFile, `${address.address} localhost\n`);
  }

  close(): void {
    for (const address of this.#addresses) address.close();
  }
}
