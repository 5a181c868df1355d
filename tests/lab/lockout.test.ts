import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { suite } from '../suite.ts';
import { credentialOf, through, withEngine } from './engine.ts';
import { createHome } from './gatepass.ts';
import { badPasswordCount, createUser, DOMAIN, parent, setPassword } from './lab.ts';
import { get, keepAliveClient, tunnel, type Got } from './requests.ts';
import { createWiretap, type Wiretap } from './wiretap.ts';

const target = (): string => `127.0.0.1:${parent('echo').port}`;

/** So many requests at once, every other one a CONNECT. */
function mixed(proxyPort: number, count: number): Promise<Got[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      index % 2 === 0 ? get(proxyPort, `http://${target()}/${index}`) : tunnel(proxyPort, target()),
    ),
  );
}

async function tap(): Promise<Wiretap> {
  const wiretap = await createWiretap(parent('ntlm'));
  onTestFinished(() => wiretap.close());
  return wiretap;
}

const statuses = (answers: readonly Got[]): Set<number> =>
  new Set(answers.map(({ status }) => status));

suite('the account is never locked', ['samba', 'squid'], () => {
  test('a wrong password in 50 requests, and 50 more after a restart, is one failed logon', async () => {
    const user = await createUser();
    const wiretap = await tap();
    const credential = credentialOf({ ...user, password: 'not-the-password' });

    await withEngine(through(wiretap, credential), async ({ port, events }) => {
      expect(statuses(await mixed(port, 50))).toEqual(new Set([502]));
      const rejections = events.filter(({ type }) => type === 'credential-rejected');
      expect(rejections).toHaveLength(1);
      expect(rejections[0]).toMatchObject({ credential: credential.id });
    });
    expect(await badPasswordCount(user.name)).toBe(1);

    const latched = through(wiretap, credential, { latched: [credential.id] });
    await withEngine(latched, async ({ port }) => {
      const answers = await mixed(port, 50);
      expect(statuses(answers)).toEqual(new Set([502]));
      expect(answers[0]?.proxyStatus).toContain('gatepass');
      expect(answers[0]?.body).toContain('password');
    });
    expect(await badPasswordCount(user.name)).toBe(1);
    expect(wiretap.count('message-3')).toBe(1);
  });

  test('and the command line remembers it from start to start', async () => {
    const user = await createUser();
    const home = await createHome(DOMAIN, { ...user, password: 'not-the-password' });
    onTestFinished(() => home.remove());

    const first = await home.start(parent('ntlm'));
    if (!('gatepass' in first)) throw new Error(first.stderr);
    expect(statuses(await mixed(first.gatepass.port, 50))).toEqual(new Set([502]));
    expect(await first.gatepass.stop()).toBe(0);

    const second = await home.start(parent('ntlm'));
    if (!('exitCode' in second)) throw new Error('it started again');
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain('it is not sent again');
    expect(await badPasswordCount(user.name)).toBe(1);
  });

  test('a password changed under 20 working clients is one failed logon, and they go on', async () => {
    const user = await createUser();
    const wiretap = await tap();
    const clients = Array.from({ length: 20 }, keepAliveClient);
    onTestFinished(() => {
      for (const client of clients) client.destroy();
    });
    const idleParent = 300;

    await withEngine(
      through(wiretap, credentialOf(user)),
      async ({ port, apply }) => {
        const work = (): Promise<Got[]> =>
          Promise.all(clients.map((client) => get(port, `http://${target()}/`, client)));
        for (let round = 0; round < 3; round += 1) {
          expect(statuses(await work())).toEqual(new Set([200]));
        }

        const changed = { ...user, password: 'Chang3d-in-the-domain' };
        await setPassword(user.name, changed.password);
        await setTimeout(idleParent * 4); // signed-in connections go away, as they do over lunch
        const refused = await work();
        expect(statuses(refused)).toEqual(new Set([502]));
        expect(await badPasswordCount(user.name)).toBe(1);

        await apply(through(wiretap, credentialOf(changed)));
        const answers = [...refused, ...(await work())];
        expect(statuses(answers.slice(clients.length))).toEqual(new Set([200]));
        expect(answers.every(({ reused }) => reused)).toBe(true);
        expect(await badPasswordCount(user.name)).toBe(0);
      },
      { idleParent },
    );
  });

  test('200 first requests at once wait for one sign-in, and none is refused', async () => {
    const user = await createUser();
    const wiretap = await tap();

    await withEngine(through(wiretap, credentialOf(user)), async ({ port }) => {
      expect(statuses(await mixed(port, 200))).toEqual(new Set([200]));
    });

    const accepted = wiretap.seen.findIndex(({ status }) => status === 200);
    const before = wiretap.seen.slice(0, accepted);
    expect(before.map(({ what, status }) => status ?? what)).toEqual([
      'message-1',
      407,
      'message-3',
    ]);
    expect(await badPasswordCount(user.name)).toBe(0);
  });
});
