import { expect, onTestFinished, test } from 'vitest';
import { createStand, type Stand } from '../testing/engine-stand.ts';
import { statusOf } from '../testing/read-messages.ts';
import { getRequest } from '../testing/requests.ts';
import { listenTcp } from '../testing/tcp-server.ts';

const WAYS = ['direct', 'parents'] as const;

async function start(route: (typeof WAYS)[number]): Promise<{ stand: Stand }> {
  const stand = await createStand({ config: { route } });
  onTestFinished(() => stand.close());
  return { stand };
}

test.for(WAYS)('a WebSocket is a tunnel after the switch, by %s', async (route) => {
  const { stand } = await start(route);
  const far = await listenTcp((socket) => {
    let head = '';
    const read = (bytes: Buffer): void => {
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.removeListener('data', read);
      expect(head).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
      expect(head).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/i);
      expect(head).toMatch(/\r\nSec-WebSocket-Key: x\r\n/);
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Accept: y\r\n\r\nfirst frame',
      );
      socket.on('data', (frame: Buffer) => socket.write(`<${frame.toString()}>`));
      socket.on('end', () => socket.end('bye'));
    };
    socket.on('data', read);
  });
  onTestFinished(() => far.close());
  const client = await stand.connect();
  const upgrade = ['Connection: keep-alive, Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'];
  client.socket.write(`${getRequest(far.authority, '/chat', ...upgrade)}`);
  await client.until(() => client.received.includes('first frame'));
  const head = client.received.toString().split('\r\n\r\n')[0] ?? '';
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  expect(head).toContain('\r\nUpgrade: websocket');
  expect(head).toContain('\r\nSec-WebSocket-Accept: y');
  client.socket.write('frame');
  await client.until(() => client.received.includes('<frame>'));
  client.socket.end();
  await client.until(() => client.ended === 'fin');
  expect(client.received.toString().endsWith('bye')).toBe(true);
  expect(far.accepted).toBe(1);
});

test.for(WAYS)('a switch that is refused is an ordinary answer, by %s', async (route) => {
  const { stand } = await start(route);
  const client = await stand.connect();
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
  expect(statusOf(await client.ask(getRequest(stand.origin.authority, '/', ...upgrade)))).toBe(200);
  expect(statusOf(await client.ask(getRequest(stand.origin.authority)))).toBe(200);
});
