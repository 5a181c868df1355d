import { createServer, type Server } from 'node:net';
import { ProxyError, systemCode } from '../errors.ts';
import { BACKLOG, KEEP_ALIVE_PROBE } from '../limits.ts';
import type { Endpoint } from '../protocol.ts';
import { createBag } from '../upstream/bag.ts';
import { readReusing } from './accepted.ts';
import { serveClient } from './client.ts';
import type { Client, ClientRegistry, Gate } from './gate.ts';

/** One address that clients are taken at. */
export interface Listener {
  /** With the port it really has, where 0 was asked for. */
  readonly address: Endpoint;
  /** Takes no new client and ends each as it becomes idle; resolves when all are gone. */
  drain(): Promise<void>;
  readonly isDraining: boolean;
  readonly connections: number;
  /** Ends every client now. */
  destroy(): void;
}

/** @throws ProxyError 'bad-configuration' with the reason in a sentence */
export async function listen(endpoint: Endpoint, gate: Gate): Promise<Listener> {
  const clients = createBag<Client>();
  let onEmpty = (): void => undefined;
  const registry: ClientRegistry = {
    add: (client) => clients.add(client),
    remove(client) {
      clients.remove(client);
      if (clients.members.length === 0) onEmpty();
    },
  };
  const server = createServer(
    {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE,
    },
    (socket) => serveClient(readReusing(socket), gate, registry),
  );
  await bind(server, endpoint);
  server.on('error', (error) => {
    gate.log.warn(`A client could not be taken (${systemCode(error) || 'unknown'}).`);
  });

  return {
    address: addressOf(server, endpoint),
    get connections() {
      return clients.members.length;
    },
    get isDraining() {
      return !server.listening;
    },
    drain() {
      server.close();
      for (const client of [...clients.members]) client.drain();
      if (clients.members.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onEmpty = resolve;
      });
    },
    destroy() {
      for (const client of [...clients.members]) client.destroy();
    },
  };
}

function bind(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindFailure(endpoint, error)));
    server.listen({ host: endpoint.host, port: endpoint.port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function addressOf(server: Server, endpoint: Endpoint): Endpoint {
  const address = server.address();
  if (address === null || typeof address === 'string') return endpoint;
  return { host: address.address, port: address.port };
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'another program uses this port',
  EACCES: 'this account may not use this port',
  EADDRNOTAVAIL: 'this computer does not have this address',
  ENOTFOUND: 'this name is not known',
};

function bindFailure({ host, port }: Endpoint, error: Error): ProxyError {
  const code = systemCode(error);
  const reason = REASONS[code] ?? `the system says ${code || 'no'}`;
  return new ProxyError('bad-configuration', `Cannot listen on ${host}:${port}: ${reason}.`, {
    cause: error,
  });
}
