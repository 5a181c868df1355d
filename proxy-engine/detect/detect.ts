import { ProxyError } from '../errors.ts';
import { DETECTION_REPLY, TIMERS } from '../limits.ts';
import type { Account } from '../protocol.ts';
import { createClock } from '../upstream/clock.ts';
import { isLost } from '../upstream/leg.ts';
import { tryInOrder } from './climb.ts';
import type { ChallengeFacts } from './facts.ts';
import { askBare, askForChallenge } from './free-steps.ts';
import { readGoal } from './probe.ts';
import { toResult, toStep, type DetectOptions, type Part, type Run } from './run.ts';
import type { DetectionResult } from './step.ts';
import { nameAccount, planTrials } from './trials.ts';

/** How often deadlines are looked at, in milliseconds. */
const TICK = 250;

/**
 * Finds out how a parent wants to be signed in to. What costs nothing comes first; then one
 * attempt with NTLMv2; each further one only with consent, because a domain counts failed logons
 * and locks the account after a few.
 *
 * @throws the signal's reason, and ProxyError 'bad-request' for a target that is no address
 */
export async function* detect(options: DetectOptions): Part<DetectionResult> {
  const { parent, target, signal = new AbortController().signal } = options;
  const goal = readGoal(target);
  const timers = { ...TIMERS, reply: DETECTION_REPLY, ...options.timers };
  const clock = createClock(Math.min(TICK, timers.reply / 4));
  const name = `${parent.host}:${parent.port}`;
  const probe = { parent, goal, clock, timers, signal };
  const run: Run = { options, probe, name, failedLogons: 0 };
  try {
    return yield* walk(run);
  } catch (error) {
    signal.throwIfAborted();
    return resultOf(run, error);
  } finally {
    clock.stop();
  }
}

async function* walk(run: Run): Part<DetectionResult> {
  const offered = yield* askBare(run);
  if (offered.kind === 'over') return offered.result;
  const challenged = yield* askForChallenge(run, offered.schemes);
  switch (challenged.kind) {
    case 'over':
      return challenged.result;
    case 'none':
      if (offered.schemes.includes('basic')) return yield* tryBasic(run);
      return toResult(run, 'not-spoken', `${challenged.sentence} Gatepass cannot sign in to it.`);
    case 'challenge':
      return yield* tryNtlm(run, challenged.scheme, challenged.facts);
  }
}

async function* tryNtlm(
  run: Run,
  scheme: 'ntlm' | 'negotiate',
  facts: ChallengeFacts,
): Part<DetectionResult> {
  const { account: given } = run.options;
  const trial = { scheme, dialect: 'ntlmv2' } as const;
  if (!given) {
    const sentence = `${run.name} wants NTLM. Give a user name to find out more.`;
    return toResult(run, 'untried', sentence, { trial });
  }
  const account = withDomain(given, facts);
  const proof = await run.options.proof(account);
  run.probe.signal.throwIfAborted();
  if (!proof) {
    const sentence = `${run.name} wants NTLM. No password was sent for ${nameAccount(account)}.`;
    return toResult(run, 'untried', sentence, { trial, account });
  }
  return yield* tryInOrder(run, planTrials(scheme, facts, run.options), account, proof, facts);
}

/** The parent's own domain in place of none; a name with @ brings its own. */
function withDomain(account: Account, { domain }: ChallengeFacts): Account {
  if (account.domain !== '' || account.user.includes('@') || domain === undefined) return account;
  return { ...account, domain };
}

async function* tryBasic(run: Run): Part<DetectionResult> {
  const { account, consent, proof: ask } = run.options;
  const trial = { scheme: 'basic' } as const;
  const only = `${run.name} takes only Basic, which shows it the password itself`;
  const way = run.probe.parent.tls ? 'inside TLS' : 'readable for everybody on the way';
  const sentence = `${only}, ${way}.`;
  const question = { sentence: `${sentence} Send it?`, trial, failedLogons: 0, clearText: true };
  if (!account || !(await consent(question))) {
    yield toStep(run, 'Basic is not tried.', { kind: 'declined', trial });
    return toResult(run, 'basic-only', sentence, { trial, ...(account && { account }) });
  }
  const proof = await ask(account);
  run.probe.signal.throwIfAborted();
  if (!proof) return toResult(run, 'basic-only', sentence, { trial, account });
  return yield* tryInOrder(run, [trial], account, proof, undefined);
}

/** A connection that fails ends a detection with a result: it is what was to be found out. */
function resultOf(run: Run, error: unknown): DetectionResult {
  if (!(error instanceof ProxyError) || error.code === 'internal') throw error;
  if (isLost(error) || error.code.startsWith('reply-')) {
    const sentence = `${run.name} does not answer like an HTTP proxy. It may expect TLS, or be something else.`;
    return toResult(run, 'not-spoken', sentence);
  }
  return toResult(run, 'unreachable', error.message);
}
