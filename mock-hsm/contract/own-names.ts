// Aimed at a real pool, a test file sees that pool through a window: the key names it uses get a prefix of the run on
// their way out and lose it on their way back. So no request can name a key that the run did not make.

const keyPath = /^(\/+(?:deletedkeys|keys)\/+)(?!providers\/|restore$)([^/]+)/i;

export class OwnNames {
  readonly prefix: string;

  /** @param prefix letters, digits and hyphens, unlike anything in the pool */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The path as the pool gets it. */
  outgoing(path: string): string {
    return path.replace(keyPath, `$1${this.prefix}$2`);
  }

  /** A body as the test gets it. */
  incoming(body: string): string {
    return body.replaceAll(this.prefix, '');
  }

  /** The key a path names, as the test calls it. */
  nameIn(path: string): string | undefined {
    return keyPath.exec(path)?.[2];
  }
}
