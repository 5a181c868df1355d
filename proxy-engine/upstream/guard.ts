import { ProxyError } from '../errors.ts';
import { MAX_HANDSHAKES, type Timers } from '../limits.ts';
import { createQueue } from './queue.ts';

/**
 * How a sign-in ended: `lost` is a connection that ended without an answer, `asked-again` a new
 * challenge where a yes or a no belongs.
 */
export type Verdict = 'accepted' | 'refused' | 'lost' | 'asked-again';

/** One sign-in on one connection, from before its first message to the parent's verdict. */
export interface SignIn {
  /** The parent has not accepted this credential yet. */
  readonly isFirst: boolean;
  /** Waits for the right to send the message that carries the proof. */
  turn(signal: AbortSignal): Promise<void>;
  /** Ends it; without a verdict when no proof was sent. */
  end(verdict?: Verdict): void;
}

/**
 * Keeps one credential from being tried often. The rules, in the order they matter:
 *
 * 1. After one refused proof no other leaves, for any parent, until the host clears the latch.
 * 2. Until a parent has accepted the credential once, sign-ins run one at a time from the very
 *    first message, and the next one waits for the verdict however long it takes.
 * 3. Afterwards connections are prepared side by side, but proofs still leave one at a time, so
 *    that a password changed elsewhere costs one failed logon and not one per connection. Only a
 *    parent that keeps its verdict back for `presumedAccepted` (a slow origin behind it: a no
 *    comes at once) lets the next one go.
 * 4. A proof that was lost says nothing about the password, but the parent may have counted it. So
 *    the credential has to be accepted again before rule 3 holds, and from the second loss in a
 *    row on sign-ins rest, each time longer. A challenge again is a loss once, then a no.
 */
export interface Guard {
  readonly latched: boolean;
  /** @throws ProxyError 'credentials-rejected' or 'sign-in-unclear' */
  enter(parent: string, signal: AbortSignal): Promise<SignIn>;
  /** A parent said no outside of a sign-in: with Basic every request carries the proof. */
  refused(parent: string): void;
  /** Sets the latch, as the host remembers it. */
  latch(): void;
  /** Clears it: the person asked for one more try. */
  tryAgain(): void;
}

export interface GuardEvents {
  accepted(parent: string): void;
  rejected(parent: string): void;
}

/** How long sign-ins rest after the first, second, … loss in a row, in units of `unclearPause`. */
const RESTS = [0, 1, 10, 60];

/** Belated losses without an acceptance between them, after which they count like all others. */
const MAX_BELATED = 5;

export function createGuard(timers: Timers, events: GuardEvents, isLatched: boolean): Guard {
  const proven = new Set<string>();
  const unprovenSignIns = createQueue(1);
  const handshakes = createQueue(MAX_HANDSHAKES);
  const proofs = createQueue(1);
  let latched = isLatched;
  let lostInRow = 0;
  let askedInRow = 0;
  /** Losses after the verdict was presumed: clients that give a slow origin up, most likely. */
  let belated = 0;
  let restUntil = 0;

  function requireHope(): void {
    if (latched) throw rejected();
    if (performance.now() < restUntil) throw unclear();
  }

  function refuse(parent: string): void {
    latched = true;
    proven.clear();
    for (const queue of [unprovenSignIns, handshakes, proofs]) queue.refuseAll(rejected());
    events.rejected(parent);
  }

  function onAccepted(parent: string): void {
    lostInRow = 0;
    askedInRow = 0;
    belated = 0;
    if (latched || proven.has(parent)) return;
    proven.add(parent);
    events.accepted(parent);
  }

  function onLost(parent: string): void {
    proven.delete(parent);
    lostInRow += 1;
    const rest = RESTS[Math.min(lostInRow, RESTS.length) - 1] ?? 0;
    restUntil = performance.now() + rest * timers.unclearPause;
  }

  function onAskedAgain(parent: string): void {
    askedInRow += 1;
    if (askedInRow > 1) refuse(parent);
    else onLost(parent);
  }

  function conclude(parent: string, verdict: Verdict): void {
    switch (verdict) {
      case 'accepted':
        return onAccepted(parent);
      case 'refused':
        return refuse(parent);
      case 'lost':
        return onLost(parent);
      case 'asked-again':
        return onAskedAgain(parent);
    }
  }

  async function enter(parent: string, signal: AbortSignal): Promise<SignIn> {
    requireHope();
    if (proven.has(parent)) return prepared(parent, signal);
    const leaveQueue = await unprovenSignIns.enter(signal);
    if (proven.has(parent)) {
      // Whoever waited for the first acceptance need not be alone any more.
      leaveQueue();
      return prepared(parent, signal);
    }
    return whileHopeful(leaveQueue, () => createSignIn(parent, true, leaveQueue));
  }

  async function prepared(parent: string, signal: AbortSignal): Promise<SignIn> {
    const leaveQueue = await handshakes.enter(signal);
    return whileHopeful(leaveQueue, () => createSignIn(parent, false, leaveQueue));
  }

  function whileHopeful(leaveQueue: () => void, create: () => SignIn): SignIn {
    try {
      requireHope();
    } catch (error) {
      leaveQueue();
      throw error;
    }
    return create();
  }

  function createSignIn(parent: string, isAlone: boolean, leaveQueue: () => void): SignIn {
    let endTurn: (() => void) | undefined;
    let presumption: NodeJS.Timeout | undefined;
    let isPresumed = false;
    let ended = false;

    return {
      isFirst: isAlone,
      async turn(signal) {
        endTurn = await proofs.enter(signal);
        requireHope();
        if (isAlone) return;
        presumption = setTimeout(() => {
          isPresumed = true;
          endTurn?.();
          leaveQueue();
        }, timers.presumedAccepted);
        presumption.unref();
      },
      end(verdict) {
        if (ended) return;
        ended = true;
        clearTimeout(presumption);
        if (verdict === 'lost' && isPresumed && belated < MAX_BELATED) belated += 1;
        else if (verdict) conclude(parent, verdict);
        endTurn?.();
        leaveQueue();
      },
    };
  }

  return {
    get latched() {
      return latched;
    },
    enter,
    refused(parent) {
      if (!latched) refuse(parent);
    },
    latch() {
      latched = true;
      proven.clear();
    },
    tryAgain() {
      latched = false;
      lostInRow = 0;
      askedInRow = 0;
      restUntil = 0;
    },
  };
}

/** The parent said no: now, or before. */
export function rejected(): ProxyError {
  return new ProxyError(
    'credentials-rejected',
    'The parent proxy refused the password. Gatepass sends it no more, so that the account is ' +
      'not locked. Give Gatepass the current password.',
  );
}

function unclear(): ProxyError {
  return new ProxyError(
    'sign-in-unclear',
    'The parent proxy dropped two sign-ins without an answer. Gatepass waits before the next one, ' +
      'so that the account is not locked.',
  );
}
