import { hashesFor } from '../ntlm/hashes.ts';
import type { Account, Dialect, Secrets } from '../protocol.ts';
import type { ChallengeFacts } from './facts.ts';
import type { Proof, Trial } from './step.ts';

export interface TrialChoice {
  /** Dialects that are tried only because somebody asked for them by name. */
  readonly also?: readonly Dialect[];
  /** Walk CNTLM's eleven configurations to the end, accepted or not: for a lab or a test account. */
  readonly all?: boolean;
}

/** Dialect and first flags of CNTLM's detection, in its order. */
const CNTLM_TABLE: readonly (readonly [Dialect, number])[] = [
  ['ntlmv2', 0xa208b205],
  ['ntlmv2', 0xa208b207],
  ['ntlmv2', 0xa2088207],
  ['ntlm2sr', 0xa208b207],
  ['ntlm2sr', 0x00088207],
  ['nt', 0x0000b205],
  ['nt', 0x00008205],
  ['ntlm', 0x0000b207],
  ['ntlm', 0x00008207],
  ['lm', 0x0000b206],
  ['lm', 0x00008206],
];

/** What to try, in order: the strongest, one weaker that the challenge allows, and the wishes. */
export function planTrials(
  scheme: 'ntlm' | 'negotiate',
  facts: ChallengeFacts,
  { also = [], all = false }: TrialChoice,
): readonly Trial[] {
  if (all) return CNTLM_TABLE.map(([dialect, flags]) => ({ scheme, dialect, flags }));
  const weaker = facts.extendedSessionSecurity ? 'ntlm2sr' : 'ntlm';
  const dialects = new Set<Dialect>(['ntlmv2', weaker, ...also]);
  return [...dialects].map((dialect) => ({ scheme, dialect }));
}

/** The secrets of one trial. Throws `hash-impossible` where the password has no such hash. */
export function secretsFor(trial: Trial, account: Account, proof: Proof): Secrets {
  if ('secrets' in proof) return proof.secrets;
  if (trial.scheme === 'basic') return { password: Buffer.from(proof.password) };
  return hashesFor(trial.dialect, account, proof.password);
}

const NAMES: Record<Dialect, string> = {
  ntlmv2: 'NTLMv2',
  ntlm2sr: 'NTLM2SR',
  nt: 'NT',
  ntlm: 'NTLM',
  lm: 'LM',
};

/** A trial as a person reads it. */
export function nameTrial(trial: Trial): string {
  if (trial.scheme === 'basic') return 'Basic';
  const via = trial.scheme === 'negotiate' ? ' under the name Negotiate' : '';
  const flags = trial.flags === undefined ? '' : ` with flags 0x${trial.flags.toString(16)}`;
  return `${NAMES[trial.dialect]}${via}${flags}`;
}

/** `DOMAIN\user`, as a person reads it. */
export function nameAccount({ user, domain }: Account): string {
  return domain === '' ? user : `${domain}\\${user}`;
}

const SCHEME_NAMES: Readonly<Record<string, string>> = { ntlm: 'NTLM' };

/** Schemes as a person reads them: `Negotiate, NTLM, Basic`. */
export function nameSchemes(schemes: readonly string[]): string {
  const capitals = (scheme: string) => scheme.charAt(0).toUpperCase() + scheme.slice(1);
  return schemes.map((scheme) => SCHEME_NAMES[scheme] ?? capitals(scheme)).join(', ');
}
