import { expect, test } from 'vitest';
import { defaultAgentUser, findUser } from './user.ts';

const passwd = 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:34:www:/var/www:/usr/sbin/nologin\n';

test('a user is found by name, a number stands for itself', () => {
  expect(findUser('www-data', passwd)).toEqual({ uid: 33, gid: 34 });
  expect(findUser(990, passwd)).toEqual({ uid: 990, gid: 990 });
  expect(findUser('990', passwd)).toEqual({ uid: 990, gid: 990 });
  expect(findUser(33, passwd)).toEqual({ uid: 33, gid: 34 });
  expect(findUser('nginx', passwd)).toBeUndefined();
});

test('the default is the service user, else an id that no named user has', () => {
  expect(defaultAgentUser('/etc/mhsm-pkcs11.conf', 'mhsm-pkcs11:x:105:106::/:/bin/false')).toEqual({
    uid: 105,
    gid: 106,
  });
  const unnamed = defaultAgentUser('/etc/mhsm-pkcs11.conf', passwd);
  expect(unnamed.uid).toBeGreaterThanOrEqual(61_184);
  expect(unnamed.uid).toBeLessThanOrEqual(65_519);
  expect(defaultAgentUser('/etc/other.conf', passwd)).not.toEqual(unnamed);
});
