import type { Challenge } from '../ntlm/challenge.ts';
import { FLAGS, hasFlag } from '../ntlm/flags.ts';
import { fromFileTime } from './file-time.ts';

/** What a challenge tells for free, before anybody signs in. */
export interface ChallengeFacts {
  /** NetBIOS name of the parent's domain: most likely the account's own. */
  readonly domain?: string;
  readonly dnsDomain?: string;
  readonly server?: string;
  /** Of its system, as in `10.0.17763`. */
  readonly version?: string;
  /** How far the parent's clock is ahead of ours, in seconds. */
  readonly skew?: number;
  /** It can be answered with NTLM2SR. */
  readonly extendedSessionSecurity: boolean;
  /** Names travel in a code page: an ancient parent. */
  readonly oemOnly: boolean;
  /** It sent target information: what does that takes NTLMv2 for certain. */
  readonly modern: boolean;
}

const MAX_NAME = 255;

/** Reads the facts out of a challenge; `now` in milliseconds since 1970. */
export function readFacts(challenge: Challenge, now: number): ChallengeFacts {
  const { flags, names, version, timestamp } = challenge;
  const domain = toPrintable(names.netbiosDomain);
  const dnsDomain = toPrintable(names.dnsDomain);
  const server = toPrintable(names.dnsComputer ?? names.netbiosComputer);
  return {
    ...(domain && { domain }),
    ...(dnsDomain && { dnsDomain }),
    ...(server && { server }),
    ...(version && { version: `${version.major}.${version.minor}.${version.build}` }),
    ...(timestamp && { skew: Math.round((fromFileTime(timestamp) - now) / 1000) }),
    extendedSessionSecurity: hasFlag(flags, FLAGS.EXTENDED_SESSION_SECURITY),
    oemOnly: !hasFlag(flags, FLAGS.UNICODE),
    modern: timestamp !== undefined || challenge.targetInfo.length > 0,
  };
}

/** The facts in a sentence for a person. */
export function tellFacts(facts: ChallengeFacts, scheme: string): string {
  const { domain, dnsDomain, skew = 0 } = facts;
  const where = [domain, dnsDomain && `(${dnsDomain})`].filter(Boolean).join(' ');
  return [
    `It speaks ${scheme}${where === '' ? '' : ` for the domain ${where}`}`,
    facts.modern ? ', of a kind that takes NTLMv2' : ', of an old kind that may not take NTLMv2',
    Math.abs(skew) > 60 ? `; its clock is ${minutes(skew)} ${skew > 0 ? 'ahead' : 'behind'}` : '',
    facts.extendedSessionSecurity ? '' : '; NTLM2SR is ruled out',
    facts.oemOnly ? '; names travel without Unicode' : '',
    '.',
  ].join('');
}

function minutes(seconds: number): string {
  return `${Math.round(Math.abs(seconds) / 60)} min`;
}

/** Text of a stranger, fit for a terminal: without controls and marks of direction. */
export function toPrintable(text: string | undefined): string | undefined {
  return text?.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, MAX_NAME);
}
