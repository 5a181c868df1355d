import type { Dialect } from '../protocol.ts';
import { FLAGS, withoutFlags } from './flags.ts';

export type { Dialect } from '../protocol.ts';
export type HashName = 'lm' | 'nt' | 'ntlmv2';

interface DialectTraits {
  /** The hashes it answers a challenge with. */
  readonly needs: readonly HashName[];
  /** Flags of its first message. */
  readonly flags: number;
  /** Extended session security: with it granted, a 24-byte NT response is read as NTLM2SR. */
  readonly extendedSessionSecurity: boolean;
}

// What Windows sends over HTTP. Nothing is signed or sealed there, so no session key is exchanged.
const EXTENDED =
  (FLAGS.UNICODE |
    FLAGS.OEM |
    FLAGS.REQUEST_TARGET |
    FLAGS.NTLM |
    FLAGS.ALWAYS_SIGN |
    FLAGS.EXTENDED_SESSION_SECURITY |
    FLAGS.VERSION |
    FLAGS.KEY_128 |
    FLAGS.KEY_56) >>>
  0;
const PLAIN = withoutFlags(EXTENDED, FLAGS.EXTENDED_SESSION_SECURITY);

/** What each dialect needs and puts on the wire, strongest first. */
export const DIALECTS: Readonly<Record<Dialect, DialectTraits>> = {
  ntlmv2: { needs: ['ntlmv2'], flags: EXTENDED, extendedSessionSecurity: true },
  ntlm2sr: { needs: ['nt'], flags: EXTENDED, extendedSessionSecurity: true },
  nt: { needs: ['nt'], flags: PLAIN, extendedSessionSecurity: false },
  ntlm: { needs: ['lm', 'nt'], flags: PLAIN, extendedSessionSecurity: false },
  lm: { needs: ['lm'], flags: PLAIN, extendedSessionSecurity: false },
};
