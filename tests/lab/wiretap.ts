import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import type { LabParent } from './lab.ts';

/** What passed, in order: NTLM messages towards the parent by their number, and its statuses. */
export interface Seen {
  readonly connection: number;
  readonly what: 'message-1' | 'message-3' | 'status';
  /** Set where `what` is a status. */
  readonly status: number | undefined;
}

export interface Wiretap extends LabParent {
  readonly seen: readonly Seen[];
  count(what: Seen['what']): number;
  close(): Promise<void>;
}

/** Stands between Gatepass and a parent, and notes the sign-ins that pass. */
export async function createWiretap(parent: LabParent): Promise<Wiretap> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer({ noDelay: true }, (client) => {
    const connection = connections++;
    const onward = connect({ ...parent, noDelay: true });
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes) => {
      for (const what of messagesIn(bytes)) seen.push({ connection, what, status: undefined });
    });
    onward.on('data', (bytes) => {
      const status = statusIn(bytes);
      if (status !== undefined) seen.push({ connection, what: 'status', status });
    });
    client.pipe(onward).pipe(client);
    client.on('close', () => onward.destroy());
    onward.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    host: '127.0.0.1',
    port: portOf(server.address()),
    seen,
    count: (what) => seen.filter((one) => one.what === what).length,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** The type of a message stands at its ninth byte, [MS-NLMP] 2.2.1. */
function messagesIn(bytes: Buffer): Seen['what'][] {
  const tokens = bytes.toString('latin1').matchAll(/^Proxy-Authorization: \w+ (\S+)/gim);
  return [...tokens].map(([, token = '']) =>
    Buffer.from(token, 'base64')[8] === 1 ? 'message-1' : 'message-3',
  );
}

function statusIn(bytes: Buffer): number | undefined {
  const found = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1', 0, 16));
  return found ? Number(found[1]) : undefined;
}

/** The port of a listening TCP server. */
export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
