import type { Dialect } from '../protocol.ts';
import type { ChallengeNames } from './challenge-message.ts';
import type { Quirks } from './quirks.ts';
import type { PracticeStats } from './stats.ts';
import type { Users } from './users.ts';

/** What all connections of one practice parent share. */
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

/** The schemes of a bare 407, in the order in which they are listed. */
export function offeredSchemes(quirks: Quirks): readonly string[] {
  const basic = 'Basic realm="practice, of course"';
  if (quirks.noAuthenticateHeader) return [];
  if (quirks.basicOnly) return [basic];
  if (quirks.negotiateOnly) return ['Negotiate'];
  return quirks.negotiateFirst ? ['Negotiate', 'NTLM', basic] : ['NTLM'];
}

/** Whether a client may use a scheme, in any case of its name. */
export function isOffered(scheme: string, quirks: Quirks): boolean {
  // A parent that forgets its header still knows what it wants.
  const schemes = offeredSchemes({ ...quirks, noAuthenticateHeader: false });
  return schemes.some((offer) => offer.split(' ')[0]?.toLowerCase() === scheme.toLowerCase());
}
