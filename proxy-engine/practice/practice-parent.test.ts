import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createPracticeParent } from './practice-parent.ts';
import type { PracticeOptions } from './practice-parent.ts';

const run = promisify(execFile);
const users = [
  { domain: 'LAB', user: 'alice', password: 'secret' },
  { domain: 'LAB', user: 'bob', password: 'b:o"b' },
];

let origin = '';
const server = createServer((request, response) => {
  let length = 0;
  request.on('data', (chunk: Buffer) => (length += chunk.length));
  request.on('end', () => {
    response.setHeader('X-Seen', `${request.method} ${request.url} ${length}`);
    // Without a length, so that the answer is chunked.
    response.write('hello ');
    response.end('from the origin');
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function start(options: Partial<PracticeOptions> = {}) {
  const parent = await createPracticeParent({ users, ...options });
  onTestFinished(() => parent.close());
  return parent;
}

/** The status and body that curl, a client of other authors, ends with. */
async function curl(port: number, ...options: readonly string[]) {
  const proxy = ['-x', `http://127.0.0.1:${port}`, '--noproxy', ''];
  const limits = ['-s', '-m', '10', '-w', '\n%{http_code} %{http_connect}'];
  const { stdout } = await run('curl', [...limits, ...proxy, ...options]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  const [body = '', codes = ''] = stdout.split(/\n(?=[^\n]*$)/);
  const [status, connect] = codes.split(' ').map(Number);
  return { body, status, connect };
}

const asAlice = ['--proxy-ntlm', '-U', 'LAB\\alice:secret'];

test('curl signs in with NTLM and gets the page of the origin', async () => {
  const parent = await start();
  const { body, status } = await curl(parent.port, ...asAlice, `http://${origin}/a?b`);
  expect({ body, status }).toEqual({ body: 'hello from the origin', status: 200 });
  expect(parent.stats).toMatchObject({ connections: 1, type1: 1, type3: 1, accepted: 1 });
  expect(parent.stats.requests.map((request) => [request.status, request.identity])).toEqual([
    [407, ''],
    [200, 'LAB\\alice'],
  ]);
});

test('a wrong password is refused, counted, and gets no new challenge', async () => {
  const parent = await start();
  const wrong = ['--proxy-ntlm', '-U', 'LAB\\alice:wrong'];
  expect((await curl(parent.port, ...wrong, `http://${origin}/`)).status).toBe(407);
  expect(parent.stats).toMatchObject({ accepted: 0, refusals: 1 });
  expect([...parent.stats.refused]).toEqual([['alice', 1]]);
});

test.for([
  { name: 'an unknown user', account: 'LAB\\nobody:secret' },
  { name: 'a wrong domain', account: 'ELSEWHERE\\alice:secret' },
])('$name is refused and not counted', async ({ account }) => {
  const parent = await start();
  const { status } = await curl(parent.port, '--proxy-ntlm', '-U', account, `http://${origin}/`);
  expect(status).toBe(407);
  expect(parent.stats.refused.size).toBe(0);
});

test('curl tunnels through CONNECT', async () => {
  const parent = await start();
  const { body, connect } = await curl(parent.port, '-p', ...asAlice, `http://${origin}/`);
  expect({ body, connect }).toEqual({ body: 'hello from the origin', connect: 200 });
  expect(parent.stats.requests.at(-1)).toMatchObject({ method: 'CONNECT', target: origin });
});

test('an upload arrives whole, once, and not with the first message', async () => {
  const parent = await start();
  const data = ['--data-binary', 'x'.repeat(100_000), '-H', 'Expect:'];
  const { status } = await curl(parent.port, ...asAlice, ...data, `http://${origin}/up`);
  expect(status).toBe(200);
  expect(parent.stats.requests.map(({ bodyLength }) => bodyLength)).toEqual([0, 100_000]);
});

test('a chunked upload passes too', async () => {
  const parent = await start();
  const data = ['--data-binary', 'x'.repeat(70_000), '-H', 'Transfer-Encoding: chunked'];
  const options = [...asAlice, ...data, '-H', 'Expect:', '-D', '-', '-o', '/dev/null'];
  const { body } = await curl(parent.port, ...options, `http://${origin}/up`);
  expect(body).toContain('X-Seen: POST /up 70000');
});

test('one sign-in serves all requests of a connection', async () => {
  const parent = await start();
  const urls = [1, 2, 3].map((number) => `http://${origin}/${number}`);
  await curl(parent.port, ...asAlice, ...urls);
  expect(parent.stats).toMatchObject({ connections: 1, type3: 1 });
  expect(parent.stats.requests).toHaveLength(4);
});

test('a HEAD request signs in', async () => {
  const parent = await start();
  const { body } = await curl(parent.port, ...asAlice, '-I', `http://${origin}/`);
  expect(body).toContain('200 OK');
});

test.for([
  { name: 'the right password', account: 'LAB\\bob:b:o"b', expected: 200 },
  { name: 'a wrong one', account: 'LAB\\bob:bob', expected: 407 },
])('Basic takes $name as it should', async ({ account, expected }) => {
  const parent = await start({ quirks: { basicOnly: true } });
  const options = ['--proxy-basic', '-U', account, `http://${origin}/`];
  expect((await curl(parent.port, ...options)).status).toBe(expected);
});

test('curl reads fields with odd names and spaces', async () => {
  const parent = await start({ quirks: { lowerCaseNames: true, extraSpaces: true } });
  expect((await curl(parent.port, ...asAlice, `http://${origin}/`)).status).toBe(200);
});

test('too many wrong passwords lock the right one out', async () => {
  const parent = await start({ quirks: { lockoutThreshold: 2 } });
  const wrong = ['--proxy-ntlm', '-U', 'LAB\\alice:wrong', `http://${origin}/`];
  await curl(parent.port, ...wrong);
  await curl(parent.port, ...wrong);
  expect((await curl(parent.port, ...asAlice, `http://${origin}/`)).status).toBe(407);
  expect(parent.stats.refused.get('alice')).toBe(2);
});

test('a target that cannot be reached is an error of the gateway', async () => {
  const parent = await start();
  const { status } = await curl(parent.port, ...asAlice, 'http://127.0.0.1:1/');
  expect(status).toBe(503);
});
