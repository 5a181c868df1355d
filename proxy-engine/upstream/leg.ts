import { readOffers, type Offer } from '../auth/offered.ts';
import { ProxyError } from '../errors.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import { MAX_DRAIN } from '../limits.ts';
import type { HopConnection } from './connection.ts';
import type { Outgoing, ReplySink } from './outgoing.ts';

/** What came back to one message of a sign-in. */
export type LegReply =
  /** Something else than 407: it has gone on to the client's sink. */
  | { readonly kind: 'answered' }
  /** Something else than 407 to a probe, read to its end; `open` as below. */
  | { readonly kind: 'not-asked'; readonly open: boolean }
  | Asked;

/** A 407 whose page has been read; `open` tells whether the connection can be used on. */
export interface Asked {
  readonly kind: 'asked';
  readonly head: ReplyHead;
  /** What its Proxy-Authenticate fields offer. */
  readonly offers: readonly Offer[];
  readonly open: boolean;
}

export interface LegOptions {
  readonly isProbe: boolean;
  /** The message carries the proof: its verdict is waited for even when the client has gone. */
  readonly isProof: boolean;
  readonly authorization: string | undefined;
  /** How long a page that is thrown away may take, in milliseconds. */
  readonly drainTime: number;
  /** Keeps the body back so long, in milliseconds, or until the parent says something. */
  readonly keepBody?: number;
  /** Comes before the client's sink sees a head: the reply is not a 407. Never for a probe. */
  onAnswer(): void;
}

/**
 * Sends one message of a sign-in and waits for the head of its reply. A 407 is kept from the client
 * and its page is read to the end, because the next message goes over the same connection.
 *
 * @throws ProxyError as the connection fails, while the client's sink has seen nothing
 */
export function askWith(
  connection: HopConnection,
  outgoing: Outgoing,
  options: LegOptions,
): Promise<LegReply> {
  const signal = outgoing.signal();
  const { isProbe } = options;
  let forgetAbort = (): void => undefined;
  let drainTimer: NodeJS.Timeout | undefined;
  let bodyTimer: NodeJS.Timeout | undefined;
  return new Promise<LegReply>((resolve, reject) => {
    let dropped: ReplyHead | undefined;
    let drained = 0;
    let hasPassed = false;

    function giveUpDrain(): void {
      connection.destroy();
      endDrain(false);
    }
    function endDrain(open: boolean): void {
      if (dropped?.status === 407)
        resolve({ kind: 'asked', head: dropped, offers: offersOf(dropped), open });
      else resolve({ kind: 'not-asked', open });
    }

    /** A proof whose verdict nobody hears would count as none, and cost a second one. */
    function onAbort(): void {
      if (options.isProof && outgoing.isSent())
        drainTimer ??= setTimeout(cutOff, options.drainTime);
      else cutOff();
    }
    function cutOff(): void {
      connection.destroy();
      const code = outgoing.isSent() ? 'reply-incomplete' : 'stopped';
      reject(new ProxyError(code, 'The client went away during the sign-in.'));
    }
    signal.addEventListener('abort', onAbort, { once: true });
    forgetAbort = () => signal.removeEventListener('abort', onAbort);

    const sink: ReplySink = {
      informational(head) {
        if (isProbe || signal.aborted) return;
        outgoing.releaseBody();
        hasPassed = true;
        outgoing.sink.informational(head);
      },
      head(head, body) {
        clearTimeout(bodyTimer);
        if (head.status === 407 || isProbe) {
          dropped = head;
          if (body.kind === 'until-close') return giveUpDrain();
          clearTimeout(drainTimer);
          drainTimer = setTimeout(giveUpDrain, options.drainTime);
          return;
        }
        options.onAnswer();
        if (signal.aborted) {
          connection.destroy();
          resolve({ kind: 'answered' });
          return;
        }
        connection.redirect(outgoing.sink);
        outgoing.sink.head(head, body, connection);
        resolve({ kind: 'answered' });
      },
      data(bytes) {
        drained += bytes.length;
        if (drained > MAX_DRAIN) giveUpDrain();
      },
      end() {
        endDrain(connection.isOpen());
        return true;
      },
      fail(error) {
        if (dropped) endDrain(false);
        else reject(error);
      },
      tunnel(head, wire, first) {
        options.onAnswer();
        if (signal.aborted) wire.socket.destroy();
        else outgoing.sink.tunnel(head, wire, first);
        resolve({ kind: 'answered' });
      },
      flush: () => !hasPassed || outgoing.sink.flush(),
    };

    if (signal.aborted) return cutOff();
    const method = isProbe && outgoing.method !== 'CONNECT' ? 'GET' : outgoing.method;
    connection.begin(method, sink, outgoing);
    if (isProbe) outgoing.probe(connection, options.authorization);
    else outgoing.send(connection, options.authorization, options.keepBody !== undefined);
    if (options.keepBody === undefined) return;
    bodyTimer = setTimeout(() => outgoing.releaseBody(), options.keepBody);
  }).finally(() => {
    clearTimeout(drainTimer);
    clearTimeout(bodyTimer);
    forgetAbort();
  });
}

/** What a 407 says in its Proxy-Authenticate fields. */
export function offersOf(head: ReplyHead): readonly Offer[] {
  const fields = head.fields.filter(({ key }) => key === 'proxy-authenticate');
  return readOffers(fields.map(({ value }) => value));
}

/** A failure in which the parent went away in the middle of a sign-in. */
export function isLost(error: unknown): boolean {
  return (
    error instanceof ProxyError &&
    (error.code === 'reply-incomplete' || error.code === 'reply-timeout')
  );
}
