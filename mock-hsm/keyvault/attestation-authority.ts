// Stands for every attestation service. Offline nobody can fetch the keys of Microsoft's, so the mock signs the tokens
// itself, for whichever authority a release policy names: a policy written for the real service works unchanged.
import type { FastifyReply } from 'fastify';
import { exportJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { attestationNotVerified } from '../service-error.ts';
import type { App } from '../traffic/call.ts';
import type { SigningIdentity } from './signing-identity.ts';

const algorithm = 'RS256';
const defaultLifetimeS = 8 * 3600;

export class AttestationAuthority {
  readonly #identity: () => Promise<SigningIdentity>;
  readonly #nowS: () => number;

  constructor(identity: () => Promise<SigningIdentity>, nowS: () => number) {
    this.#identity = identity;
    this.#nowS = nowS;
  }

  /** A token with these claims. @param issuer the authority that it is to be of, a URL @param lifetimeS in seconds */
  async issue(issuer: string, claims: JWTPayload, lifetimeS: number = defaultLifetimeS): Promise<string> {
    const { privateKey, kid, x5c } = await this.#identity();
    const nowS = this.#nowS();
    return new SignJWT({ ...claims, iss: issuer, iat: nowS, nbf: nowS, exp: nowS + lifetimeS })
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT', x5c: [...x5c] })
      .sign(privateKey);
  }

  /** The claims of a token. Throws Forbidden when it is not of this authority, or out of its time. */
  async verify(token: string): Promise<JWTPayload> {
    const { publicKey } = await this.#identity();
    try {
      const currentDate = new Date(this.#nowS() * 1000);
      const { payload } = await jwtVerify(token, publicKey, { algorithms: [algorithm], currentDate });
      return payload;
    } catch {
      throw attestationNotVerified();
    }
  }

  async jwks(): Promise<{ keys: object[] }> {
    const { publicKey, kid, x5c } = await this.#identity();
    return { keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, kid, use: 'sig', x5c }] };
  }
}

const issueBody = z.object({
  issuer: z.url(),
  claims: z.record(z.string(), z.unknown()),
  lifetimeSeconds: z.int().optional(),
});

/** `POST /mock/attestation` gives a token, `GET /mock/attestation/certs` the key that verifies it. */
export function attestationRoutes(app: App, { attestationAuthority }: Service): void {
  app.post('/mock/attestation', async (request, reply: FastifyReply) => {
    const { issuer, claims, lifetimeSeconds } = readBody(issueBody, request.body);
    return reply.send({ token: await attestationAuthority.issue(issuer, claims, lifetimeSeconds) });
  });
  app.get('/mock/attestation/certs', () => attestationAuthority.jwks());
}
