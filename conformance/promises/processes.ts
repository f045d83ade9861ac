/** Forks (Usage Guide: applications and processes), and lengths asked of a loaded module (section 5.2): a C program makes the calls. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { type Client, equal, holds } from '../client.ts';
import { Driven, INITIALIZE, OPEN, signing } from '../driven.ts';
import { p256Key } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Processes are slow to start. */
const cost = 10;

/** A program of its own, from its start to its end. */
async function driven(client: Client, check: (program: Driven) => Promise<void>): Promise<void> {
  const program = await Driven.load(client.subject, client.trace);
  try {
    await program.enter(p256Key);
    await check(program);
  } finally {
    await program.end();
  }
}

/** That a child's answers to `signing` are CKR_OK and a signature. */
function signed([start = '', signature = '']: readonly string[]): void {
  equal(start, '0', 'the answer to C_SignInit in the child');
  const [rv, length] = signature.split(' ');
  equal([rv, length], ['0', '64'], 'code and length of the signature in the child');
}

export const processPromises: readonly Promised[] = [
  promiseOf({
    id: 'fork-child-initializes',
    title: 'A forked child calls C_Initialize and works on its own, and the parent goes on',
    spec: 'Usage Guide: applications and processes; 5.4 C_Initialize',
    by: 'standard',
    needs: 'module',
    cost,
    given: digest,
    check: (client, data) =>
      driven(client, async (program) => {
        const answers = await program.answer(`fork ${INITIALIZE};${OPEN};final`);
        equal(answers[0], '0', 'the answer to C_Initialize in the child');
        equal(answers[1]?.split(' ')[0], '0', 'the answer to C_OpenSession in the child');
        equal(answers.slice(2), ['0', 'ended 0'], 'the end of the child');
        equal((await program.sign(data)).length, 128, 'the digits of the parent’s signature');
      }),
  }),
  promiseOf({
    id: 'fork-child-goes-on',
    title: 'A forked child that does not call C_Initialize signs with the session and the key of its parent',
    spec: 'docs: forks of web servers',
    by: 'ours',
    needs: 'module',
    cost,
    given: fc.tuple(digest, fc.boolean()),
    check: (client, [data, isUsedBefore]) =>
      driven(client, async (program) => {
        if (isUsedBefore) await program.sign(data);
        const answers = await program.answer(`fork ${signing(data).join(';')}`);
        signed(answers);
        equal(answers.at(-1), 'ended 0', 'the end of the child');
        await program.sign(data);
      }),
  }),
  promiseOf({
    id: 'fork-keeps-the-operation',
    title: 'A signature begun before a fork is ended by the parent, whatever the child does',
    spec: 'Usage Guide: applications and processes',
    by: 'standard',
    needs: 'module',
    cost,
    given: fc.tuple(digest, fc.subarray(['init 2', 'final'])),
    check: (client, [data, commands]) =>
      driven(client, async (program) => {
        const [start, sign] = signing(data);
        await program.ok(start);
        await program.answer(`fork ${['slots null', ...commands].join(';')}`);
        const [length] = await program.ok(sign);
        equal(length, '64', 'the length of the signature');
      }),
  }),
  promiseOf({
    id: 'fork-child-finalizes',
    title: 'C_Finalize in a child lets go of the child’s own things: the parent stays logged in',
    spec: 'docs: forks of web servers; Usage Guide: applications and processes',
    by: 'ours',
    needs: 'module',
    cost,
    given: digest,
    check: (client, data) =>
      driven(client, async (program) => {
        const answers = await program.answer(`fork final;${INITIALIZE};final`);
        equal(answers, ['0', '0', '0', 'ended 0'], 'the answers in the child');
        const [, state] = await program.ok('session $session');
        equal(state, `${ck.CKS_RW_USER_FUNCTIONS}`, 'the state of the parent’s session');
        await program.sign(data);
      }),
  }),
  promiseOf({
    id: 'module-sign-length',
    title: 'At a loaded module too, NULL asks for the length of a signature and keeps the operation',
    spec: '5.2; 5.11 C_Sign',
    by: 'standard',
    needs: 'module',
    cost,
    given: fc.tuple(digest, fc.integer({ min: 0, max: 63 })),
    check: (client, [data, room]) =>
      driven(client, async (program) => {
        await program.ok(signing(data)[0]);
        const sign = `sign $session ${hex(data)}`;
        equal((await program.ok(`${sign} null 0`))[0], '64', 'the length');
        const [rv, length] = await program.words(`${sign} buffer ${room}`);
        equal([rv, length], [ck.CKR_BUFFER_TOO_SMALL.toString(16), '64'], 'code and length for too small a buffer');
        equal((await program.ok(`${sign} buffer 64`))[1]?.length, 128, 'the digits');
      }),
  }),
  promiseOf({
    id: 'module-attribute-lengths',
    title: 'At a loaded module too, lengths are told, and what cannot be read is CK_UNAVAILABLE_INFORMATION',
    spec: '5.7 C_GetAttributeValue',
    by: 'standard',
    needs: 'module',
    cost,
    given: fc.shuffledSubarray([ck.CKA_LABEL, ck.CKA_ID, ck.CKA_VALUE, ck.CKA_CERTIFICATE_TYPE], { minLength: 1 }),
    check: (client, types) =>
      driven(client, async (program) => {
        const lengths = new Map([
          [ck.CKA_LABEL, p256Key.label.length],
          [ck.CKA_ID, p256Key.id.length],
        ]);
        for (const room of ['null', '64']) {
          const queries = types.map((type) => `${type}=${room}`).join(' ');
          const [rv, ...answers] = await program.words(`attributes $session $key ${queries}`);
          const told = answers.map((answer) => Number(answer.split(':')[0]));
          equal(
            told,
            types.map((type) => lengths.get(type) ?? -1),
            `the lengths, with room ${room}`,
          );
          const isReadable = types.every((type) => lengths.has(type));
          holds((rv === '0') === isReadable, `the code is 0x${rv}`);
        }
      }),
  }),
];
