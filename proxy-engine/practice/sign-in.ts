import { readAuthenticateMessage } from './authenticate-reader.ts';
import { writeChallengeMessage } from './challenge-message.ts';
import { checkAnswer, checkBasic } from './check-answer.ts';
import { isOffered } from './rules.ts';
import type { Rules } from './rules.ts';
import type { PracticeUser } from './users.ts';
import type { Exchange } from './verify.ts';

/** What to do with a request. */
export type Decision =
  | { readonly kind: 'forward'; readonly identity: string }
  /** A 407: with this challenge, or with the bare list of schemes. */
  | { readonly kind: 'ask'; readonly challenge?: string; readonly close: boolean }
  | { readonly kind: 'drop' }
  | { readonly kind: 'hang' };

export interface SignIn {
  /** Judges the next request of the connection by its Proxy-Authorization. */
  judge(authorization: string | undefined, hasBody: boolean): Decision;
}

/** A refused connection is `dead`: Squid and Apache give it no new challenge. */
type Phase = 'fresh' | 'challenged' | 'interrupted' | 'hanging' | 'signed-in' | 'dead';

/** The sign-in state of one connection. */
export function createSignIn(rules: Rules, connection: number): SignIn {
  const { quirks, stats, left } = rules;
  let phase: Phase = 'fresh';
  let identity = '';
  let served = 0;
  let exchange: Exchange | undefined;

  function judge(authorization: string | undefined, hasBody: boolean): Decision {
    if (phase === 'hanging') return { kind: 'hang' };
    if (phase === 'interrupted') return { kind: 'drop' };
    if (phase === 'signed-in') return serve();
    const [scheme = '', value = ''] = authorization?.trim().split(/ +/) ?? [];
    if (value === '' || !isOffered(scheme, quirks)) return askBare();
    if (scheme.toLowerCase() === 'basic') return onBasic(value);
    return onNtlm(scheme.toLowerCase() === 'ntlm' ? 'NTLM' : 'Negotiate', value, hasBody);
  }

  function askBare(): Decision {
    // Nothing may come between a challenge and its answer.
    if (phase === 'challenged') phase = 'interrupted';
    return { kind: 'ask', close: quirks.closeAfterBare407 };
  }

  function onBasic(value: string): Decision {
    const user = checkBasic(rules, connection, value);
    if (!user) return refuse();
    stats.accepted += 1;
    return { kind: 'forward', identity: nameOf(user) };
  }

  function onNtlm(scheme: string, value: string, hasBody: boolean): Decision {
    const message = Buffer.from(value, 'base64');
    const type = message.length < 16 ? 0 : message.readUInt32LE(8);
    if (type === 3) return onType3(scheme, message);
    if (type !== 1) return refuse();
    stats.type1 += 1;
    if (quirks.openToType1) return accept('');
    // A second Type 1 on one connection gets no challenge.
    if (phase !== 'fresh') {
      phase = 'dead';
      return { kind: 'ask', close: false };
    }
    const decision = sendChallenge(scheme, message);
    if (hasBody && quirks.hangOnBodyWithType1) phase = 'hanging';
    return decision;
  }

  function onType3(scheme: string, raw: Buffer): Decision {
    stats.type3 += 1;
    if (left.toDrop > 0) {
      left.toDrop -= 1;
      return { kind: 'drop' };
    }
    if (phase !== 'challenged' || !exchange) return refuse();
    if (left.toForget > 0) {
      left.toForget -= 1;
      return sendChallenge(scheme, exchange.negotiate);
    }
    const message = readAuthenticateMessage(raw);
    const user = message && checkAnswer(rules, connection, message, exchange);
    if (user) return accept(nameOf(user));
    const refusal = refuse();
    if (!quirks.newChallengeInsteadOfRefusal) return refusal;
    return sendChallenge(scheme, exchange.negotiate);
  }

  function sendChallenge(scheme: string, negotiate: Buffer): Decision {
    const challenge = writeChallengeMessage(negotiate.readUInt32LE(12), rules.names, quirks);
    exchange = { negotiate, challenge };
    phase = 'challenged';
    const token = quirks.garbageChallenge ? Buffer.from('this is no challenge') : challenge;
    const value = `${scheme} ${token.toString('base64')}`;
    return { kind: 'ask', challenge: value, close: quirks.closeAfterChallenge };
  }

  function refuse(): Decision {
    stats.refusals += 1;
    phase = 'dead';
    return { kind: 'ask', close: false };
  }

  function accept(name: string): Decision {
    stats.accepted += 1;
    phase = 'signed-in';
    identity = name;
    served = 0;
    return serve();
  }

  function serve(): Decision {
    served += 1;
    if (quirks.rechallengeAfter > 0 && served > quirks.rechallengeAfter) {
      phase = 'fresh';
      return { kind: 'ask', close: false };
    }
    if (quirks.perRequestAuth) phase = 'fresh';
    return { kind: 'forward', identity };
  }

  return { judge };
}

function nameOf({ domain, user }: PracticeUser): string {
  return `${domain}\\${user}`;
}
