import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Credential } from '../protocol.ts';
import type { Quirks } from '../practice/quirks.ts';
import {
  createStand,
  credentialOf,
  endpointOf,
  eventsOf,
  PASSWORD,
  type Stand,
} from '../testing/engine-stand.ts';
import { connectRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { listenTcp } from '../testing/tcp-server.ts';
import { countedFor, receivedBy, seenBy, uploadsTo } from '../testing/sign-in-record.ts';

const BODY = randomBytes(200_000);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BASIC_407 =
  'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n';
const REJECTED = '502 credentials-rejected';

/** A credential whose owner agreed to send the password itself. */
function openCredential(password: string, id = 'one'): Credential {
  return { ...credentialOf(password, { id }), secrets: { password: Buffer.from(password) } };
}

async function start(quirks: Partial<Quirks>, credential: Credential): Promise<Stand> {
  const stand = await createStand({ quirks, config: { credential } });
  onTestFinished(() => stand.close());
  return stand;
}

async function ask(stand: Stand, request: string | Buffer): Promise<string> {
  return verdictOf(await (await stand.connect()).ask(request));
}

test('a Basic parent gets the password with each request', async () => {
  const stand = await start({ basicOnly: true }, openCredential(PASSWORD));
  const { authority } = stand.origin;
  const client = await stand.connect();
  expect(verdictOf(await client.ask(getRequest(authority)))).toBe('200');
  expect(verdictOf(await client.ask(postRequest(authority, BODY)))).toBe('200');
  expect(verdictOf(await client.ask(connectRequest(authority)))).toBe('200');
  expect(seenBy(stand.parent)).toEqual([['GET basic', 'POST basic', 'CONNECT basic']]);
  expect(uploadsTo(stand.origin)).toEqual([BODY]);
});

test('an upload may be the first request to a Basic parent', async () => {
  const stand = await start({ basicOnly: true }, openCredential(PASSWORD));
  expect(await ask(stand, postRequest(stand.origin.authority, BODY))).toBe('200');
  expect(receivedBy(stand.origin)).toEqual(['POST 200000']);
});

test('a wrong password for a Basic parent is tried once, by 50 requests at once', async () => {
  const stand = await start({ basicOnly: true }, openCredential('wrong'));
  const { authority } = stand.origin;
  const requests = [getRequest(authority), postRequest(authority, BODY), connectRequest(authority)];
  for (let round = 0; round < 2; round += 1) {
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask(stand, requests[index % 3] ?? '')),
    );
    expect(new Set(verdicts)).toEqual(new Set([REJECTED]));
  }
  expect(countedFor(stand.parent)).toBe(1);
  expect(stand.parent.stats.connections).toBe(1);
  expect(eventsOf(stand, 'credential-rejected')).toHaveLength(1);
});

test('a password changed behind working Basic connections is one failed logon', async () => {
  const stand = await start({ basicOnly: true }, openCredential(PASSWORD));
  const clients = await Promise.all(Array.from({ length: 20 }, () => stand.connect()));
  const work = (): Promise<string[]> =>
    Promise.all(
      clients.map(async (client) =>
        verdictOf(await client.ask(getRequest(stand.origin.authority))),
      ),
    );
  expect(new Set(await work())).toEqual(new Set(['200']));
  const users = [{ domain: 'LAB', user: 'alice', password: 'Changed-2' }];
  await stand.replaceParent({ users, quirks: { basicOnly: true } });
  expect(new Set(await work())).toEqual(new Set([REJECTED]));
  expect(countedFor(stand.parent)).toBe(1);
});

test('a no on a connection that worked ends it for all: no other connection carries the password', async () => {
  let isChanged = false;
  let refusals = 0;
  const parent = await listenTcp((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const isProof = bytes.includes('Proxy-Authorization: Basic ');
      const isGood = isProof && !isChanged;
      if (isProof && isChanged) refusals += 1;
      socket.write(isGood ? OK : BASIC_407);
    });
  });
  onTestFinished(() => parent.close());
  const stand = await createStand({
    config: { credential: openCredential(PASSWORD), parents: [endpointOf(parent)] },
  });
  onTestFinished(() => stand.close());
  const clients = await Promise.all(Array.from({ length: 4 }, () => stand.connect()));
  const work = (): Promise<string[]> =>
    Promise.all(
      clients.map(async (client) => verdictOf(await client.ask(getRequest('a.example')))),
    );
  await work();
  expect(new Set(await work())).toEqual(new Set(['200']));
  expect(parent.accepted).toBeGreaterThan(1);
  isChanged = true;
  const [first] = clients;
  expect(verdictOf(await first?.ask(getRequest('a.example')))).toBe(REJECTED);
  expect(new Set(await work())).toEqual(new Set([REJECTED]));
  expect(refusals).toBe(1);
});

test('where the parent offers NTLM too, a password is not sent though it may be', async () => {
  const credential = {
    ...credentialOf(PASSWORD),
    secrets: { ...credentialOf(PASSWORD).secrets, password: Buffer.from(PASSWORD) },
  };
  const stand = await start({ negotiateFirst: true }, credential);
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('200');
  expect(seenBy(stand.parent)).toEqual([['GET 1', 'GET 3']]);
});

test('a parent that takes NTLM only is not said to have refused a password', async () => {
  const stand = await start({}, openCredential(PASSWORD));
  expect(await ask(stand, getRequest(stand.origin.authority))).toBe('502 parent-scheme');
  expect(eventsOf(stand, 'credential-rejected')).toEqual([]);
});

test('without an account, the sentence says what the parent asks for', async () => {
  const stand = await createStand();
  onTestFinished(() => stand.close());
  const { credential: _, ...config } = stand.configure();
  await stand.engine.apply(config);
  const reply = await (await stand.connect()).ask(getRequest(stand.origin.authority));
  expect(verdictOf(reply)).toBe('502 credentials-missing');
  expect(reply.body.toString()).toContain('(ntlm)');
});
