import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createNtlmAuthenticator } from '../auth/ntlm.ts';
import { hashesFor } from '../ntlm/hashes.ts';
import { valueOf } from './head.ts';
import { createPracticeParent } from './practice-parent.ts';
import type { Quirks } from './quirks.ts';
import { createRawClient } from './raw-client.ts';
import type { Answer } from './raw-client.ts';

const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };
const users = [{ domain: 'LAB', user: 'alice', password: 'secret' }];

/** An origin that answers every request with a page, and ends a tunnel's bytes with their echo. */
async function startOrigin(): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let seen = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      if (!/^\S+ \S+ HTTP/.test(seen) || !seen.includes('\r\n\r\n')) return;
      seen = '';
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    socket.on('end', () => socket.end(`echo of ${seen}`));
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

async function start(quirks: Partial<Quirks> = {}) {
  const parent = await createPracticeParent({ users, quirks });
  onTestFinished(() => parent.close());
  const origin = await startOrigin();
  return {
    parent,
    host: origin,
    url: `http://${origin}/page`,
    connect: () => connect(parent.port),
  };
}

async function connect(port: number) {
  const client = await createRawClient(port);
  onTestFinished(() => void client.socket.destroy());
  return client;
}

type Client = Awaited<ReturnType<typeof connect>>;

function begin(password = 'secret', scheme: 'ntlm' | 'negotiate' = 'ntlm') {
  const credential = { id: 'one', ...account, secrets: hashesFor('ntlmv2', account, password) };
  const options = { scheme, dialect: 'ntlmv2', credential, spn: 'HTTP/parent' } as const;
  const attempt = createNtlmAuthenticator(options).begin();
  return {
    first: `Proxy-Authorization: ${attempt.first()}`,
    last: (answer: Answer | undefined) =>
      `Proxy-Authorization: ${attempt.answer(answer?.challenge ?? Buffer.alloc(0))}`,
  };
}

/** Both legs of a sign-in on one connection; gives both answers. */
async function signIn(client: Client, url: string, password?: string) {
  const { first, last } = begin(password);
  const keep = 'Proxy-Connection: keep-alive';
  const challenged = await client.ask('GET', url, first, keep);
  const answered = challenged && (await client.ask('GET', url, last(challenged), keep));
  return { challenged, answered };
}

test('without quirks a connection signs in once and is good for more', async () => {
  const { connect, url, parent } = await start();
  const client = await connect();
  const { challenged, answered } = await signIn(client, url);
  expect(challenged).toMatchObject({ status: 407, version: 'HTTP/1.1' });
  expect(answered).toMatchObject({ status: 200, body: 'ok' });
  expect(await client.ask('GET', url)).toMatchObject({ status: 200 });
  expect(parent.stats.requests.map(({ connection }) => connection)).toEqual([1, 1, 1]);
});

test('a bare request may come first on the same connection', async () => {
  const { connect, url } = await start();
  const client = await connect();
  const bare = await client.ask('GET', url);
  expect(bare).toMatchObject({ status: 407 });
  expect(bare?.challenge).toBeUndefined();
  expect((await signIn(client, url)).answered?.status).toBe(200);
});

test('a tunnel passes bytes both ways, and each end by itself', async () => {
  const { connect, url, host } = await start();
  const client = await connect();
  await signIn(client, url);
  expect(await client.ask('CONNECT', host)).toMatchObject({ status: 200 });
  client.socket.end('bytes');
  const pieces: Buffer[] = [];
  for await (const piece of client.input.rest()) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe('echo of bytes');
});

test('a request between challenge and answer ruins the sign-in', async () => {
  const { connect, url } = await start();
  const client = await connect();
  const { first, last } = begin();
  const challenged = await client.ask('GET', url, first);
  expect(await client.ask('GET', url)).toMatchObject({ status: 407 });
  expect(await client.ask('GET', url, last(challenged))).toBeUndefined();
});

test('a refused connection gets no new challenge', async () => {
  const { connect, url } = await start();
  const client = await connect();
  expect((await signIn(client, url, 'wrong')).answered).toMatchObject({ status: 407 });
  const again = await client.ask('GET', url, begin().first);
  expect(again?.status).toBe(407);
  expect(again?.challenge).toBeUndefined();
});

test('a first message with "Connection: close" gets no challenge', async () => {
  const { connect, url } = await start();
  const answer = await (await connect()).ask('GET', url, begin().first, 'Connection: close');
  expect(valueOf(answer?.head ?? { headers: [] }, 'proxy-authenticate')).toBeUndefined();
});

test('closeAfterBare407 closes after a request without credentials only', async () => {
  const { connect, url } = await start({ closeAfterBare407: true });
  const client = await connect();
  expect(await client.ask('GET', url)).toMatchObject({ status: 407 });
  expect(await client.ask('GET', url)).toBeUndefined();
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
});

test('closeAfterChallenge leaves a challenge that cannot be answered', async () => {
  const { connect, url } = await start({ closeAfterChallenge: true });
  const { challenged, answered } = await signIn(await connect(), url);
  expect(challenged?.challenge).toBeDefined();
  expect(answered).toBeUndefined();
});

test('closeAfterType3 closes without an answer, so many times', async () => {
  const { connect, url, parent } = await start({ closeAfterType3: 1 });
  expect((await signIn(await connect(), url)).answered).toBeUndefined();
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
  expect(parent.stats.refused.size).toBe(0);
});

test('forgetType3 answers with a new challenge, unchecked, so many times', async () => {
  const { connect, url, parent } = await start({ forgetType3: 1 });
  const { answered } = await signIn(await connect(), url, 'wrong');
  expect(answered?.status).toBe(407);
  expect(answered?.challenge).toBeDefined();
  expect(parent.stats.refused.size).toBe(0);
});

test.for([
  { body407: 'none', length: 0 },
  { body407: 'length', length: 3_500 },
  { body407: 'chunked', length: 72 },
  { body407: 'huge', length: 2 * 1024 * 1024 },
  { body407: 'until-close', length: 3_500 },
] as const)('body407 "$body407" frames the page so', async ({ body407, length }) => {
  const { connect, url } = await start({ body407 });
  const client = await connect();
  expect((await client.ask('GET', url))?.body).toHaveLength(length);
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
});

test('http10 answers in HTTP/1.0 and keeps alive only who asks', async () => {
  const { connect, url } = await start({ http10: true });
  const client = await connect();
  expect(await client.ask('GET', url)).toMatchObject({ status: 407, version: 'HTTP/1.0' });
  expect(await client.ask('GET', url)).toBeUndefined();
  expect((await signIn(await connect(), url)).answered).toMatchObject({
    status: 200,
    version: 'HTTP/1.0',
  });
});

test('http10 takes no chunked upload', async () => {
  const { connect, url } = await start({ http10: true });
  const client = await connect();
  await signIn(client, url);
  const answer = await client.ask('POST', url, 'Transfer-Encoding: chunked');
  expect(answer?.status).toBe(411);
});

test('proxyConnectionOnly neither says nor understands Connection', async () => {
  const { connect, url } = await start({ proxyConnectionOnly: true });
  const client = await connect();
  const answer = await client.ask('GET', url, 'Connection: keep-alive');
  expect(valueOf(answer?.head ?? { headers: [] }, 'connection')).toBeUndefined();
  expect(await client.ask('GET', url)).toBeUndefined();
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
});

test('garbageChallenge sends Base64 that holds no challenge', async () => {
  const { connect, url } = await start({ garbageChallenge: true });
  const answer = await (await connect()).ask('GET', url, begin().first);
  expect(answer?.challenge?.toString()).toBe('this is no challenge');
});

test('rechallengeAfter wants a new sign-in after so many requests', async () => {
  const { connect, url } = await start({ rechallengeAfter: 2 });
  const client = await connect();
  await signIn(client, url);
  expect((await client.ask('GET', url))?.status).toBe(200);
  expect((await client.ask('GET', url))?.status).toBe(407);
});

test('perRequestAuth wants a sign-in for every request', async () => {
  const { connect, url } = await start({ perRequestAuth: true });
  const client = await connect();
  expect((await signIn(client, url)).answered?.status).toBe(200);
  expect((await client.ask('GET', url))?.status).toBe(407);
  expect((await signIn(client, url)).answered?.status).toBe(200);
});

test('openToType1 lets the first message through', async () => {
  const { connect, url } = await start({ openToType1: true });
  const client = await connect();
  expect((await client.ask('GET', url, begin().first))?.status).toBe(200);
  expect((await client.ask('GET', url))?.status).toBe(200);
});

test('hangOnBodyWithType1 answers a first message with a body, and then nothing', async () => {
  const { connect, url } = await start({ hangOnBodyWithType1: true });
  const client = await connect();
  const { first, last } = begin();
  const challenged = await client.upload(url, 'body', first);
  expect(challenged?.challenge).toBeDefined();
  const silence = client.ask('GET', url, last(challenged));
  client.socket.end();
  expect(await silence).toBeUndefined();
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
});

test('newChallengeInsteadOfRefusal never says a bare no, but counts', async () => {
  const { connect, url, parent } = await start({ newChallengeInsteadOfRefusal: true });
  const { answered } = await signIn(await connect(), url, 'wrong');
  expect(answered?.status).toBe(407);
  expect(answered?.challenge).toBeDefined();
  expect(parent.stats.refused.get('alice')).toBe(1);
});

test('splitHeaders sends heads in small packets', async () => {
  const { connect, url } = await start({ splitHeaders: 1 });
  expect((await signIn(await connect(), url)).answered?.status).toBe(200);
});

test('lowerCaseNames and extraSpaces show in the head', async () => {
  const { connect, url } = await start({ lowerCaseNames: true, extraSpaces: true });
  const answer = await (await connect()).ask('GET', url, begin().first);
  const [name, value] = answer?.head.headers[0] ?? [];
  expect(name).toBe('proxy-authenticate');
  expect(value).toMatch(/^NTLM {3}TlRM/);
});

test.for([
  { quirks: {}, offers: ['NTLM'] },
  { quirks: { negotiateFirst: true }, offers: ['Negotiate', 'NTLM', 'Basic'] },
  { quirks: { negotiateOnly: true }, offers: ['Negotiate'] },
  { quirks: { basicOnly: true }, offers: ['Basic'] },
  { quirks: { noAuthenticateHeader: true }, offers: [] },
])('offers $offers with $quirks', async ({ quirks, offers }) => {
  const { connect, url } = await start(quirks);
  const answer = await (await connect()).ask('GET', url);
  const values = answer?.head.headers.filter(([name]) => name === 'Proxy-Authenticate') ?? [];
  expect(values.map(([, value]) => value.split(' ')[0])).toEqual(offers);
});

test('Negotiate carries raw NTLM', async () => {
  const { connect, url } = await start({ negotiateOnly: true });
  const client = await connect();
  const { first, last } = begin('secret', 'negotiate');
  const challenged = await client.ask('GET', url, first);
  expect((await client.ask('GET', url, last(challenged)))?.status).toBe(200);
});

test('closing ends every connection', async () => {
  const { connect, url, parent } = await start();
  const client = await connect();
  await signIn(client, url);
  expect(parent.stats.open).toBe(1);
  await parent.close();
  expect(await client.ask('GET', url)).toBeUndefined();
  expect(parent.stats.open).toBe(0);
});
