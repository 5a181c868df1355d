import { lookup } from 'node:dns';
import { connect, isIP, type Socket } from 'node:net';
import { ProxyError } from '../errors.ts';
import { CONNECTION_ATTEMPT_DELAY, KEEP_ALIVE_PROBE, type Timers } from '../limits.ts';
import type { Endpoint } from '../protocol.ts';
import { dialFailure, timedOut, type HopKind } from './dial-failure.ts';
import { createReusingReader, REPLY_SIZE, type Wire } from './wire.ts';

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
 * @throws ProxyError `…-not-found`, `…-refused`, `…-timeout`, `…-unreachable`, 'loop' or
 *   'own-address'; or the signal's reason
 */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Wire> {
  const { kind, isOwn, signal } = options;
  const addresses = isIP(endpoint.host) === 0 ? await resolve(endpoint, options) : [endpoint.host];
  signal.throwIfAborted();
  const open = addresses.filter((address) => !isOwn(address, endpoint.port));
  if (open.length > 0) return race(open, endpoint, options);
  throw kind === 'parent'
    ? new ProxyError('loop', 'The parent proxy is Gatepass itself: its requests would go round.')
    : new ProxyError('own-address', 'This address is Gatepass itself.');
}

/** The addresses of a name, in the system's order. */
function resolve(endpoint: Endpoint, options: DialOptions): Promise<string[]> {
  const { kind, timers, signal } = options;
  return withLimit(
    signal,
    timers.connect,
    () => timedOut(kind, endpoint),
    (accept, reject) => {
      lookup(endpoint.host, { all: true, order: 'verbatim' }, (error, found) => {
        if (error) reject(dialFailure(kind, endpoint, error));
        else accept(found.map(({ address }) => address));
      });
      return () => undefined;
    },
  );
}

/** Tries addresses until one connects. */
function race(
  addresses: readonly string[],
  endpoint: Endpoint,
  { kind, timers, signal, plain }: DialOptions,
): Promise<Wire> {
  const late = (): ProxyError => timedOut(kind, endpoint);
  return withLimit(signal, timers.connect, late, (accept, reject) => {
    const running = new Set<Socket>();
    const timeouts = new Set<NodeJS.Timeout>();
    let next = 0;
    let delay: NodeJS.Timeout | undefined;

    function start(): void {
      clearTimeout(delay);
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      const { socket, wire } = openSocket(address, endpoint.port, plain);
      running.add(socket);
      socket.once('error', onError);
      socket.once('connect', () => {
        running.delete(socket);
        socket.removeListener('error', onError);
        accept(wire);
      });
      function onError(error: unknown): void {
        socket.destroy();
        if (!running.delete(socket)) return;
        if (next < addresses.length) start();
        else if (running.size === 0) reject(dialFailure(kind, endpoint, error));
      }
      // With one address the limit on all of them is soon enough.
      if (addresses.length === 1) return;
      timeouts.add(setTimeout(() => onError(late()), timers.connectPerAddress));
      delay = setTimeout(start, CONNECTION_ATTEMPT_DELAY);
    }

    start();
    return () => {
      clearTimeout(delay);
      for (const timeout of timeouts) clearTimeout(timeout);
      for (const socket of running) {
        socket.removeAllListeners('error');
        socket.on('error', ignore);
        socket.destroy();
      }
    };
  });
}

type Start<T> = (accept: (value: T) => void, reject: (reason: unknown) => void) => () => void;

/** A promise that ends with its signal or its time, whatever happens; `start` returns its clean-up. */
function withLimit<T>(
  signal: AbortSignal,
  time: number,
  late: () => ProxyError,
  start: Start<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(late()), time);
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const cleanUp = start((value) => {
      settle();
      resolve(value);
    }, fail);

    function settle(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      cleanUp();
    }
    function fail(reason: unknown): void {
      settle();
      reject(reason instanceof Error ? reason : late());
    }
  });
}

function openSocket(host: string, port: number, plain: boolean): { socket: Socket; wire: Wire } {
  const options = {
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE,
  };
  if (!plain) {
    const socket = connect(options);
    return { socket, wire: { socket, receive: () => false, renew: ignore } };
  }
  const reader = createReusingReader(REPLY_SIZE);
  const socket = connect({ ...options, onread: reader.onread });
  return { socket, wire: reader.toWire(socket) };
}

function ignore(): void {
  // Nobody waits for it any more.
}
