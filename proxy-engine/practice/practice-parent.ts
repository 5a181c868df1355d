import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { channelBindings } from '../ntlm/channel-bindings.ts';
import type { Dialect } from '../protocol.ts';
import { serveConnection } from './connection.ts';
import { NO_QUIRKS } from './quirks.ts';
import type { Quirks } from './quirks.ts';
import type { Rules } from './rules.ts';
import { createStats } from './stats.ts';
import type { PracticeStats } from './stats.ts';
import { createUsers } from './users.ts';
import type { PracticeUser } from './users.ts';

export interface PracticeOptions {
  readonly users: readonly PracticeUser[];
  /** Those accepted; every one if left out. */
  readonly dialects?: readonly Dialect[];
  readonly quirks?: Partial<Quirks>;
  /** Loopback, unless told otherwise. */
  readonly host?: string;
  /** A free one, unless told otherwise. */
  readonly port?: number;
  /** Key and certificate in PEM: speak TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface PracticeParent {
  readonly host: string;
  readonly port: number;
  readonly stats: Readonly<PracticeStats>;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

const ALL_DIALECTS: readonly Dialect[] = ['ntlmv2', 'ntlm2sr', 'nt', 'ntlm', 'lm'];

/**
 * Starts a parent proxy that demands NTLM and checks it for real, to practise against: for a
 * demonstration without a corporate network, and for tests of every odd parent there is.
 */
export async function createPracticeParent(options: PracticeOptions): Promise<PracticeParent> {
  const { host = '127.0.0.1', port = 0, tls } = options;
  const rules = toRules(options);
  const sockets = new Set<Socket>();

  function onConnection(socket: Socket): void {
    rules.stats.connections += 1;
    rules.stats.open += 1;
    socket.setNoDelay();
    socket.on('error', () => undefined);
    socket.once('close', () => {
      rules.stats.open -= 1;
    });
    // Whatever goes wrong on a connection ends that connection, and nothing else.
    serveConnection(socket, rules, rules.stats.connections).catch(() => socket.destroy());
  }

  const server: Server = tls
    ? createTlsServer({ ...tls, allowHalfOpen: true }, onConnection)
    : createServer({ allowHalfOpen: true }, onConnection);
  // Under TLS too these are the plain sockets: one that leaves in the handshake is seen nowhere else.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    host,
    port: typeof address === 'object' && address ? address.port : port,
    stats: rules.stats,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function toRules({ users, dialects = ALL_DIALECTS, quirks, tls }: PracticeOptions): Rules {
  const all = { ...NO_QUIRKS, ...quirks };
  const stats = createStats();
  return {
    users: createUsers(users, stats, all.lockoutThreshold),
    dialects,
    names: { domain: users[0]?.domain ?? 'PRACTICE', computer: 'PARENT' },
    quirks: all,
    stats,
    left: { toDrop: all.closeAfterType3, toForget: all.forgetType3 },
    ...(tls && { channelBindings: channelBindings(new X509Certificate(tls.cert).raw) }),
  };
}
