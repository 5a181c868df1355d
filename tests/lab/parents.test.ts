import { expect, test } from 'vitest';
import type { Dialect } from '#engine/protocol.ts';
import { suite } from '../suite.ts';
import { credentialOf, through, withEngine } from './engine.ts';
import { badPasswordCount, DOMAIN, parent, parentCertificate, user, type LabUser } from './lab.ts';
import { get, tunnel } from './requests.ts';

const echo = (): string => `127.0.0.1:${parent('echo').port}`;

/** A request and a tunnel must both come through. */
async function expectThrough(config: Parameters<typeof withEngine>[0]): Promise<void> {
  await withEngine(config, async ({ port }) => {
    expect(await get(port, `http://${echo()}/path`)).toMatchObject({ status: 200 });
    expect(await tunnel(port, echo())).toMatchObject({ status: 200 });
    const many = Array.from({ length: 8 }, () => tunnel(port, echo()));
    for (const { status } of await Promise.all(many)) expect(status).toBe(200);
  });
}

suite('signs in to Squid, checked by the domain', ['samba', 'squid'], () => {
  test.for(['ntlm', 'negotiate', 'all', 'closing', 'open'] as const)('port %s', async (name) => {
    await expectThrough(through(parent(name), credentialOf(user('alice'))));
    expect(await badPasswordCount('alice')).toBe(0);
  });

  test('over TLS, with channel bindings', async () => {
    const tls = { ca: await parentCertificate() };
    await expectThrough(through({ ...parent('tls'), tls }, credentialOf(user('alice'))));
    expect(await badPasswordCount('alice')).toBe(0);
  });

  test('over TLS only to a parent whose certificate is trusted', async () => {
    const config = through({ ...parent('tls'), tls: {} }, credentialOf(user('alice')));
    await withEngine(config, async ({ port }) => {
      const answer = await get(port, `http://${echo()}/`);
      expect(answer).toMatchObject({ status: 502 });
      expect(answer.proxyStatus).toContain('tls_certificate_error');
    });
  });

  test.for(['bob', 'müller', 'иван', 'longpw', 'jdoe'])('user %s', async (name) => {
    await expectThrough(through(parent('ntlm'), credentialOf(user(name))));
    expect(await badPasswordCount(name)).toBe(0);
  });

  test('a user principal name, without a domain', async () => {
    const { password } = user('jdoe');
    const principal: LabUser = { name: 'john.doe@corp.lab.test', password };
    await expectThrough(through(parent('ntlm'), credentialOf(principal, '')));
    expect(await badPasswordCount('jdoe')).toBe(0);
  });

  test.for(['disabled', 'mustchange'])('an account that is %s is refused, once', async (name) => {
    await withEngine(
      through(parent('ntlm'), credentialOf(user(name))),
      async ({ port, events }) => {
        for (let round = 0; round < 3; round += 1) {
          expect((await get(port, `http://${echo()}/`)).status).toBe(502);
        }
        expect(events.filter(({ type }) => type === 'credential-rejected')).toHaveLength(1);
      },
    );
  });

  test('a Basic parent, once the password may be sent', async () => {
    const { name, password } = user('alice');
    const credential = {
      ...credentialOf({ name: `${DOMAIN}\\${name}`, password }, ''),
      secrets: { password: Buffer.from(password) },
    };
    await expectThrough(through(parent('basic'), credential));
  });
});

suite('every dialect', ['samba', 'squid'], () => {
  const DIALECTS: readonly Dialect[] = ['ntlmv2', 'ntlm2sr', 'nt', 'ntlm', 'lm'];

  test.for(DIALECTS)('%s', async (dialect) => {
    const credential = credentialOf({ name: 'User', password: 'Password' }, 'Domain', dialect);
    await expectThrough(through(parent('any'), credential, { auth: { scheme: 'ntlm', dialect } }));
  });
});

suite('signs in to Apache', ['apache', 'samba', 'squid'], () => {
  test.for(['ntlm', 'negotiate'] as const)('with the scheme %s', async (scheme) => {
    const credential = credentialOf(user('alice'), 'LAB');
    await expectThrough(
      through(parent('apache'), credential, { auth: { scheme, dialect: 'ntlmv2' } }),
    );
  });
});
