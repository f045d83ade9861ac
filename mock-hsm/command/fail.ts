// How a command ends that could not do what it should: one line on standard error, and 1.

export function fail(error: unknown): never {
  process.stderr.write(`mock-hsm: ${messageOf(error)}\n`);
  process.exit(1);
}

function messageOf(error: unknown): string {
  const { code, message, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE')
    return `port ${port} of ${address} is in use; stop what listens there or choose another port`;
  if (code === 'EACCES' && port !== undefined) return `no right to listen on port ${port}; choose one from 1024 up`;
  return message ?? String(error);
}
