import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detect } from '#engine/detect/detect.ts';
import type { DetectOptions } from '#engine/detect/run.ts';
import type { DetectionOutcome, DetectionResult } from '#engine/detect/step.ts';
import { suite } from '../suite.ts';
import {
  badPasswordCount,
  createUser,
  DOMAIN,
  parent,
  parentCertificate,
  policy,
  setPassword,
  type LabUser,
  type PolicyLevel,
} from './lab.ts';

interface Wishes extends Pick<DetectOptions, 'also' | 'all'> {
  readonly domain?: string;
  /** How many questions are answered with yes. */
  readonly yes?: number;
}

/** Runs a detection to its end; gives its result and what every attempt met. */
async function run(
  name: Parameters<typeof parent>[0],
  { name: user, password }: LabUser,
  { domain = DOMAIN, yes = 0, ...choice }: Wishes = {},
): Promise<{ result: DetectionResult; verdicts: string[] }> {
  let left = yes;
  const steps = detect({
    ...choice,
    parent: { ...parent(name), ...(name === 'tls' && { tls: { ca: await parentCertificate() } }) },
    target: `http://127.0.0.1:${parent('echo').port}/`,
    account: { user, domain, workstation: 'GATEPASS' },
    proof: () => Promise.resolve({ password }),
    consent: () => Promise.resolve((left -= 1) >= 0),
  });
  const verdicts: string[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done) return { result: next.value, verdicts };
    if (next.value.kind === 'verdict') verdicts.push(next.value.verdict);
  }
}

const nameOf = ({ trial }: DetectionResult): string =>
  trial === undefined ? '' : `${trial.scheme} ${'dialect' in trial ? trial.dialect : ''}`.trim();

const WRONG = 'Not-the-passw0rd';

suite('detection in the lab', ['samba', 'squid'], () => {
  test.for<[Parameters<typeof parent>[0], DetectionOutcome, string]>([
    ['ntlm', 'found', 'ntlm ntlmv2'],
    ['closing', 'found', 'ntlm ntlmv2'],
    ['negotiate', 'found', 'negotiate ntlmv2'],
    ['all', 'found', 'ntlm ntlmv2'],
    ['tls', 'found', 'ntlm ntlmv2'],
    ['basic', 'basic-only', 'basic'],
    ['digest', 'not-spoken', ''],
    ['open', 'open', ''],
  ])('%s: %s, %s, and no failed logon', async ([port, outcome, found]) => {
    const user = await createUser();
    const { result } = await run(port, user);

    expect(result).toMatchObject({ outcome, failedLogons: 0 });
    expect(nameOf(result)).toBe(found);
    expect(await badPasswordCount(user.name)).toBe(0);
  });

  test.for<[Parameters<typeof parent>[0], number, DetectionOutcome, number]>([
    ['ntlm', 0, 'refused', 1],
    ['ntlm', 1, 'refused', 2],
    ['closing', 0, 'refused', 1],
    ['negotiate', 0, 'refused', 1],
    ['all', 0, 'refused', 1],
    ['tls', 0, 'refused', 1],
    ['basic', 0, 'basic-only', 0],
    ['basic', 1, 'refused', 1],
    ['digest', 9, 'not-spoken', 0],
    ['open', 9, 'open', 0],
  ])('%s with a wrong password and %i times yes: %s, %i failed', async (row) => {
    const [port, yes, outcome, failedLogons] = row;
    const { name } = await createUser();
    const { result } = await run(port, { name, password: WRONG }, { yes });

    expect(result).toMatchObject({ outcome, failedLogons });
    expect(await badPasswordCount(name)).toBe(failedLogons);
  });

  test('Basic is found once it is agreed to', async () => {
    const user = await createUser();
    const { result } = await run('basic', user, { yes: 1 });

    expect(result).toMatchObject({ outcome: 'found', trial: { scheme: 'basic' }, hashes: [] });
    expect(await badPasswordCount(user.name)).toBe(0);
  });

  test('a missing domain is taken from the challenge', async () => {
    const user = await createUser();
    const { result } = await run('ntlm', user, { domain: '' });

    expect(result).toMatchObject({ outcome: 'found', account: { domain: DOMAIN } });
    expect(await badPasswordCount(user.name)).toBe(0);
  });

  test("the parent that takes everything accepts all of CNTLM's table", async () => {
    const user = { name: 'User', password: 'Password' };
    const { result, verdicts } = await run('any', user, { domain: 'Domain', all: true, yes: 99 });

    expect(verdicts).toEqual(Array.from({ length: 11 }, () => 'accepted'));
    expect(result).toMatchObject({ outcome: 'found', failedLogons: 0 });
    expect(nameOf(result)).toBe('ntlm ntlmv2');
  });
});

suite('detection under every policy of the domain', ['samba', 'squid'], () => {
  afterAll(() => policy('ntlmv2-only'));

  // With NTLM switched off the domain refuses without looking, and counts nobody.
  describe.for<[PolicyLevel, DetectionOutcome, number, number]>([
    ['ntlmv1-permitted', 'found', 0, 1],
    ['mschapv2-and-ntlmv2-only', 'found', 0, 1],
    ['ntlmv2-only', 'found', 0, 1],
    ['disabled', 'refused', 0, 0],
  ])('%s', ([level, outcome, countedRight, countedWrong]) => {
    beforeAll(() => policy(level));

    test(`the right password: ${outcome}, ${countedRight} failed`, async () => {
      const user = await createUser();
      const { result, verdicts } = await run('ntlm', user);

      expect(result.outcome).toBe(outcome);
      expect(verdicts).toHaveLength(1);
      expect(await badPasswordCount(user.name)).toBe(countedRight);
    });

    test(`a wrong password is refused, ${countedWrong} failed`, async () => {
      const { name } = await createUser();
      const { result } = await run('ntlm', { name, password: WRONG });

      expect(result).toMatchObject({ outcome: 'refused', failedLogons: 1 });
      expect(await badPasswordCount(name)).toBe(countedWrong);
    });
  });

  test("CNTLM's table: this Samba has no LM, and counts its two rows", async () => {
    await policy('ntlmv1-permitted');
    const { name } = await createUser();
    const password = 'Passw0rd-14'; // Short enough for an LM hash.
    await setPassword(name, password);
    const { result, verdicts } = await run('ntlm', { name, password }, { all: true, yes: 99 });

    expect(verdicts.map((verdict) => (verdict === 'accepted' ? 'y' : 'n')).join('')).toBe(
      'yyyyyyyyynn',
    );
    expect(result).toMatchObject({ outcome: 'found', failedLogons: 2 });
    expect(await badPasswordCount(name)).toBe(2);
  });
});

suite('detection of Apache', ['apache'], () => {
  const alice = { name: 'alice', password: 'Passw0rd-alice' };

  test('NTLMv2 is found', async () => {
    const { result } = await run('apache', alice, { domain: 'LAB' });

    expect(result).toMatchObject({ outcome: 'found', failedLogons: 0 });
    expect(nameOf(result)).toMatch(/ ntlmv2$/);
  });

  test('a wrong password is refused after one attempt', async () => {
    const wrong = { ...alice, password: WRONG };
    const { result, verdicts } = await run('apache', wrong, { domain: 'LAB' });

    expect(result).toMatchObject({ outcome: 'refused', failedLogons: 1 });
    expect(verdicts).toEqual(['refused']);
  });
});
