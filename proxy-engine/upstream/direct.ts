import { ProxyError, toProxyError } from '../errors.ts';
import type { Timers } from '../limits.ts';
import type { Endpoint } from '../protocol.ts';
import type { Clock } from './clock.ts';
import { createHopConnection, type ConnectionOwner } from './connection.ts';
import type { Wire } from './wire.ts';
import { mayRepeat, type Outgoing } from './outgoing.ts';

/** The way out without a parent. */
export interface Direct {
  /** Starts an exchange on a new connection, which the client that caused it may use again. */
  start(outgoing: Outgoing): void;
}

export interface DirectDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  connect(target: Endpoint, signal: AbortSignal): Promise<Wire>;
  /** Hands a CONNECT's connection over: there is no next hop that could confirm it. */
  tunnel(outgoing: Outgoing, wire: Wire): void;
}

/**
 * Connections to origins are not pooled: each stays with the client that opened it, so that what
 * a client signs in to behind us (NTLM to a web server) can never serve another.
 */
export function createDirect({ clock, timers, connect, tunnel }: DirectDeps): Direct {
  const owner: ConnectionOwner = {
    released: () => undefined,
    closed: () => undefined,
    lost(outgoing, error) {
      if (!mayRepeat(outgoing) || outgoing.repeats > 0) return outgoing.sink.fail(error);
      outgoing.repeats += 1;
      outgoing.hold();
      start(outgoing);
    },
    challenged(outgoing) {
      // RFC 9110 §15.5.8: only a proxy asks so, and this is none that anybody configured.
      outgoing.sink.fail(
        new ProxyError('reply-broken', 'The web server answered like a proxy (407).'),
      );
      return true;
    },
    run(connection, outgoing) {
      connection.begin(outgoing.method, outgoing.sink, outgoing);
      outgoing.send(connection, undefined);
    },
  };

  async function open(outgoing: Outgoing): Promise<void> {
    const wire = await connect(outgoing.target, outgoing.signal());
    if (outgoing.signal().aborted) return void wire.socket.destroy();
    if (outgoing.method === 'CONNECT') return tunnel(outgoing, wire);
    const connection = createHopConnection('target', wire, owner, clock, timers);
    connection.ready = true;
    connection.pinned = true;
    connection.run(outgoing);
  }

  function start(outgoing: Outgoing): void {
    open(outgoing).catch((error: unknown) => {
      if (!outgoing.signal().aborted) outgoing.sink.fail(toProxyError(error));
    });
  }

  return { start };
}
