import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { certifiedKey } from './certified-keys.ts';
import { Offload } from './offload.ts';
import { SECOND_LABEL, SECOND_NAME, type Site } from './site.ts';
import { writeKeyFile } from './trixie.ts';

const TOKEN = 'shophsm';
/** The files of servers in which keys or the PIN stand. */
const NAMES_KEYS = /\.(conf|cnf|cfg|uri)$/;

/** The tokens of the site's HSM and of another one, each with the credential of its principal: engine and provider take one PIN. */
export function twoTokens(site: Site, second: Offload, changes: readonly [object, object]): object[] {
  return [site.offload, second].map(({ mock }, i) => ({
    slotid: i,
    ...changes[i],
    baseUrl: mock.url,
    caFile: mock.caFile,
    tenantId: mock.env('MHSM_TENANT_ID'),
    authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
    credential: { clientId: mock.offload.clientId, clientSecret: mock.offload.clientSecret },
  }));
}

/** Another HSM, with a key for the site's second name and its certificate in the place of the former one. */
export async function startSecondHsm(site: Site): Promise<Offload> {
  const second = await Offload.start(site.file('second'));
  await second.grantReading();
  const wanted = { label: SECOND_LABEL, type: 'RSA', serverName: SECOND_NAME, out: site.file('tls/shop.crt') } as const;
  site.keys.set(SECOND_LABEL, await certifiedKey(second, site.authority, wanted));
  return second;
}

/** A server's files, after the second name's key has moved: its URI names another token, and nobody gives a PIN. */
function renameToken(text: string): string {
  return text
    .replaceAll(`token=demo;object=${SECOND_LABEL}`, `token=${TOKEN};object=${SECOND_LABEL}`)
    .replace(/^(pkcs11-module-token-)?PIN = .*\n/im, '');
}

/**
 * Gives a site whose server has been started with one HSM and a PIN a second HSM, which takes over the second name. The server
 * sees it after a restart.
 * @param requestMs the longest that a signature may take then
 */
export async function moveSecondName(site: Site, requestMs: number): Promise<Offload> {
  const second = await startSecondHsm(site);
  for (const name of [...readdirSync(site.folder), ...readdirSync(site.file('tls')).map((file) => `tls/${file}`)]) {
    if (NAMES_KEYS.test(name)) writeFileSync(site.file(name), renameToken(readFileSync(site.file(name), 'utf8')));
  }
  await writeKeyFile(site, SECOND_LABEL, TOKEN);
  const tokens = twoTokens(site, second, [{ resourceName: 'demo' }, { resourceName: TOKEN }]);
  site.offload.writeConfiguration({ top: { tokens, timeouts: { requestMs } } });
  return second;
}
