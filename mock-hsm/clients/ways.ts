// The two ways to reach a mock with an SDK: at Azure's own names, or at a port and a name of one's own.

export interface Way {
  readonly way: string;
  readonly port: number;
  /** Environment of the programs beside credentials and trust. */
  readonly settings: Readonly<Record<string, string>>;
}

export const ways: readonly Way[] = [
  { way: 'without any option, at the names of Azure', port: 443, settings: {} },
  {
    way: 'with a port of its own',
    port: 8443,
    settings: { POOL_URL: 'https://mypool.hsm.test:8443', AZURE_AUTHORITY_HOST: 'https://localhost:8443' },
  },
];
