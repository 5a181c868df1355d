import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { createEngine, type Engine } from './engine.ts';
import { ProxyError } from './errors.ts';
import type { Timers } from './limits.ts';
import { createPracticeParent } from './practice/practice-parent.ts';
import type { EngineConfig } from './protocol.ts';
import {
  configOf,
  createStand,
  endpointOf,
  eventually,
  USER,
  type Stand,
} from './testing/engine-stand.ts';
import { connectClient, type ProxyClient } from './testing/proxy-client.ts';
import { fieldOf, statusOf } from './testing/read-messages.ts';
import { createRecordingOrigin } from './testing/recording-origin.ts';
import {
  connectRequest,
  getRequest,
  innerRequest,
  postRequest,
  verdictOf,
} from './testing/requests.ts';
import { receivedBy, uploadsTo } from './testing/sign-in-record.ts';
import { listenTcp } from './testing/tcp-server.ts';

async function start(timers: Partial<Timers> = {}): Promise<Stand> {
  const stand = await createStand({ timers });
  onTestFinished(() => stand.close());
  return stand;
}

function createQuiet(): Engine {
  const engine = createEngine({ emit: () => undefined });
  onTestFinished(() => engine.stop(0));
  return engine;
}

async function client(port: number): Promise<ProxyClient> {
  const connected = await connectClient(port);
  onTestFinished(() => void connected.socket.destroy());
  return connected;
}

const loopback = (port: number) => ({ host: '127.0.0.1', port });

test('a switch of the route keeps the listener and its clients', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const connected = await stand.connect();
  expect(statusOf(await connected.ask(getRequest(authority)))).toBe(200);
  expect(stand.parent.stats.requests).toHaveLength(2);
  await stand.engine.apply(stand.configure({ route: 'direct' }));
  expect(stand.engine.addresses).toEqual([loopback(stand.port)]);
  expect(statusOf(await connected.ask(getRequest(authority)))).toBe(200);
  expect(stand.parent.stats.requests).toHaveLength(2);
  await stand.engine.apply(stand.configure());
  expect(statusOf(await connected.ask(getRequest(authority)))).toBe(200);
  expect(stand.parent.stats.requests.length).toBeGreaterThan(2);
});

test('a switch lets a download, an upload and a tunnel end on the old route', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  stand.origin.answerWith(({ start: line }) =>
    line.includes('/slow')
      ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst'
      : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  const [download, upload, tunnel] = await Promise.all([
    stand.connect(),
    stand.connect(),
    stand.connect(),
  ]);
  download.socket.write(getRequest(authority, '/slow'));
  await download.until(() => download.received.includes('first'));
  const whole = postRequest(authority, Buffer.alloc(100_000, 'x'));
  upload.socket.write(whole.subarray(0, 50_000));
  await tunnel.ask(connectRequest(authority));
  await eventually(() => receivedBy(stand.origin).length >= 2);

  await stand.engine.apply(stand.configure({ route: 'direct' }));
  const slow = stand.origin.connections.find(({ bytes }) => bytes().includes('/slow'));
  slow?.socket.write('last.');
  const { finals } = await download.replies('GET');
  expect(finals[0]?.body.toString()).toBe('firstlast.');
  upload.socket.write(whole.subarray(50_000));
  expect(statusOf((await upload.replies('POST')).finals[0])).toBe(200);
  expect(statusOf(await tunnel.ask(innerRequest(authority)))).toBe(200);
  expect(uploadsTo(stand.origin).map(({ length }) => length)).toEqual([100_000]);

  const before = stand.parent.stats.requests.length;
  for (const each of [download, upload]) {
    expect(statusOf(await each.ask(getRequest(authority)))).toBe(200);
  }
  expect(stand.parent.stats.requests.length).toBe(before);
  tunnel.socket.destroy();
  await eventually(() => stand.parent.stats.open === 0);
});

test('a switch to another parent closes what is idle with the first', async () => {
  const stand = await start();
  const other = await createPracticeParent({ users: [USER] });
  onTestFinished(() => other.close());
  const connected = await stand.connect();
  await connected.ask(getRequest(stand.origin.authority));
  expect(stand.parent.stats.open).toBe(1);
  await stand.engine.apply(stand.configure({ parents: [endpointOf(other)] }));
  await eventually(() => stand.parent.stats.open === 0);
  expect(statusOf(await connected.ask(getRequest(stand.origin.authority)))).toBe(200);
  expect(other.stats.accepted).toBe(1);
});

const BAD: readonly (readonly [string, Partial<EngineConfig>])[] = [
  ['a parent route without a parent', { parents: [] }],
  ['a NoProxy pattern that cannot be read', { noProxy: ['10.0.0.0/99'] }],
  [
    'an address this computer does not have',
    { listeners: [loopback(0), { host: '203.0.113.1', port: 0 }] },
  ],
];

test.for(BAD)('%s changes nothing', async ([, change]) => {
  const stand = await start();
  const connected = await stand.connect();
  const { authority } = stand.origin;
  expect(statusOf(await connected.ask(getRequest(authority)))).toBe(200);
  const addresses = [...stand.engine.addresses];
  const failure = stand.engine.apply(stand.configure({ ...change }));
  await expect(failure).rejects.toMatchObject({ code: 'bad-configuration' });
  expect(stand.engine.addresses).toEqual(addresses);
  expect(statusOf(await connected.ask(getRequest(authority)))).toBe(200);
  expect(stand.parent.stats.type3).toBe(1);
  expect(statusOf(await (await stand.connect()).ask(getRequest(authority)))).toBe(200);
});

test('a port that is taken is named in a sentence, and may be tried again', async () => {
  const holder = await listenTcp(() => undefined);
  const engine = createQuiet();
  const config = configOf({ route: 'direct', listeners: [loopback(holder.port)] });
  const failure = await engine.apply(config).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProxyError);
  expect(failure).toMatchObject({
    code: 'bad-configuration',
    message: `Cannot listen on 127.0.0.1:${holder.port}: another program uses this port.`,
  });
  expect(engine.addresses).toEqual([]);
  await holder.close();
  await engine.apply(config);
  expect(engine.addresses).toEqual([loopback(holder.port)]);
});

test('where one of two listeners fails, neither is left open', async () => {
  const holder = await listenTcp(() => undefined);
  onTestFinished(() => holder.close());
  const free = await listenTcp(() => undefined);
  await free.close();
  const engine = createQuiet();
  const listeners = [loopback(free.port), loopback(holder.port)];
  await expect(engine.apply(configOf({ route: 'direct', listeners }))).rejects.toThrow();
  await expect(connectClient(free.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('listeners come and go by themselves, and those that stay keep their clients', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const connected = await stand.connect();
  await connected.ask(getRequest(authority));
  const second = { host: '127.0.0.2', port: 0 };
  await stand.engine.apply(stand.configure({ listeners: [loopback(0), second] }));
  expect(stand.engine.addresses.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.2']);
  expect(stand.engine.addresses[0]?.port).toBe(stand.port);
  await stand.engine.apply(stand.configure({ listeners: [second] }));
  expect(stand.engine.addresses.map(({ host }) => host)).toEqual(['127.0.0.2']);
  await connected.until(() => connected.ended !== 'open');
  await expect(connectClient(stand.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a listener may move to another address of its own port', async () => {
  const stand = await start();
  const { port } = stand;
  await stand.engine.apply(stand.configure({ listeners: [{ host: 'localhost', port }] }));
  const connected = await client(port);
  expect(statusOf(await connected.ask(getRequest(stand.origin.authority)))).toBe(200);
  await stand.engine.apply(stand.configure({ listeners: [loopback(port)] }));
  expect(stand.engine.addresses).toEqual([loopback(port)]);
});

test('two configurations at once are taken one after the other', async () => {
  const stand = await start();
  const free = await listenTcp(() => undefined);
  await free.close();
  const listeners = [loopback(stand.port), loopback(free.port)];
  await Promise.all([
    stand.engine.apply(stand.configure({ listeners })),
    stand.engine.apply(stand.configure({ listeners, route: 'direct' })),
  ]);
  const connected = await client(free.port);
  expect(statusOf(await connected.ask(getRequest(stand.origin.authority)))).toBe(200);
  expect(stand.parent.stats.connections).toBe(0);
});

test('targets that are to bypass the parents go direct', async () => {
  const stand = await start();
  await stand.engine.apply(stand.configure({ noProxy: ['127.0.0.0/8'] }));
  const connected = await stand.connect();
  const reply = await connected.ask(getRequest(stand.origin.authority));
  expect([statusOf(reply), stand.parent.stats.connections]).toEqual([200, 0]);
});

test('stop lets transfers end, and takes nobody new', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  stand.origin.answerWith(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst');
  const [busy, idle] = await Promise.all([stand.connect(), stand.connect()]);
  busy.socket.write(getRequest(authority));
  await busy.until(() => busy.received.includes('first'));
  const stopped = stand.engine.stop(5000);
  await idle.until(() => idle.ended !== 'open');
  await expect(connectClient(stand.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  stand.origin.connections[0]?.socket.write('last.');
  const { finals } = await busy.replies('GET');
  expect(finals[0]?.body.toString()).toBe('firstlast.');
  await busy.until(() => busy.ended === 'fin');
  busy.socket.end();
  await stopped;
});

test('stop lets an answer that has not begun say that it is the last', async () => {
  const stand = await start();
  stand.origin.answerWith(() => undefined);
  const connected = await stand.connect();
  connected.socket.write(getRequest(stand.origin.authority));
  await eventually(() => receivedBy(stand.origin).length === 1);
  const stopped = stand.engine.stop(5000);
  stand.origin.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const { finals } = await connected.replies('GET');
  expect([statusOf(finals[0]), fieldOf(finals[0], 'Connection')]).toEqual([200, 'close']);
  connected.socket.end();
  await stopped;
});

test('what does not end in time is ended', async () => {
  const stand = await start();
  const far = await listenTcp((socket) => void socket.resume().on('end', () => socket.end()));
  onTestFinished(() => far.close());
  stand.origin.answerWith(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst');
  const [download, tunnel] = await Promise.all([stand.connect(), stand.connect()]);
  download.socket.write(getRequest(stand.origin.authority));
  await download.until(() => download.received.includes('first'));
  await tunnel.ask(connectRequest(far.authority));
  const from = performance.now();
  await stand.engine.stop(200);
  expect(performance.now() - from).toBeGreaterThan(150);
  await Promise.all([
    download.until(() => download.ended !== 'open'),
    tunnel.until(() => tunnel.ended !== 'open'),
  ]);
});

test('an engine can be stopped while it waits for a parent, or twice', async () => {
  const stand = await start();
  const silent = await listenTcp((socket) => void socket.resume());
  onTestFinished(() => silent.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(silent)] }));
  const connected = await stand.connect();
  connected.socket.write(getRequest(stand.origin.authority));
  await eventually(() => silent.accepted === 1);
  await stand.engine.stop(0);
  await stand.engine.stop(0);
  await connected.until(() => connected.ended !== 'open');
});

test('after a stop nothing keeps the process alive', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  const origin = await createRecordingOrigin();
  const engine = createEngine({ emit: () => undefined });
  await engine.apply(configOf({ route: 'direct' }));
  const connected = await connectClient(engine.addresses[0]?.port ?? 0);
  expect(verdictOf(await connected.ask(getRequest(origin.authority)))).toBe('200');
  await engine.stop(0);
  connected.socket.destroy();
  if (!connected.socket.closed) await once(connected.socket, 'close');
  await origin.close();
  const after = (): number =>
    process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  await eventually(() => after() <= before);
});
