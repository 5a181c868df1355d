import { toProxyError } from '../errors.ts';
import { DIALECTS } from '../ntlm/dialect.ts';
import type { Account, Secrets } from '../protocol.ts';
import { attempt, type AttemptResult } from './attempt.ts';
import type { ChallengeFacts } from './facts.ts';
import { countLogons, toResult, toStep, type Part, type Run } from './run.ts';
import type { ConsentQuestion, DetectionResult, Proof, Trial, Verdict } from './step.ts';
import { nameAccount, nameTrial, secretsFor } from './trials.ts';

/** Tries one thing after another until one is accepted, or nobody agrees to more. */
export async function* tryInOrder(
  run: Run,
  trials: readonly Trial[],
  account: Account,
  proof: Proof,
  facts: ChallengeFacts | undefined,
): Part<DetectionResult> {
  const all = run.options.all === true;
  let found: Trial | undefined;
  let last: Verdict | undefined;
  let reason = '';
  for (const trial of trials) {
    const secrets = toSecrets(trial, account, proof);
    if (typeof secrets === 'string') {
      reason = secrets;
      yield toStep(run, `${nameTrial(trial)} is left out. ${secrets}`, { kind: 'skipped', trial });
      continue;
    }
    if (last !== undefined && !(await run.options.consent(furtherAttempt(run, trial, facts)))) {
      yield toStep(run, `${nameTrial(trial)} is not tried.`, { kind: 'declined', trial });
      break;
    }
    const tried = yield* tryOne(run, trial, account, secrets);
    if (typeof tried === 'string') {
      reason = tried;
      continue;
    }
    last = tried.verdict;
    if (last === 'accepted') found ??= trial;
    if (!all && last !== 'refused') break;
  }
  if (found) return foundResult(run, found, account);
  return failedResult(run, last, account, facts, reason);
}

/** One attempt and its steps; a sentence where it could not be made, and cost nothing. */
async function* tryOne(
  run: Run,
  trial: Trial,
  account: Account,
  secrets: Secrets,
): Part<AttemptResult | string> {
  yield toStep(run, `Trying ${nameTrial(trial)} as ${nameAccount(account)} …`, {
    kind: 'trying',
    trial,
    account,
  });
  const result = await unlessImpossible(attempt(run.probe, trial, account, secrets));
  if (typeof result === 'string') {
    yield toStep(run, `${nameTrial(trial)} is left out. ${result}`, { kind: 'skipped', trial });
    return result;
  }
  run.failedLogons += result.spent;
  yield toStep(run, tellVerdict(trial, result), { kind: 'verdict', trial, account, ...result });
  return result;
}

const IMPOSSIBLE: ReadonlySet<string> = new Set([
  'hash-impossible',
  'credentials-missing',
  'challenge-unreadable',
  'parent-scheme',
]);

async function unlessImpossible<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    return impossible(error);
  }
}

function toSecrets(trial: Trial, account: Account, proof: Proof): Secrets | string {
  try {
    return secretsFor(trial, account, proof);
  } catch (error) {
    return impossible(error);
  }
}

function impossible(error: unknown): string {
  const { code, message } = toProxyError(error);
  if (IMPOSSIBLE.has(code)) return message;
  throw error;
}

function furtherAttempt(
  run: Run,
  trial: Trial,
  facts: ChallengeFacts | undefined,
): ConsentQuestion {
  const { failedLogons } = run;
  const cost = `It may cost one more failed logon (${countLogons(failedLogons)} so far).`;
  const sentence = `${run.options.all ? '' : adviceOn(facts)}Try ${nameTrial(trial)}? ${cost}`;
  return { sentence, trial, failedLogons, clearText: false };
}

function adviceOn(facts: ChallengeFacts | undefined): string {
  return facts?.modern
    ? 'A parent of this kind takes NTLMv2, so the password or the name is most likely wrong. '
    : 'This parent is of an old kind, which may want a weaker dialect. ';
}

function tellVerdict(trial: Trial, { verdict, status }: AttemptResult): string {
  const name = nameTrial(trial);
  switch (verdict) {
    case 'accepted':
      return `${name} was accepted (status ${status}).`;
    case 'refused':
      return `${name} was refused.`;
    case 'lost':
      return `The parent proxy closed the connection instead of answering to ${name}, twice.`;
    case 'not-asked':
      return `The parent proxy let the request through without waiting for ${name}.`;
    case 'interrupted':
      return `The parent proxy broke off ${name} before any password was sent, twice.`;
  }
}

function foundResult(run: Run, trial: Trial, account: Account): DetectionResult {
  const hashes = trial.scheme === 'basic' ? [] : DIALECTS[trial.dialect].needs;
  const sentence = `${run.name} accepts ${nameAccount(account)} with ${nameTrial(trial)}.`;
  return toResult(run, 'found', sentence, { trial, account, hashes });
}

function failedResult(
  run: Run,
  verdict: Verdict | undefined,
  account: Account,
  facts: ChallengeFacts | undefined,
  reason: string,
): DetectionResult {
  switch (verdict) {
    case undefined:
      return toResult(run, 'untried', reason, { account });
    case 'not-asked':
      return toResult(run, 'open', `${run.name} can be used without a password at this moment.`);
    case 'lost':
    case 'interrupted': {
      const sentence = `${run.name} gives neither a yes nor a no: it closes the connection. Nothing more is sent.`;
      return toResult(run, 'unclear', sentence, { account });
    }
    case 'accepted':
    case 'refused':
      return toResult(run, 'refused', tellRefusal(run, account, facts), { account });
  }
}

function tellRefusal(run: Run, account: Account, facts: ChallengeFacts | undefined): string {
  const old = facts?.modern === false ? ', or the parent wants an older dialect' : '';
  return (
    `${run.name} refused ${nameAccount(account)}: the password, the name or the domain is wrong, ` +
    `or the account is locked${old}. It cost at most ${countLogons(run.failedLogons)}; nothing more is sent.`
  );
}
