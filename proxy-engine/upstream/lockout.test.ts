import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createEngine } from '../engine.ts';
import type { EngineEvent } from '../protocol.ts';
import {
  createStand,
  credentialOf,
  endpointOf,
  eventsOf,
  eventually,
  PASSWORD,
  USER,
  type Stand,
  type StandOptions,
} from '../testing/engine-stand.ts';
import { createHoldingRelay } from '../testing/holding-relay.ts';
import { connectClient, type ProxyClient } from '../testing/proxy-client.ts';
import { fieldOf, statusOf } from '../testing/read-messages.ts';
import {
  connectRequest,
  getRequest,
  innerRequest,
  postRequest,
  verdictOf,
} from '../testing/requests.ts';
import { countedFor, receivedBy, seenBy } from '../testing/sign-in-record.ts';

const WRONG = `not ${PASSWORD}`;
const BODY = randomBytes(20_000);
const REJECTED = '502 credentials-rejected';

async function start(options: StandOptions = {}): Promise<Stand> {
  const stand = await createStand(options);
  onTestFinished(() => stand.close());
  return stand;
}

/** So many requests at once, each over a connection of its own: GET, POST and CONNECT in turn. */
async function mixed(port: number, authority: string, count: number): Promise<Set<string>> {
  const requests = [getRequest(authority), postRequest(authority, BODY), connectRequest(authority)];
  const verdicts = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const client = await connectClient(port);
      onTestFinished(() => void client.socket.destroy());
      return verdictOf(await client.ask(requests[index % requests.length] ?? ''));
    }),
  );
  return new Set(verdicts);
}

test('a wrong password in 50 requests at once is one failed logon, and none after it', async () => {
  const stand = await start({ password: WRONG });
  const { authority } = stand.origin;
  expect(await mixed(stand.port, authority, 50)).toEqual(new Set([REJECTED]));
  expect(countedFor(stand.parent)).toBe(1);
  expect(stand.parent.stats.type3).toBe(1);
  expect(eventsOf(stand, 'credential-rejected')).toEqual([
    { type: 'credential-rejected', credential: 'one', parent: `127.0.0.1:${stand.parent.port}` },
  ]);

  const { connections } = stand.parent.stats;
  expect(await mixed(stand.port, authority, 50)).toEqual(new Set([REJECTED]));
  expect(stand.parent.stats.connections).toBe(connections);
  expect(receivedBy(stand.origin)).toEqual([]);
});

test('the local answer names the reason, for people and for programs, and keeps the client', async () => {
  const stand = await start({ password: WRONG });
  const client = await stand.connect();
  const page = await client.ask(getRequest(stand.origin.authority, '/', 'Accept: text/html'));
  const text = await client.ask(getRequest(stand.origin.authority));
  expect([statusOf(page), statusOf(text)]).toEqual([502, 502]);
  expect(fieldOf(text, 'Proxy-Status')).toBe(
    'gatepass; error=proxy_configuration_error; details="credentials-rejected"',
  );
  for (const reply of [page, text]) expect(reply.body.toString()).toContain('refused the password');
  for (const reply of [page, text]) expect(fieldOf(reply, 'Proxy-Authenticate')).toBeUndefined();
  expect(client.ended).toBe('open');
});

test('an engine that is handed the latch of the one before sends no proof', async () => {
  const stand = await start({ password: WRONG });
  const { authority } = stand.origin;
  await mixed(stand.port, authority, 5);
  await stand.engine.stop(0);

  const events: EngineEvent[] = [];
  const next = createEngine({ emit: (event) => events.push(event) });
  await next.apply(stand.configure({ latched: ['one'] }));
  onTestFinished(() => next.stop(0));
  const { connections } = stand.parent.stats;
  expect(await mixed(next.addresses[0]?.port ?? 0, authority, 50)).toEqual(new Set([REJECTED]));
  expect(countedFor(stand.parent)).toBe(1);
  expect(stand.parent.stats.connections).toBe(connections);
  expect(events.filter(({ type }) => type !== 'log')).toEqual([]);
});

test('a new credential works at once, for a client that was never disconnected', async () => {
  const stand = await start({ password: WRONG });
  const client = await stand.connect();
  const request = getRequest(stand.origin.authority);
  expect(verdictOf(await client.ask(request))).toBe(REJECTED);
  const credential = credentialOf(PASSWORD, { id: 'two' });
  await stand.engine.apply(stand.configure({ credential, latched: ['one'] }));
  expect(verdictOf(await client.ask(request))).toBe('200');
  expect(countedFor(stand.parent)).toBe(1);
  expect(eventsOf(stand, 'credential-accepted')).toHaveLength(1);
});

test('a configuration from before the refusal does not clear the latch', async () => {
  const stand = await start({ password: WRONG });
  const client = await stand.connect();
  const request = getRequest(stand.origin.authority);
  expect(verdictOf(await client.ask(request))).toBe(REJECTED);
  await stand.engine.apply(stand.configure({ latched: [] }));
  expect(verdictOf(await client.ask(request))).toBe(REJECTED);
  await stand.engine.apply(stand.configure({ route: 'direct' }));
  await stand.engine.apply(stand.configure());
  expect(verdictOf(await client.ask(request))).toBe(REJECTED);
  expect(stand.parent.stats.type3).toBe(1);
});

test('a credential latched by its host is not sent, even if it was accepted before', async () => {
  const stand = await start();
  const client = await stand.connect();
  await stand.engine.apply(stand.configure({ latched: ['one'] }));
  expect(verdictOf(await client.ask(getRequest(stand.origin.authority)))).toBe(REJECTED);
  expect(stand.parent.stats.connections).toBe(0);
});

test('each “try again” costs one proof at most, and ends the latch if it is accepted', async () => {
  const stand = await start({ password: WRONG });
  const { authority } = stand.origin;
  await mixed(stand.port, authority, 10);
  stand.engine.tryAgain('one');
  expect(await mixed(stand.port, authority, 10)).toEqual(new Set([REJECTED]));
  expect(countedFor(stand.parent)).toBe(2);
  expect(eventsOf(stand, 'credential-rejected')).toHaveLength(2);

  await stand.replaceParent({ users: [{ ...USER, password: WRONG }] });
  stand.engine.tryAgain('one');
  expect(await mixed(stand.port, authority, 10)).toEqual(new Set(['200']));
  expect(countedFor(stand.parent)).toBe(0);
});

test('a refusal by one parent keeps the password from the others', async () => {
  const stand = await start({ password: WRONG });
  const other = await start();
  await stand.engine.apply(
    stand.configure({ parents: [endpointOf(stand.parent), endpointOf(other.parent)] }),
  );
  expect(await mixed(stand.port, stand.origin.authority, 10)).toEqual(new Set([REJECTED]));
  expect(other.parent.stats.connections).toBe(0);
});

test('20 clients that all leave before the verdict cost one failed logon, and it is heard', async () => {
  const stand = await start({ password: WRONG });
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(relay)] }));
  relay.hold();
  const requests = [getRequest, connectRequest];
  const clients = await Promise.all(Array.from({ length: 20 }, () => stand.connect()));
  for (const [index, { socket }] of clients.entries()) {
    socket.write(requests[index % 2]?.(stand.origin.authority) ?? '');
  }
  await eventually(() => relay.proofs === 1);
  for (const { socket } of clients) socket.resetAndDestroy();
  await eventually(() => clients.every(({ socket }) => socket.destroyed));
  relay.release();
  await eventually(() => eventsOf(stand, 'credential-rejected').length === 1);
  expect(countedFor(stand.parent)).toBe(1);
  expect(await mixed(stand.port, stand.origin.authority, 20)).toEqual(new Set([REJECTED]));
  expect([countedFor(stand.parent), relay.proofs]).toEqual([1, 1]);
});

test('clients that leave before a good verdict leave the credential proven', async () => {
  const stand = await start();
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(relay)] }));
  relay.hold();
  const client = await stand.connect();
  client.socket.write(getRequest(stand.origin.authority));
  await eventually(() => relay.proofs === 1);
  client.socket.resetAndDestroy();
  await eventually(() => client.socket.destroyed);
  relay.release();
  await eventually(() => eventsOf(stand, 'credential-accepted').length === 1);
  expect(await mixed(stand.port, stand.origin.authority, 10)).toEqual(new Set(['200']));
});

test('a password changed under 20 working clients is one failed logon, and they go on', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const clients = await Promise.all(Array.from({ length: 20 }, () => stand.connect()));
  const work = async (): Promise<Set<string>> =>
    new Set(
      await Promise.all(
        clients.map(async (client) => verdictOf(await client.ask(getRequest(authority)))),
      ),
    );
  for (let round = 0; round < 3; round += 1) expect(await work()).toEqual(new Set(['200']));

  await stand.replaceParent({ users: [{ ...USER, password: 'Changed-2' }] });
  expect(await work()).toEqual(new Set([REJECTED]));
  expect(await work()).toEqual(new Set([REJECTED]));
  expect([countedFor(stand.parent), stand.parent.stats.type3]).toEqual([1, 1]);

  const credential = credentialOf('Changed-2', { id: 'two' });
  await stand.engine.apply(stand.configure({ credential, latched: ['one'] }));
  expect(await work()).toEqual(new Set(['200']));
  expect(countedFor(stand.parent)).toBe(1);
  expect(clients.map(({ ended }) => ended)).toEqual(clients.map(() => 'open'));
});

test('what is signed in goes on after a refusal: a tunnel, a download', async () => {
  const stand = await start();
  const { authority } = stand.origin;
  const tunnel = await stand.connect();
  await tunnel.ask(connectRequest(authority));
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(
    stand.configure({
      credential: credentialOf(WRONG, { id: 'two' }),
      parents: [endpointOf(relay)],
    }),
  );
  expect(await mixed(stand.port, authority, 3)).toEqual(new Set([REJECTED]));
  expect(statusOf(await tunnel.ask(innerRequest(authority)))).toBe(200);
});

test('200 first requests at once wait for one sign-in, and none is refused', async () => {
  const stand = await start();
  expect(await mixed(stand.port, stand.origin.authority, 200)).toEqual(new Set(['200']));
  const { requests, refusals, type1, type3 } = stand.parent.stats;
  expect(requests.slice(0, 2).map(({ connection }) => connection)).toEqual([1, 1]);
  expect(seenBy(stand.parent)[0]?.slice(0, 2)).toEqual(['GET 1', 'GET 3']);
  expect(refusals).toBe(0);
  expect(type3).toBe(type1);
  expect(stand.parent.stats.accepted).toBe(type3);
});

test('while the first sign-in has no verdict, no other connection is opened', async () => {
  const stand = await start();
  const relay = await createHoldingRelay(stand.parent.port);
  onTestFinished(() => relay.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(relay)] }));
  relay.hold();
  const clients = await Promise.all(Array.from({ length: 10 }, () => stand.connect()));
  const waiting = clients.map((client: ProxyClient) =>
    client.ask(getRequest(stand.origin.authority)),
  );
  await eventually(() => relay.proofs === 1);
  // All ten have been read by the time an eleventh is answered.
  const eleventh = await stand.connect();
  expect(statusOf(await eleventh.ask('OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(204);
  expect([stand.parent.stats.connections, relay.proofs]).toEqual([1, 1]);
  relay.release();
  expect((await Promise.all(waiting)).map(statusOf)).toEqual(clients.map(() => 200));
});
