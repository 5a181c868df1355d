import type { Authenticator } from '../auth/authenticator.ts';
import { createBasicAuthenticator } from '../auth/basic.ts';
import { createNtlmAuthenticator } from '../auth/ntlm.ts';
import type { Offer } from '../auth/offered.ts';
import { ProxyError } from '../errors.ts';
import type { Account, Secrets } from '../protocol.ts';
import { isLost } from '../upstream/leg.ts';
import { onFreshConnection, type Probe, type ProbeOptions } from './probe.ts';
import type { Trial, Verdict } from './step.ts';

export interface AttemptResult {
  readonly verdict: Verdict;
  readonly status?: number;
  /** Failed logons it may have cost. */
  readonly spent: number;
}

/** How one sign-in on one connection ended; `rechallenged` is a challenge in place of a no. */
type Ending = Pick<AttemptResult, 'status'> & {
  readonly verdict: Verdict | 'rechallenged';
};

/**
 * Signs in once, on a fresh connection. What is no clear answer is repeated once and no more: a
 * parent may count what it does not answer.
 *
 * @throws ProxyError as the connection cannot be opened, or the trial cannot be made
 */
export async function attempt(
  options: ProbeOptions,
  trial: Trial,
  account: Account,
  secrets: Secrets,
): Promise<AttemptResult> {
  const authenticator = createAuthenticator(options, trial, account, secrets);
  const first = await signIn(options, authenticator);
  if (isClear(first)) return { ...first, spent: costOf(first) };
  options.signal.throwIfAborted();
  const second = await signIn(options, authenticator);
  // As in the engine: a parent that asks anew twice has said no.
  const verdict = second.verdict === 'rechallenged' ? 'refused' : second.verdict;
  const spent = verdict === 'accepted' ? 0 : costOf(first) + costOf(second);
  return { ...second, verdict, spent };
}

function isClear(ending: Ending): ending is Ending & { readonly verdict: Verdict } {
  return ['accepted', 'refused', 'not-asked'].includes(ending.verdict);
}

function costOf({ verdict }: Ending): number {
  return verdict === 'refused' || verdict === 'rechallenged' ? 1 : 0;
}

function createAuthenticator(
  { parent }: ProbeOptions,
  trial: Trial,
  account: Account,
  secrets: Secrets,
): Authenticator {
  const credential = { ...account, id: 'detection', secrets };
  if (trial.scheme === 'basic') return createBasicAuthenticator(credential);
  return createNtlmAuthenticator({ ...trial, credential, spn: `HTTP/${parent.host}` });
}

function signIn(options: ProbeOptions, authenticator: Authenticator): Promise<Ending> {
  return onFreshConnection(options, async (probe) => {
    const steps = authenticator.begin();
    if (authenticator.scheme === 'basic') return prove(probe, authenticator, steps.first());
    const reply = await unlessLost(probe.ask(steps.first(), false));
    if (!reply) return { verdict: 'interrupted' };
    if (reply.kind === 'passed') return { verdict: 'not-asked', status: reply.status };
    const token = tokenOf(reply.offers, authenticator.scheme);
    if (!token || !reply.open) return { verdict: 'interrupted' };
    return prove(probe, authenticator, steps.answer(token, probe.certificate));
  });
}

async function prove(
  probe: Probe,
  { scheme }: Authenticator,
  authorization: string | undefined,
): Promise<Ending> {
  const reply = await unlessLost(probe.ask(authorization, true));
  if (!reply) return { verdict: 'lost' };
  if (reply.kind === 'passed') return { verdict: 'accepted', status: reply.status };
  const again = tokenOf(reply.offers, scheme) !== undefined;
  return { verdict: again ? 'rechallenged' : 'refused', status: reply.head.status };
}

/** Nothing where the parent went away instead of answering. */
async function unlessLost<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (isLost(error)) return undefined;
    throw error;
  }
}

/** The challenge in a 407; throws `challenge-unreadable` for one that is not even Base64. */
export function tokenOf(offers: readonly Offer[], scheme: string): Buffer | undefined {
  const own = offers.filter((offer) => offer.scheme === scheme);
  if (own.some(({ tokenUnreadable }) => tokenUnreadable)) {
    throw new ProxyError('challenge-unreadable', 'The parent proxy sent an unreadable challenge.');
  }
  return own.find(({ token }) => token)?.token;
}
