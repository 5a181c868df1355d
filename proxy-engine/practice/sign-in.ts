import type { Dialect } from '../protocol.ts';
import { readAuthenticateMessage } from './authenticate-reader.ts';
import type { AuthenticateMessage } from './authenticate-reader.ts';
import { writeChallengeMessage } from './challenge-message.ts';
import type { ChallengeNames } from './challenge-message.ts';
import type { Quirks } from './quirks.ts';
import { record } from './stats.ts';
import type { PracticeStats } from './stats.ts';
import type { PracticeUser, Users } from './users.ts';
import { carriesMic, dialectOf, isWellFormed, provesPassword } from './verify.ts';
import type { Exchange } from './verify.ts';

/** What all connections of a practice parent share. */
export interface Rules {
  readonly users: Users;
  readonly dialects: readonly Dialect[];
  readonly names: ChallengeNames;
  readonly quirks: Quirks;
  readonly stats: PracticeStats;
  /** What a Type 3 may be bound to, where the parent speaks TLS. */
  readonly channelBindings?: Buffer;
  /** Type 3 messages still to be met by silence, and by a new challenge. */
  readonly left: { toDrop: number; toForget: number };
}

/** What to do with a request. */
export type Decision =
  | { readonly kind: 'forward'; readonly identity: string }
  /** A 407, its schemes bare or the first of them with a challenge. */
  | { readonly kind: 'ask'; readonly challenge?: string; readonly close: boolean }
  | { readonly kind: 'drop' }
  | { readonly kind: 'hang' };

export interface SignIn {
  /** Judges the next request of the connection by its Proxy-Authorization. */
  judge(authorization: string | undefined, hasBody: boolean): Decision;
}

/** `dead`: after a refusal a connection gets no new challenge, on Squid and Apache alike. */
type Phase = 'fresh' | 'challenged' | 'interrupted' | 'hanging' | 'signed-in' | 'dead';

/** The sign-in state of one connection. */
export function createSignIn(rules: Rules, connection: number): SignIn {
  const { quirks, stats, users, left } = rules;
  let phase: Phase = 'fresh';
  let identity = '';
  let served = 0;
  let exchange: Exchange | undefined;

  const ask = (close = false): Decision => ({ kind: 'ask', close });

  function refuse(scheme: string): Decision {
    stats.refusals += 1;
    if (quirks.newChallengeInsteadOfRefusal && exchange) return sendChallenge(scheme, exchange.negotiate);
    phase = 'dead';
    return ask();
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
      return ask();
    }
    if (quirks.perRequestAuth) phase = 'fresh';
    return { kind: 'forward', identity };
  }

  function sendChallenge(scheme: string, negotiate: Buffer): Decision {
    const asked = negotiate.length < 16 ? 0 : negotiate.readUInt32LE(12);
    const challenge = writeChallengeMessage(asked, rules.names, quirks);
    exchange = { negotiate, challenge };
    phase = 'challenged';
    const token = quirks.garbageChallenge ? Buffer.from('not a challenge') : challenge;
    const value = `${scheme} ${token.toString('base64')}`;
    return { kind: 'ask', challenge: value, close: quirks.closeAfterChallenge };
  }

  function onType1(scheme: string, message: Buffer, hasBody: boolean): Decision {
    stats.type1 += 1;
    if (quirks.openToType1) return accept('');
    if (phase !== 'fresh') {
      phase = 'dead';
      return ask();
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
    if (phase !== 'challenged' || !exchange) return refuse(scheme);
    if (left.toForget > 0) {
      left.toForget -= 1;
      return sendChallenge(scheme, exchange.negotiate);
    }
    const message = readAuthenticateMessage(raw);
    if (!message) return refuse(scheme);
    const user = users.find(message.user, message.domain);
    const accepted = user !== undefined && checkPassword(message, exchange, user);
    record(stats.signIns, toSignIn(message, accepted));
    return user && accepted ? accept(`${user.domain}\\${user.user}`) : refuse(scheme);
  }

  /** Only a wrong password and a refused dialect count towards a lock-out. */
  function checkPassword(message: AuthenticateMessage, used: Exchange, user: PracticeUser): boolean {
    if (!isWellFormed(message, used, user) && provesPassword(message, used, user)) return false;
    if (!isBoundHere(message)) return false;
    const allowed = rules.dialects.includes(dialectOf(message));
    const right = allowed && provesPassword(message, used, user);
    if (!right) users.countWrong(user);
    if (!right || users.isLocked(user)) return false;
    users.countRight(user);
    return true;
  }

  /** Bindings are optional, but those that are there must be this parent's. */
  function isBoundHere(message: AuthenticateMessage): boolean {
    const bindings = pairOf(message, 10);
    return bindings === undefined || rules.channelBindings?.equals(bindings) === true;
  }

  function toSignIn(message: AuthenticateMessage, accepted: boolean) {
    return {
      connection,
      identity: `${message.domain}\\${message.user}`,
      workstation: message.workstation,
      dialect: dialectOf(message),
      accepted,
      mic: carriesMic(message),
      channelBindings: pairOf(message, 10)?.toString('hex') ?? '',
      spn: pairOf(message, 9)?.toString('utf16le') ?? '',
    };
  }

  function onBasic(value: string): Decision {
    const pair = Buffer.from(value, 'base64').toString('utf8');
    const [name = '', ...password] = pair.split(':');
    const [first = '', second] = name.split('\\');
    const [domain, user] = second === undefined ? ['', first] : [first, second];
    const known = users.find(user, domain);
    const right = known !== undefined && known.password === password.join(':');
    if (known && !right) users.countWrong(known);
    const accepted = known !== undefined && right && !users.isLocked(known);
    record(stats.signIns, {
      ...{ connection, identity: `${domain}\\${user}`, workstation: '', dialect: 'basic', accepted },
      ...{ mic: false, channelBindings: '', spn: '' },
    });
    if (!known || !accepted) {
      stats.refusals += 1;
      return ask();
    }
    stats.accepted += 1;
    return { kind: 'forward', identity: `${known.domain}\\${known.user}` };
  }

  return {
    judge(authorization, hasBody) {
      if (phase === 'hanging') return { kind: 'hang' };
      if (phase === 'interrupted') return { kind: 'drop' };
      if (phase === 'signed-in') return serve();
      const [scheme = '', value = ''] = authorization?.trim().split(/ +/) ?? [];
      if (isOffered(scheme, 'basic', quirks) && value !== '') return onBasic(value);
      const raw = Buffer.from(value, 'base64');
      if (value === '' || !isNtlm(scheme, quirks) || raw.length < 12) {
        if (phase === 'challenged') phase = 'interrupted';
        return ask(quirks.closeAfterBare407);
      }
      const type = raw.readUInt32LE(8);
      const name = scheme.toLowerCase() === 'ntlm' ? 'NTLM' : 'Negotiate';
      if (type === 1) return onType1(name, raw, hasBody);
      if (type === 3) return onType3(name, raw);
      return refuse(name);
    },
  };
}
