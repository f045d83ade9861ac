import { expect, test } from 'vitest';
import { composeService, confinementOf } from './compose-service.ts';

test('a container of its own is confined as the service of docker-compose.yml is', () => {
  expect(confinementOf(composeService('bench'))).toEqual({
    ReadonlyRootfs: true,
    Tmpfs: { '/run': 'mode=0755', '/tmp': '' },
    CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'KILL', 'SETGID', 'SETUID', 'SYS_PTRACE'],
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
  });
});

test('a service that is not there is named', () => {
  expect(() => composeService('none')).toThrow(/docker-compose\.yml has no service none/);
});
