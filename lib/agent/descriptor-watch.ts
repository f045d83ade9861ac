import { closeSync, openSync } from 'node:fs';
import { descriptorLimit } from './connection-limits.ts';

const PERIOD_MS = 1000;

interface Descriptors {
  /** How many this process may have open. */
  readonly limit: () => number;
  /** Opens a file, and closes it again. */
  readonly tryToOpen: () => void;
}

function isNoneLeft({ tryToOpen }: Descriptors): boolean {
  try {
    tryToOpen();
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE';
  }
}

/**
 * Gives a function that looks whether a file can be opened, and says when none could for the first time and when one can
 * again. The runtime closes connections that it has no descriptor for and tells nobody.
 */
export function descriptorWatch(say: (line: string) => void, descriptors: Descriptors): () => void {
  // Its file cannot be opened any more when it is needed.
  const limit = descriptors.limit();
  let wasNoneLeft = false;
  return () => {
    const noneLeft = isNoneLeft(descriptors);
    if (noneLeft !== wasNoneLeft) {
      say(
        noneLeft
          ? `no file descriptor is left (this process may have ${limit}): who connects is turned away; ` +
              "raise LimitNOFILE= of the service or the server's ulimit -n"
          : 'there are file descriptors again',
      );
    }
    wasNoneLeft = noneLeft;
  };
}

/** Looks once a second, as long as the process lives for other reasons. */
export function watchDescriptors(say: (line: string) => void): void {
  const look = descriptorWatch(say, {
    limit: descriptorLimit,
    tryToOpen: () => closeSync(openSync('/dev/null', 'r')),
  });
  setInterval(look, PERIOD_MS).unref();
}
