import { expect, test } from 'vitest';
import type { Quirks } from '../practice/quirks.ts';
import type { Dialect } from '../protocol.ts';
import { RIGHT, startScene } from '../testing/detection-scene.ts';
import type { DetectionOutcome } from './step.ts';

const WRONG = 'not-this-one';

interface Row {
  readonly name: string;
  readonly quirks?: Partial<Quirks>;
  readonly dialects?: readonly Dialect[];
  readonly password?: string;
  /** How many further attempts are agreed to. */
  readonly yes?: number;
  readonly outcome: DetectionOutcome;
  /** `scheme dialect` of the result. */
  readonly found?: string;
  readonly failedLogons: number;
  /** What the parent itself counts; as many as we do, unless told. */
  readonly counted?: number;
}

const ROWS: readonly Row[] = [
  {
    name: 'NTLMv2 with the right password',
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'a wrong password, and nobody agrees to more',
    password: WRONG,
    outcome: 'refused',
    failedLogons: 1,
  },
  {
    name: 'a wrong password, and one more agreed to',
    password: WRONG,
    yes: 1,
    outcome: 'refused',
    failedLogons: 2,
  },
  {
    name: 'a wrong password, and any number agreed to',
    password: WRONG,
    yes: 9,
    outcome: 'refused',
    failedLogons: 2,
  },
  {
    name: 'a parent that takes only NTLM2SR',
    dialects: ['ntlm2sr'],
    yes: 1,
    outcome: 'found',
    found: 'ntlm ntlm2sr',
    failedLogons: 1,
  },
  {
    name: 'the same, and nobody agrees to it',
    dialects: ['ntlm2sr'],
    outcome: 'refused',
    failedLogons: 1,
  },
  {
    name: 'an old parent without extended session security',
    quirks: { noEss: true, noTargetInfo: true, noTimestamp: true },
    dialects: ['ntlm'],
    yes: 1,
    outcome: 'found',
    found: 'ntlm ntlm',
    failedLogons: 1,
  },
  {
    name: 'Negotiate alone',
    quirks: { negotiateOnly: true },
    outcome: 'found',
    found: 'negotiate ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'Negotiate first of three',
    quirks: { negotiateFirst: true },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'Basic alone, not agreed to',
    quirks: { basicOnly: true },
    outcome: 'basic-only',
    failedLogons: 0,
  },
  {
    name: 'Basic alone, agreed to',
    quirks: { basicOnly: true },
    yes: 1,
    outcome: 'found',
    found: 'basic',
    failedLogons: 0,
  },
  {
    name: 'Basic alone, agreed to, with a wrong password',
    quirks: { basicOnly: true },
    password: WRONG,
    yes: 1,
    outcome: 'refused',
    failedLogons: 1,
  },
  {
    name: 'a challenge that is none',
    quirks: { garbageChallenge: true },
    outcome: 'not-spoken',
    failedLogons: 0,
  },
  {
    name: 'a parent that closes after its challenge',
    quirks: { closeAfterChallenge: true },
    outcome: 'not-spoken',
    failedLogons: 0,
  },
  {
    name: 'a 407 that never says what it wants',
    quirks: { noAuthenticateHeader: true },
    outcome: 'not-spoken',
    failedLogons: 0,
  },
  {
    name: 'a parent that is content with an announcement',
    quirks: { openToType1: true },
    outcome: 'open',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'one proof lost',
    quirks: { closeAfterType3: 1 },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'every proof lost',
    quirks: { closeAfterType3: 9 },
    yes: 9,
    outcome: 'unclear',
    failedLogons: 0,
  },
  {
    name: 'a wrong password, its first proof lost',
    quirks: { closeAfterType3: 1 },
    password: WRONG,
    outcome: 'refused',
    failedLogons: 1,
  },
  {
    name: 'a parent that forgets the challenge once',
    quirks: { forgetType3: 1 },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'a new challenge instead of a no',
    quirks: { newChallengeInsteadOfRefusal: true },
    password: WRONG,
    outcome: 'refused',
    failedLogons: 2,
  },
  {
    name: 'an account that is locked',
    quirks: { lockoutThreshold: 1 },
    password: WRONG,
    yes: 1,
    outcome: 'refused',
    failedLogons: 2,
    counted: 1,
  },
  {
    name: 'a parent that closes after a bare 407',
    quirks: { closeAfterBare407: true },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'HTTP/1.0 with Proxy-Connection only',
    quirks: { http10: true, proxyConnectionOnly: true },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'pages of 407 without an end',
    quirks: { body407: 'until-close' },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'pages of 407 in chunks',
    quirks: { body407: 'chunked' },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'no target information, and NTLMv2 all the same',
    quirks: { noTargetInfo: true },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'names without Unicode',
    quirks: { oemChallenge: true },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
  {
    name: 'lower case, spaces, and heads in pieces',
    quirks: { lowerCaseNames: true, extraSpaces: true, splitHeaders: 7 },
    outcome: 'found',
    found: 'ntlm ntlmv2',
    failedLogons: 0,
  },
];

test.for(ROWS)('$name: $outcome', async (row) => {
  const scene = await startScene({ quirks: row.quirks ?? {}, dialects: row.dialects });
  const { result, steps } = await scene.detect({
    password: row.password ?? RIGHT,
    yes: row.yes ?? 0,
  });

  expect(result.outcome).toBe(row.outcome);
  expect(result.failedLogons).toBe(row.failedLogons);
  expect(scene.wrongPasswords()).toBe(row.counted ?? row.failedLogons);
  expect(steps.at(-1)?.failedLogons).toBe(result.failedLogons);
  const { trial } = result;
  if (row.outcome === 'found' || row.found !== undefined) {
    expect(trial && [trial.scheme, 'dialect' in trial ? trial.dialect : ''].join(' ').trim()).toBe(
      row.found,
    );
  }
});
