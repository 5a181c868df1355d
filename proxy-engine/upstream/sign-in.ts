import type { Authenticator, Attempt } from '../auth/authenticator.ts';
import type { Offer } from '../auth/offered.ts';
import { ProxyError } from '../errors.ts';
import { KEEP_BODY, MAX_PROOF } from '../limits.ts';
import type { HopConnection } from './connection.ts';
import { rejected, type SignIn } from './guard.ts';
import { askWith, isLost, type Asked } from './leg.ts';
import { mayRepeat, type Outgoing } from './outgoing.ts';

/** How a sign-in that did not fail ended. */
export type SignInResult =
  /** The client's sink has the reply. */
  | 'answered'
  /** The parent wants nothing for this target; the request itself has not been sent yet. */
  | 'not-asked'
  /** The same, and the connection is ready for it. */
  | 'ready'
  /** Nothing was spent; a new connection may do better. */
  | 'again';

export interface SignInOptions {
  readonly authenticator: Authenticator;
  readonly signIn: SignIn;
  readonly drainTime: number;
  /** The parent's certificate in DER, where the connection is TLS. */
  readonly certificate: Buffer | undefined;
  /** Learns from the offers of a 407; true when another scheme is to be used. */
  learn(offers: readonly Offer[]): boolean;
}

/**
 * Signs one new connection in with the request itself: the first message goes with the request
 * (without its body), the proof with the whole of it. Nothing else may be sent in between.
 *
 * @throws ProxyError while the client's sink has seen nothing
 */
export async function signInAndSend(
  connection: HopConnection,
  outgoing: Outgoing,
  options: SignInOptions,
): Promise<SignInResult> {
  const { authenticator, signIn } = options;
  const attempt = authenticator.begin();
  if (authenticator.scheme === 'basic')
    return prove(connection, outgoing, attempt.first(), options);

  // A first message that carried a body would leave parents waiting for ever, and one without it
  // would send an empty POST to an origin that is open to all. Old ISA servers refuse HEAD here.
  const isProbe = outgoing.hasBody || outgoing.method === 'HEAD' || outgoing.upgrade !== undefined;
  const reply = await askWith(connection, outgoing, {
    isProbe,
    isProof: false,
    authorization: attempt.first(),
    drainTime: options.drainTime,
    onAnswer: () => {
      connection.ready = true;
    },
  });
  if (reply.kind === 'not-asked') return reply.open ? 'ready' : 'not-asked';
  if (reply.kind === 'answered') return 'answered';
  const answer = readAnswer(reply, attempt, options);
  if (answer === undefined) return 'again';
  await signIn.turn(outgoing.signal());
  // While it waited for its turn the parent may have given the connection up.
  if (!connection.isOpen()) return 'again';
  return prove(connection, outgoing, answer, options);
}

/** The header that answers a challenge; undefined where a new connection has to be tried. */
function readAnswer(
  reply: Asked,
  attempt: Attempt,
  { authenticator, certificate, learn }: SignInOptions,
): string | undefined {
  if (learn(reply.offers)) return undefined;
  const offer = findOffer(reply.offers, authenticator.scheme);
  if (offer?.tokenUnreadable) {
    throw new ProxyError('challenge-unreadable', 'The parent proxy sent an unreadable challenge.');
  }
  if (!offer?.token || !reply.open) return undefined;
  const answer = attempt.answer(offer.token, certificate);
  if (answer.length > MAX_PROOF) {
    throw new ProxyError(
      'challenge-unreadable',
      'The parent proxy sent a challenge that is too long.',
    );
  }
  return answer;
}

/** The offer of a scheme that carries a token, if there is one. */
function findOffer(offers: readonly Offer[], scheme: string): Offer | undefined {
  const own = offers.filter((offer) => offer.scheme === scheme);
  return own.find(({ token, tokenUnreadable }) => token ?? tokenUnreadable) ?? own[0];
}

/** Sends the request with the proof, and reads the verdict from its reply. */
async function prove(
  connection: HopConnection,
  outgoing: Outgoing,
  authorization: string | undefined,
  { authenticator, signIn, drainTime, learn }: SignInOptions,
): Promise<SignInResult> {
  if (authenticator.scheme === 'basic') await signIn.turn(outgoing.signal());
  try {
    const reply = await askWith(connection, outgoing, {
      isProbe: false,
      isProof: true,
      authorization,
      drainTime,
      // A parent that says no and closes while an upload runs resets the connection, and its no is
      // lost. Until the password is known to be right the body waits for what would come at once.
      ...(signIn.isFirst && outgoing.hasBody && { keepBody: KEEP_BODY }),
      onAnswer: () => {
        connection.ready = true;
        signIn.end('accepted');
      },
    });
    if (reply.kind !== 'asked') return 'answered';
    connection.destroy();
    // A parent that does not know Basic has not looked at the password that came with it.
    if (authenticator.scheme === 'basic' && learn(reply.offers)) return 'again';
    return onRefusal(reply.offers, outgoing, signIn, authenticator.scheme);
  } catch (error) {
    if (!isLost(error)) throw error;
    signIn.end('lost');
    if (mayRepeat(outgoing) && outgoing.repeats === 0) return 'again';
    throw error;
  }
}

/** A new challenge in place of a no may mean that the parent lost track; the guard believes it once. */
function onRefusal(
  offers: readonly Offer[],
  outgoing: Outgoing,
  signIn: SignIn,
  scheme: string,
): SignInResult {
  if (findOffer(offers, scheme)?.token !== undefined) {
    signIn.end('asked-again');
    if (mayRepeat(outgoing)) return 'again';
    throw new ProxyError(
      'parent-asked-again',
      'The parent proxy lost track of the sign-in. Please send the request once more.',
    );
  }
  signIn.end('refused');
  throw rejected();
}
