import { expect, test } from 'vitest';
import { hashesFor } from '../ntlm/hashes.ts';
import { ANNA, RIGHT, startScene } from '../testing/detection-scene.ts';

test('weaker dialects by name are asked for one by one, and cost one each', async () => {
  const scene = await startScene({ dialects: ['nt'] });
  const { result, questions } = await scene.detect({ password: RIGHT, yes: 9, also: ['nt', 'lm'] });

  expect(result).toMatchObject({ outcome: 'found', trial: { dialect: 'nt' }, failedLogons: 2 });
  expect(questions.map(({ failedLogons }) => failedLogons)).toEqual([1, 2]);
  expect(scene.wrongPasswords()).toBe(2);
  expect(result.hashes).toEqual(['nt']);
});

test('a dialect without a hash is left out and costs nothing', async () => {
  const password = 'longer than fourteen';
  const scene = await startScene({ dialects: ['nt'], password });
  const { result, steps } = await scene.detect({ password, yes: 9, also: ['lm', 'nt'] });

  expect(steps.find(({ kind }) => kind === 'skipped')?.sentence).toContain('LM is left out');
  expect(result).toMatchObject({ outcome: 'found', failedLogons: 2 });
});

test("CNTLM's table is walked to its end, and the first that was accepted is the result", async () => {
  const scene = await startScene({ dialects: ['ntlmv2', 'nt', 'lm'] });
  const { result, steps } = await scene.detect({ password: RIGHT, yes: 99, all: true });
  const verdicts = steps.flatMap((step) => (step.kind === 'verdict' ? [step.verdict] : []));

  expect(verdicts.map((verdict) => (verdict === 'accepted' ? 'y' : 'n')).join('')).toBe(
    'yyynnyynnyy',
  );
  expect(result).toMatchObject({
    outcome: 'found',
    trial: { dialect: 'ntlmv2', flags: 0xa208b205 },
  });
  expect(result.failedLogons).toBe(4);
  expect(scene.wrongPasswords()).toBe(4);
});

test('the password is not asked for when no sign-in is needed', async () => {
  const scene = await startScene({ open: true });
  const { result, proofs } = await scene.detect({ password: RIGHT });

  expect(result).toMatchObject({ outcome: 'open', failedLogons: 0 });
  expect(proofs).toEqual([]);
});

test('without a user name only what is free is done', async () => {
  const scene = await startScene({});
  const { result, proofs } = await scene.detect({ account: undefined });

  expect(result).toMatchObject({ outcome: 'untried', trial: { scheme: 'ntlm' } });
  expect(proofs).toEqual([]);
  expect(scene.parent.stats.type3).toBe(0);
});

test('without a password nothing is proven', async () => {
  const scene = await startScene({});
  const { result } = await scene.detect({ password: undefined });

  expect(result).toMatchObject({ outcome: 'untried', failedLogons: 0 });
  expect(scene.parent.stats.type3).toBe(0);
});

test.for([
  ['anna', '', 'LAB'],
  ['anna', 'OTHER', 'OTHER'],
  ['anna@lab.test', '', ''],
])(
  'user %s of the domain "%s" is tried in the domain "%s"',
  async ([user = '', domain = '', tried]) => {
    const scene = await startScene({});
    const { proofs } = await scene.detect({ account: { user, domain, workstation: 'HERE' } });

    expect(proofs.map((account) => account.domain)).toEqual([tried]);
  },
);

test('hashes serve where the password is not known', async () => {
  const scene = await startScene({});
  const secrets = hashesFor('ntlmv2', ANNA, RIGHT);
  const { result } = await scene.detect({ secrets });

  expect(result).toMatchObject({ outcome: 'found', hashes: ['ntlmv2'] });
});

test('hashes that no dialect can use are not sent', async () => {
  const scene = await startScene({});
  const { result } = await scene.detect({ secrets: {}, yes: 9 });

  expect(result).toMatchObject({ outcome: 'untried', failedLogons: 0 });
  expect(scene.parent.stats.type3).toBe(0);
});

test('an https target is asked for with a tunnel', async () => {
  const scene = await startScene({});
  const { result } = await scene.detect({ password: RIGHT, tunnel: true });

  expect(result.outcome).toBe('found');
  expect(new Set(scene.parent.stats.requests.map(({ method }) => method))).toEqual(
    new Set(['CONNECT']),
  );
});

test('a TLS parent is sent channel bindings that it accepts', async () => {
  const scene = await startScene({ tls: true });
  const { result } = await scene.detect({ password: RIGHT });

  expect(result.outcome).toBe('found');
  const [signIn] = scene.parent.stats.signIns;
  expect(signIn?.channelBindings).toMatch(/^[0-9a-f]{32}$/);
  expect(signIn?.accepted).toBe(true);
});

test('a certificate nobody vouches for makes a parent unreachable', async () => {
  const scene = await startScene({ tls: true });
  const { result } = await scene.detect({ trusted: false });

  expect(result).toMatchObject({ outcome: 'unreachable', failedLogons: 0 });
});

test('a TLS parent that is spoken to without TLS is told from one that is not there', async () => {
  const scene = await startScene({ tls: true });
  expect((await scene.detect({ plain: true })).result).toMatchObject({ outcome: 'not-spoken' });
  await scene.parent.close();
  expect((await scene.detect({ plain: true })).result).toMatchObject({ outcome: 'unreachable' });
});

test('an aborted detection ends with the reason', async () => {
  const scene = await startScene({});
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expect(scene.detect({ signal: controller.signal })).rejects.toThrow('enough');
});

test('the free steps tell what was learnt', async () => {
  const scene = await startScene({ quirks: { noEss: true } });
  const { steps } = await scene.detect({ account: undefined });

  expect(steps.map(({ kind }) => kind)).toEqual(['offers', 'challenge']);
  expect(steps[0]).toMatchObject({ status: 407, schemes: ['ntlm'] });
  expect(steps[1]).toMatchObject({
    facts: { domain: 'LAB', extendedSessionSecurity: false, modern: true },
  });
});
