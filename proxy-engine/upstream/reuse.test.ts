import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Timers } from '../limits.ts';
import type { EngineConfig } from '../protocol.ts';
import { createStand, endpointOf, eventually, type Stand } from '../testing/engine-stand.ts';
import { fieldOf, readRequests, statusOf } from '../testing/read-messages.ts';
import type { Answer } from '../testing/recording-origin.ts';
import { chunkedRequest, getRequest, postRequest, verdictOf } from '../testing/requests.ts';
import { seenBy } from '../testing/sign-in-record.ts';
import { listenTcp } from '../testing/tcp-server.ts';

const BODY = randomBytes(200_000);
const OPEN = { scheme: 'none', dialect: 'ntlmv2' } as const;

async function start(
  config: Partial<EngineConfig> = {},
  timers: Partial<Timers> = {},
): Promise<Stand> {
  const stand = await createStand({ config, timers });
  onTestFinished(() => stand.close());
  return stand;
}

/**
 * A parent that asks for no sign-in, and does with the requests of each connection what it is
 * told, by their number: `answer`, or leave in one of three ways.
 */
type Deed = 'answer' | 'end' | 'reset' | 'half an answer';

async function startParent(
  stand: Stand,
  deeds: (connection: number, request: number) => Deed,
): Promise<{ seen: string[] }> {
  const seen: string[] = [];
  let connections = 0;
  const parent = await listenTcp((socket) => {
    connections += 1;
    const connection = connections;
    let requests = 0;
    socket.on('data', (bytes: Buffer) => {
      const [, method] = /^([A-Z]+) http:/.exec(bytes.toString('latin1')) ?? [];
      if (method === undefined) return;
      requests += 1;
      seen.push(`${connection} ${method}`);
      act(socket, deeds(connection, requests));
    });
  });
  onTestFinished(() => parent.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(parent)], auth: OPEN }));
  return { seen };
}

function act(socket: Socket, deed: Deed): void {
  switch (deed) {
    case 'answer':
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      break;
    case 'end':
      socket.end();
      break;
    case 'reset':
      socket.resetAndDestroy();
      break;
    case 'half an answer':
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok');
      break;
  }
}

test('one sign-in serves all requests of a client, one after another', async () => {
  const stand = await start();
  const client = await stand.connect();
  for (let round = 0; round < 50; round += 1) {
    expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
  }
  expect(seenBy(stand.parent)).toEqual([['GET 1', 'GET 3', ...Array<string>(49).fill('GET')]]);
});

test('clients one after another share the signed-in connection', async () => {
  const stand = await start();
  for (let round = 0; round < 10; round += 1) {
    const client = await stand.connect();
    expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
    client.socket.destroy();
  }
  expect(stand.parent.stats.connections).toBe(1);
});

test('a connection is not used again behind an answer that was not read to its end', async () => {
  const stand = await start();
  stand.origin.answerWith(() => 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this');
  const client = await stand.connect();
  client.socket.write(getRequest(stand.origin.authority));
  await client.until(() => client.received.includes('only this'));
  client.socket.destroy();
  stand.origin.answerWith();
  const next = await stand.connect();
  expect((await next.ask(getRequest(stand.origin.authority))).body.toString()).toBe('ok');
  expect(stand.parent.stats.connections).toBe(2);
});

test('an idle connection is closed before its parent would', async () => {
  const stand = await start({}, { idleParent: 100, head: 100 });
  const client = await stand.connect();
  expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
  await eventually(() => stand.parent.stats.open === 0);
  expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
  expect(stand.parent.stats.type3).toBe(2);
});

test('bytes on an idle connection end it: they could be anybody’s answer', async () => {
  const stand = await start();
  let closed = 0;
  const parents: Socket[] = [];
  const parent = await listenTcp((socket) => {
    parents.push(socket);
    socket.on('close', () => (closed += 1));
    socket.on('end', () => socket.end());
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  onTestFinished(() => parent.close());
  await stand.engine.apply(stand.configure({ parents: [endpointOf(parent)], auth: OPEN }));
  const client = await stand.connect();
  await client.ask(getRequest('far.example'));
  parents[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong');
  await eventually(() => closed === 1);
  expect((await client.ask(getRequest('far.example'))).body.toString()).toBe('ok');
});

const REUSED = ['end', 'reset'] as const;

test.for(REUSED)(
  'a GET on a reused connection that meets its %s is sent once more',
  async (deed) => {
    const stand = await start();
    const { seen } = await startParent(stand, (connection, request) =>
      connection === 1 && request === 2 ? deed : 'answer',
    );
    const client = await stand.connect();
    expect(statusOf(await client.ask(getRequest('far.example')))).toBe(200);
    expect(statusOf(await client.ask(getRequest('far.example')))).toBe(200);
    expect(seen).toEqual(['1 GET', '1 GET', '2 GET']);
  },
);

test.for(REUSED)('a GET that meets the %s of a new connection is not sent again', async (deed) => {
  const stand = await start();
  const { seen } = await startParent(stand, () => deed);
  const client = await stand.connect();
  expect(verdictOf(await client.ask(getRequest('far.example')))).toBe('502 reply-incomplete');
  expect(seen).toEqual(['1 GET']);
});

test.for(REUSED)(
  'a web server that meets an idle client with its %s costs nothing',
  async (deed) => {
    const seen: string[] = [];
    const server = await listenTcp((socket) => {
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        seen.push(`request ${requests}`);
        act(socket, requests === 2 ? deed : 'answer');
      });
    });
    onTestFinished(() => server.close());
    const stand = await start({ route: 'direct' });
    const client = await stand.connect();
    for (let round = 0; round < 4; round += 1) {
      expect(statusOf(await client.ask(getRequest(server.authority)))).toBe(200);
    }
    expect(seen.filter((each) => each === 'request 1').length).toBe(server.accepted);
  },
);

test('an answer that has begun is not asked for again', async () => {
  const stand = await start();
  const { seen } = await startParent(stand, (_, request) =>
    request === 2 ? 'half an answer' : 'answer',
  );
  const client = await stand.connect();
  expect(statusOf(await client.ask(getRequest('far.example')))).toBe(200);
  client.socket.write(getRequest('far.example'));
  await client.until(() => client.ended !== 'open');
  expect(client.received.toString().endsWith('\r\n\r\nok')).toBe(true);
  expect(seen).toEqual(['1 GET', '1 GET']);
});

test.for(REUSED)(
  'an upload that has begun and meets the %s of a reused connection fails',
  async (deed) => {
    for (const write of [postRequest, chunkedRequest]) {
      const stand = await start();
      const { seen } = await startParent(stand, (_, request) => (request === 2 ? deed : 'answer'));
      const client = await stand.connect();
      expect(statusOf(await client.ask(getRequest('far.example')))).toBe(200);
      const reply = await client.ask(write('far.example', BODY));
      expect(verdictOf(reply)).toBe('502 reply-incomplete');
      expect(seen).toEqual(['1 GET', '1 POST']);
    }
  },
);

test('a POST without a body is not sent twice either', async () => {
  const stand = await start();
  const { seen } = await startParent(stand, (_, request) => (request === 2 ? 'end' : 'answer'));
  const client = await stand.connect();
  await client.ask(getRequest('far.example'));
  const reply = await client.ask(postRequest('far.example', Buffer.alloc(0)));
  expect(verdictOf(reply)).toBe('502 reply-incomplete');
  expect(seen).toEqual(['1 GET', '1 POST']);
});

const NTLM_TOKEN = 'Authorization: NTLM TlRMTVNTUAABAAAA';
const WAYS = ['direct', 'parents'] as const;

/** A web server that asks whoever does not sign in, as IIS does. */
const asking: Answer = (request) => {
  const isKnown = fieldOf(request, 'Authorization') !== undefined;
  const isOpen = request.start.includes('/open');
  return isKnown || isOpen
    ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    : 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nno';
};

/** The paths that each connection of the next hop has carried, in order. */
function pathsByConnection(stand: Stand, route: (typeof WAYS)[number]): string[][] {
  if (route === 'direct') {
    return stand.origin.connections.map(({ bytes }) =>
      readRequests(bytes()).messages.map(({ start: line }) => line.split(' ')[1] ?? ''),
    );
  }
  const connections = new Map<number, string[]>();
  for (const { connection, target, status } of stand.parent.stats.requests) {
    if (status === 407) continue;
    const paths = connections.get(connection) ?? [];
    paths.push(new URL(target).pathname);
    connections.set(connection, paths);
  }
  return [...connections.values()];
}

test.for(WAYS)('who signs in to a web server has a connection alone, by %s', async (route) => {
  const stand = await start({ route });
  stand.origin.answerWith(asking);
  const { authority } = stand.origin;
  const people = ['/anna', '/ben', '/cleo'];
  const clients = await Promise.all(people.map(() => stand.connect()));
  const others = await Promise.all(people.map(() => stand.connect()));
  for (let round = 0; round < 3; round += 1) {
    for (const [index, path] of people.entries()) {
      const reply = await clients[index]?.ask(getRequest(authority, path, NTLM_TOKEN));
      expect(statusOf(reply)).toBe(200);
      expect(statusOf(await others[index]?.ask(getRequest(authority, '/open')))).toBe(200);
    }
  }
  for (const person of people) {
    const theirs = pathsByConnection(stand, route).filter((paths) => paths.includes(person));
    expect(theirs).toHaveLength(1);
    const since = theirs[0]?.slice(theirs[0].indexOf(person));
    expect(since).toEqual([person, person, person]);
  }
});

test.for(WAYS)(
  'who is asked by a web server gets the connection that asked, by %s',
  async (route) => {
    const stand = await start({ route });
    stand.origin.answerWith(asking);
    const { authority } = stand.origin;
    const [client, other] = [await stand.connect(), await stand.connect()];
    const asked = await client.ask(getRequest(authority, '/anna'));
    expect([statusOf(asked), fieldOf(asked, 'WWW-Authenticate')]).toEqual([401, 'NTLM']);
    expect(statusOf(await other.ask(getRequest(authority, '/open')))).toBe(200);
    expect(statusOf(await client.ask(getRequest(authority, '/anna', NTLM_TOKEN)))).toBe(200);
    expect(statusOf(await client.ask(getRequest(authority, '/open?anna')))).toBe(200);
    const theirs = pathsByConnection(stand, route).filter((paths) => paths.includes('/anna'));
    expect(theirs).toHaveLength(1);
    expect(theirs[0]?.slice(theirs[0].indexOf('/anna'))).toHaveLength(3);
  },
);

test.for(WAYS)('the connection of one who has left serves nobody else, by %s', async (route) => {
  const stand = await start({ route });
  stand.origin.answerWith(asking);
  const { authority } = stand.origin;
  const client = await stand.connect();
  expect(statusOf(await client.ask(getRequest(authority, '/anna', NTLM_TOKEN)))).toBe(200);
  client.socket.end();
  await client.until(() => client.ended === 'fin');
  const other = await stand.connect();
  expect(statusOf(await other.ask(getRequest(authority, '/open')))).toBe(200);
  const paths = pathsByConnection(stand, route);
  expect(paths.filter((path) => path.includes('/anna'))).toEqual([['/anna']]);
});
