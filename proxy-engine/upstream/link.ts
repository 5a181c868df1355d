import { ProxyError, toProxyError } from '../errors.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import { MAX_IDLE_PER_PARENT, type Timers } from '../limits.ts';
import type { AuthConfig, Credential, ParentConfig } from '../protocol.ts';
import type { Clock } from './clock.ts';
import { certificateOf } from './connect-parent.ts';
import { createHopConnection, type ConnectionOwner, type HopConnection } from './connection.ts';
import type { Guard } from './guard.ts';
import { proxyAuthenticate } from './leg.ts';
import { mayRepeat, type Outgoing } from './outgoing.ts';
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
  const idle: HopConnection[] = [];
  const all = new Set<HopConnection>();
  const waiting = new Set<Outgoing>();
  let retired = false;
  /** The parent asks again on signed-in connections: a body must not meet such a question. */
  let asksAgain = false;

  const owner: ConnectionOwner = {
    released(connection) {
      if (!connection.ready || connection.pinned) return; // Its sign-in, or its client, goes on.
      const [next] = waiting;
      if (next && !retired) {
        waiting.delete(next);
        owner.run(connection, next);
      } else if (retired || idle.length >= MAX_IDLE_PER_PARENT) connection.destroy();
      else idle.push(connection);
    },
    closed(connection) {
      all.delete(connection);
      const at = idle.indexOf(connection);
      if (at !== -1) idle.splice(at, 1);
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
      connection.begin(outgoing.method, outgoing.sink, outgoing);
      outgoing.send(connection, lasting());
    },
  };

  /** Basic proves itself with every request; the others with every connection. */
  function lasting(): string | undefined {
    const { current } = schemes;
    return current?.scheme === 'basic' ? current.begin().first() : undefined;
  }

  /** Why a 407 on a connection that was ready ends the exchange; nothing if it can start anew. */
  function refusalOf(head: ReplyHead, outgoing: Outgoing): ProxyError | undefined {
    try {
      schemes.learn(proxyAuthenticate(head));
    } catch (error) {
      return toProxyError(error);
    }
    if (outgoing.repeats >= MAX_REPEATS) return askedAgain();
    if (!outgoing.bodyStarted) return undefined;
    asksAgain = true;
    return askedAgain();
  }

  function again(outgoing: Outgoing): void {
    outgoing.repeats += 1;
    outgoing.hold();
    startNew(outgoing).catch((error: unknown) => {
      if (!outgoing.signal.aborted) outgoing.sink.fail(toProxyError(error));
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
    const isServed = await enterOrShare(outgoing, guard);
    if (isServed === 'shared') return 'answered';
    try {
      const connection = await open(outgoing.signal);
      const giveUp = (): void => connection.destroy();
      try {
        const result = await signInAndSend(connection, outgoing, {
          authenticator,
          signIn: isServed,
          drainTime: deps.timers.drain407,
          certificate: certificateOf(connection.socket),
          learn: (values) => schemes.learn(values),
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
        giveUp();
        throw error;
      }
    } finally {
      isServed.end();
    }
  }

  /** Waits to sign in; meanwhile a connection that becomes free may serve the request as well. */
  async function enterOrShare(
    outgoing: Outgoing,
    entrance: Guard,
  ): Promise<Awaited<ReturnType<Guard['enter']>> | 'shared'> {
    const canShare = !(asksAgain && outgoing.hasBody);
    if (canShare) waiting.add(outgoing);
    try {
      const signIn = await entrance.enter(name, outgoing.signal);
      if (canShare && !waiting.has(outgoing)) {
        signIn.end();
        return 'shared';
      }
      if (canShare && startIdle(outgoing)) {
        signIn.end();
        return 'shared';
      }
      return signIn;
    } catch (error) {
      if (canShare && !waiting.has(outgoing)) return 'shared';
      throw error;
    } finally {
      waiting.delete(outgoing);
    }
  }

  /** Without a sign-in: none is configured, or the parent has just shown that it wants none. */
  async function sendPlain(outgoing: Outgoing): Promise<void> {
    const connection = await open(outgoing.signal);
    connection.ready = true;
    owner.run(connection, outgoing);
  }

  async function open(signal: AbortSignal): Promise<HopConnection> {
    const wire = await deps.connect(parent, signal);
    const connection = createHopConnection('parent', wire, owner, deps.clock, deps.timers);
    all.add(connection);
    return connection;
  }

  function startIdle(outgoing: Outgoing): boolean {
    if (asksAgain && outgoing.hasBody) return false;
    for (let next = idle.pop(); next; next = idle.pop()) {
      if (!next.open) continue;
      owner.run(next, outgoing);
      return true;
    }
    return false;
  }

  return {
    name,
    startIdle,
    startNew,
    retire() {
      retired = true;
      for (const connection of idle.splice(0)) connection.destroy();
    },
  };
}

function askedAgain(): ProxyError {
  return new ProxyError(
    'parent-asked-again',
    'The parent proxy asked for another sign-in in the middle. Please send the request once more.',
  );
}
