import { lookup } from 'node:dns';
import { connect, isIP, type Socket } from 'node:net';
import { ProxyError, systemCode, type ProxyErrorCode } from '../errors.ts';
import { CONNECTION_ATTEMPT_DELAY, KEEP_ALIVE_PROBE, type Timers } from '../limits.ts';
import type { Endpoint } from '../protocol.ts';
import { createReusingReader, type Wire } from './wire.ts';

/** Which next hop is dialled: decides what its failures are called. */
export type HopKind = 'parent' | 'target';

export interface DialOptions {
  readonly kind: HopKind;
  readonly timers: Timers;
  /** Says whether an address is one of our own listeners; asked about the address dialled. */
  readonly isOwn: (ip: string, port: number) => boolean;
  readonly signal: AbortSignal;
  /** The bytes are read as they are; false where TLS will take the socket over. */
  readonly plain: boolean;
}

/**
 * Opens a TCP connection: every address of the name in turn, the next one started beside a slow
 * one after 250 ms (RFC 8305 §5), each and all of them within their time.
 *
 * @throws ProxyError `…-not-found`, `…-refused`, `…-timeout`, `…-unreachable` or 'own-address'
 */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Wire> {
  const { kind, isOwn, signal, timers } = options;
  const addresses = await resolve(endpoint, options);
  signal.throwIfAborted();
  const open = addresses.filter((address) => !isOwn(address, endpoint.port));
  if (open.length === 0) {
    throw kind === 'parent'
      ? new ProxyError('loop', 'The parent proxy is Gatepass itself: its requests would go round.')
      : new ProxyError('own-address', 'This address is Gatepass itself.');
  }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timers.connect)]);
  return race(open, endpoint, { ...options, signal: limit });
}

/** The addresses of a name, in the system's order; an address is its own. */
function resolve(endpoint: Endpoint, { kind, signal, timers }: DialOptions): Promise<string[]> {
  const { host } = endpoint;
  if (isIP(host) !== 0) return Promise.resolve([host]);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timers.connect)]);
  return new Promise((accept, reject) => {
    const give = (): void => {
      reject(
        signal.aborted
          ? stopped(signal)
          : failure(kind, 'timeout', endpoint, 'the name was not answered'),
      );
    };
    limit.addEventListener('abort', give, { once: true });
    lookup(host, { all: true, order: 'verbatim' }, (error, found) => {
      limit.removeEventListener('abort', give);
      if (error) reject(failure(kind, 'not-found', endpoint, 'the name is not known', error));
      else accept(found.map(({ address }) => address));
    });
  });
}

function race(
  addresses: readonly string[],
  endpoint: Endpoint,
  options: DialOptions,
): Promise<Wire> {
  const { kind, signal, timers } = options;
  return new Promise((accept, reject) => {
    const running = new Set<Socket>();
    let next = 0;
    let nextTimer: NodeJS.Timeout | undefined;
    let lastError: unknown;

    function settle(): void {
      clearTimeout(nextTimer);
      signal.removeEventListener('abort', abort);
      for (const socket of running) socket.destroy();
    }
    function abort(): void {
      settle();
      reject(
        signal.reason instanceof ProxyError
          ? signal.reason
          : failure(kind, 'timeout', endpoint, 'it did not answer'),
      );
    }
    function start(): void {
      clearTimeout(nextTimer);
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      const { socket, wire } = openSocket(address, endpoint.port, options.plain);
      running.add(socket);
      const slow = setTimeout(() => socket.destroy(timeoutError()), timers.connectPerAddress);
      socket.once('connect', () => {
        clearTimeout(slow);
        running.delete(socket);
        settle();
        socket.removeListener('error', onError);
        accept(wire());
      });
      function onError(error: Error): void {
        clearTimeout(slow);
        lastError = error;
        if (!running.delete(socket) || signal.aborted) return;
        if (next < addresses.length) start();
        else if (running.size === 0) {
          settle();
          reject(classify(kind, endpoint, lastError));
        }
      }
      socket.on('error', onError);
      nextTimer = setTimeout(start, CONNECTION_ATTEMPT_DELAY);
    }

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    start();
  });
}

function openSocket(
  host: string,
  port: number,
  plain: boolean,
): { socket: Socket; wire: () => Wire } {
  const common = {
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE,
  };
  if (!plain) {
    const socket = connect(common);
    return { socket, wire: () => ({ socket, receive: () => false, renew: () => undefined }) };
  }
  const reader = createReusingReader();
  const socket = connect({ ...common, onread: reader.onread });
  return { socket, wire: () => reader.toWire(socket) };
}

function timeoutError(): Error {
  return Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' });
}

function stopped(signal: AbortSignal): unknown {
  return signal.reason;
}

function classify(kind: HopKind, endpoint: Endpoint, error: unknown): ProxyError {
  const code = systemCode(error);
  if (code === 'ECONNREFUSED') {
    return failure(kind, 'refused', endpoint, 'it refuses the connection', error);
  }
  if (code === 'ETIMEDOUT') return failure(kind, 'timeout', endpoint, 'it did not answer', error);
  return failure(
    kind,
    'unreachable',
    endpoint,
    `it cannot be reached (${code || 'unknown'})`,
    error,
  );
}

const CODES: Record<
  HopKind,
  Record<'not-found' | 'refused' | 'timeout' | 'unreachable', ProxyErrorCode>
> = {
  parent: {
    'not-found': 'parent-not-found',
    refused: 'parent-refused',
    timeout: 'parent-timeout',
    unreachable: 'parent-unreachable',
  },
  target: {
    'not-found': 'target-not-found',
    refused: 'target-refused',
    timeout: 'target-timeout',
    unreachable: 'target-unreachable',
  },
};

function failure(
  kind: HopKind,
  what: keyof (typeof CODES)['parent'],
  { host, port }: Endpoint,
  reason: string,
  cause?: unknown,
): ProxyError {
  const who = kind === 'parent' ? 'The parent proxy' : 'The server';
  return new ProxyError(
    CODES[kind][what],
    `${who} ${host}:${port} could not be reached: ${reason}.`,
    { cause },
  );
}
