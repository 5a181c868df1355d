import { expect, onTestFinished, test } from 'vitest';
import { createEngine } from '../engine.ts';
import type { EngineConfig } from '../protocol.ts';
import { configOf, createStand, endpointOf, type Stand } from '../testing/engine-stand.ts';
import { connectClient } from '../testing/proxy-client.ts';
import { fieldOf } from '../testing/read-messages.ts';
import { connectRequest, getRequest, verdictOf } from '../testing/requests.ts';

const OPEN = { scheme: 'none', dialect: 'ntlmv2' } as const;

async function start(config: Partial<EngineConfig> = {}): Promise<Stand> {
  const stand = await createStand({ config });
  onTestFinished(() => stand.close());
  return stand;
}

async function ask(port: number, request: string): Promise<string> {
  const client = await connectClient(port);
  onTestFinished(() => void client.socket.destroy());
  return verdictOf(await client.ask(request));
}

const SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '0.0.0.0',
  '0',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'x.localhost',
  '127.0.0.2',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:0:0:1]',
] as const;

test.for(SPELLINGS)('%s with our own port is refused, on any route', async (host) => {
  for (const route of ['direct', 'parents'] as const) {
    const stand = await start({ route });
    const own = `${host}:${stand.port}`;
    expect(await ask(stand.port, getRequest(own))).toBe('403 own-address');
    expect(await ask(stand.port, connectRequest(own))).toBe('403 own-address');
    expect(stand.parent.stats.connections).toBe(0);
  }
});

test('the same addresses with another port are served', async () => {
  const stand = await start({ route: 'direct' });
  const { port } = stand.origin;
  for (const host of ['127.0.0.1', 'localhost']) {
    expect(await ask(stand.port, getRequest(`${host}:${port}`))).toBe('200');
  }
});

test('two engines that are each other’s parent refuse what goes round', async () => {
  const [one, two] = [await start(), await start()];
  await one.engine.apply(one.configure({ parents: [endpointOf(two)], auth: OPEN }));
  await two.engine.apply(two.configure({ parents: [endpointOf(one)], auth: OPEN }));
  for (const request of [getRequest('far.example'), connectRequest('far.example:443')]) {
    for (const { port } of [one, two]) {
      const client = await connectClient(port);
      onTestFinished(() => void client.socket.destroy());
      const reply = await client.ask(request);
      expect(verdictOf(reply)).toBe('508 loop');
      expect(fieldOf(reply, 'Proxy-Status')).toContain('error=proxy_loop_detected');
    }
  }
});

test('three engines in a ring refuse it too, and a chain without a ring is served', async () => {
  const [one, two, three] = [await start(), await start(), await start({ route: 'direct' })];
  await one.engine.apply(one.configure({ parents: [endpointOf(two)], auth: OPEN }));
  await two.engine.apply(two.configure({ parents: [endpointOf(three)], auth: OPEN }));
  expect(await ask(one.port, getRequest(one.origin.authority))).toBe('200');
  await three.engine.apply(
    three.configure({ route: 'parents', parents: [endpointOf(one)], auth: OPEN }),
  );
  expect(await ask(one.port, getRequest(one.origin.authority))).toBe('508 loop');
});

test.for(['127.0.0.1', 'localhost'])(
  'a parent that is our own listener on %s is refused',
  async (host) => {
    const engine = createEngine({ emit: () => undefined });
    onTestFinished(() => engine.stop(0));
    await engine.apply(configOf({ route: 'direct' }));
    const port = engine.addresses[0]?.port ?? 0;
    await engine.apply(configOf({ parents: [{ host, port }], auth: OPEN }));
    expect(await ask(port, getRequest('far.example'))).toBe('508 loop');
    expect(await ask(port, connectRequest('far.example:443'))).toBe('508 loop');
  },
);

test('a parent that is our own listener does not stop the next one', async () => {
  const stand = await start();
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf(stand), endpointOf(stand.parent)] }),
  );
  expect(await ask(stand.port, getRequest(stand.origin.authority))).toBe('200');
});
