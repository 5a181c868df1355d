import { ProxyError, toProxyError } from '../errors.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import type { Timers } from '../limits.ts';
import type { AuthConfig, Credential, ParentConfig } from '../protocol.ts';
import type { Clock } from './clock.ts';
import { certificateOf } from './connect-parent.ts';
import { createHopConnection, type ConnectionOwner, type HopConnection } from './connection.ts';
import { rejected, type Guard, type SignIn } from './guard.ts';
import { offersOf } from './leg.ts';
import { mayRepeat, type Outgoing } from './outgoing.ts';
import { createPool } from './pool.ts';
import { createSchemes } from './schemes.ts';
import { signInAndSend, type SignInResult } from './sign-in.ts';
import type { Wire } from './wire.ts';

export interface LinkDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Opens a connection to the parent, over TLS where it is configured. */
  connect(parent: ParentConfig, signal: AbortSignal): Promise<Wire>;
}

/** The way to one parent with one credential: its connections belong to that identity alone. */
export interface Link {
  readonly name: string;
  /** Starts an exchange on an idle connection, if there is one. */
  startIdle(outgoing: Outgoing): boolean;
  /**
   * Starts an exchange on a new connection.
   *
   * @throws ProxyError while the client's sink has seen nothing
   */
  startNew(outgoing: Outgoing): Promise<void>;
  /** Closes what is idle now, and everything else as it becomes idle. */
  retire(): void;
}

/** New connections one request may use up before it fails: scheme learnt, state lost, closed. */
const MAX_REPEATS = 3;

export function createLink(
  parent: ParentConfig,
  auth: AuthConfig,
  credential: Credential | undefined,
  guard: Guard | undefined,
  deps: LinkDeps,
): Link {
  const name = `${parent.host}:${parent.port}`;
  const schemes = createSchemes(parent, auth, credential);
  const pool = createPool();
  let parentMinor: 0 | 1 = 1;
  /** The parent asks again on signed-in connections: a body must not meet such a question. */
  let asksAgain = false;

  const owner: ConnectionOwner = {
    released(connection) {
      // Otherwise its sign-in, or the client it belongs to, goes on.
      if (connection.ready && !connection.pinned) pool.put(connection);
    },
    closed(connection) {
      parentMinor = connection.peerMinor();
      pool.forget(connection);
    },
    lost(outgoing, error) {
      if (!mayRepeat(outgoing) || outgoing.repeats >= MAX_REPEATS) return outgoing.sink.fail(error);
      again(outgoing);
    },
    challenged(outgoing, head) {
      const reason = refusalOf(head, outgoing);
      if (reason) outgoing.sink.fail(reason);
      else again(outgoing);
      return true;
    },
    run(connection, outgoing) {
      if (isBasic() && guard?.latched) {
        connection.destroy();
        return outgoing.sink.fail(rejected());
      }
      connection.begin(outgoing.method, outgoing.sink, outgoing);
      outgoing.send(connection, lasting());
    },
  };

  /** Basic proves itself with every request; the others with every connection. */
  function isBasic(): boolean {
    return schemes.current?.scheme === 'basic';
  }

  function lasting(): string | undefined {
    return isBasic() ? schemes.current?.begin().first() : undefined;
  }

  /** Why a 407 on a connection that was ready ends the exchange; nothing if it can start anew. */
  function refusalOf(head: ReplyHead, outgoing: Outgoing): ProxyError | undefined {
    try {
      if (!schemes.learn(offersOf(head)) && isBasic()) {
        guard?.refused(name);
        return rejected();
      }
    } catch (error) {
      return toProxyError(error);
    }
    if (outgoing.repeats >= MAX_REPEATS) return askedAgain();
    if (!outgoing.isBodyStarted()) return undefined;
    asksAgain = true;
    return askedAgain();
  }

  function again(outgoing: Outgoing): void {
    outgoing.repeats += 1;
    outgoing.hold();
    startNew(outgoing).catch((error: unknown) => {
      if (!outgoing.signal().aborted) outgoing.sink.fail(toProxyError(error));
    });
  }

  async function startNew(outgoing: Outgoing): Promise<void> {
    for (;;) {
      const result = await attempt(outgoing);
      if (result === 'answered') return;
      if (result === 'not-asked') return sendPlain(outgoing);
      if (outgoing.repeats >= MAX_REPEATS) {
        throw new ProxyError(
          'parent-closes-during-sign-in',
          'The parent proxy closes the connection, or forgets it, in the middle of the sign-in.',
        );
      }
      outgoing.repeats += 1;
      outgoing.hold();
    }
  }

  async function attempt(outgoing: Outgoing): Promise<SignInResult> {
    const authenticator = schemes.current;
    if (!authenticator || !guard) {
      await sendPlain(outgoing);
      return 'answered';
    }
    const signIn = await enterOrShare(outgoing, guard);
    if (signIn === 'shared') return 'answered';
    try {
      const connection = await open(outgoing.signal());
      try {
        const result = await signInAndSend(connection, outgoing, {
          authenticator,
          signIn,
          drainTime: deps.timers.drain407,
          certificate: certificateOf(connection.socket),
          learn: (offers) => schemes.learn(offers),
        });
        if (result === 'ready') {
          connection.ready = true;
          owner.run(connection, outgoing);
          return 'answered';
        }
        // Squid keeps a helper process for each sign-in that was begun and not ended.
        if (result === 'again') connection.destroy();
        return result;
      } catch (error) {
        connection.destroy();
        throw error;
      }
    } finally {
      signIn.end();
    }
  }

  /**
   * Waits to sign in; meanwhile a connection that becomes free may serve the request as well. One
   * that was asked again on such a connection insists on its own.
   */
  async function enterOrShare(outgoing: Outgoing, entrance: Guard): Promise<SignIn | 'shared'> {
    if (!canShare(outgoing)) return entrance.enter(name, outgoing.signal());
    const ticket = pool.wait(outgoing);
    try {
      const signIn = await entrance.enter(name, outgoing.signal());
      if (!ticket.leave() && !startIdle(outgoing)) return signIn;
      signIn.end();
      return 'shared';
    } catch (error) {
      if (ticket.leave()) return 'shared';
      throw error;
    }
  }

  function canShare(outgoing: Outgoing): boolean {
    return outgoing.repeats === 0 && !(asksAgain && outgoing.hasBody);
  }

  /** Without a sign-in: none is configured, or the parent has just shown that it wants none. */
  async function sendPlain(outgoing: Outgoing): Promise<void> {
    const connection = await open(outgoing.signal());
    connection.ready = true;
    owner.run(connection, outgoing);
  }

  async function open(signal: AbortSignal): Promise<HopConnection> {
    const wire = await deps.connect(parent, signal);
    return createHopConnection('parent', wire, owner, deps.clock, deps.timers, parentMinor);
  }

  function startIdle(outgoing: Outgoing): boolean {
    const connection = canShare(outgoing) ? pool.take() : undefined;
    connection?.run(outgoing);
    return connection !== undefined;
  }

  return {
    name,
    startIdle,
    startNew,
    retire: () => pool.retire(),
  };
}

function askedAgain(): ProxyError {
  return new ProxyError(
    'parent-asked-again',
    'The parent proxy asked for another sign-in in the middle. Please send the request once more.',
  );
}
