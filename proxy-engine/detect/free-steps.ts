import { ProxyError } from '../errors.ts';
import type { ReplyHead } from '../http1/reply-head.ts';
import { readChallenge } from '../ntlm/challenge.ts';
import { writeNegotiate } from '../ntlm/negotiate.ts';
import { isLost } from '../upstream/leg.ts';
import { tokenOf } from './attempt.ts';
import { readFacts, tellFacts, toPrintable, type ChallengeFacts } from './facts.ts';
import { onFreshConnection, type Heard } from './probe.ts';
import { toResult, toStep, type Part, type Run } from './run.ts';
import type { DetectionResult } from './step.ts';
import { nameSchemes } from './trials.ts';

type NtlmScheme = 'ntlm' | 'negotiate';

/** What a parent offers, or the end of the detection. */
export type Offered =
  | { readonly kind: 'offers'; readonly schemes: readonly string[] }
  | { readonly kind: 'over'; readonly result: DetectionResult };

/** Asks without any credentials: is a sign-in needed, and which are offered? */
export async function* askBare(run: Run): Part<Offered> {
  const reply = await askTwice(run);
  const head = reply.kind === 'asked' ? reply.head : undefined;
  const offers = reply.kind === 'asked' ? reply.offers : [];
  const schemes = [...new Set(offers.map(({ scheme }) => scheme))];
  const product = head && productOf(head);
  const status = reply.kind === 'asked' ? reply.head.status : reply.status;
  const who = product === undefined ? 'The parent proxy' : `The parent proxy (${product})`;
  if (reply.kind === 'passed') {
    const sentence = `The parent proxy wants no sign-in: it answered with status ${status}.`;
    yield toStep(run, sentence, { kind: 'offers', status, schemes });
    const end = `${run.name} can be used without a password.`;
    return { kind: 'over', result: toResult(run, 'open', end) };
  }
  const list = schemes.length === 0 ? 'without saying which' : `and offers ${nameSchemes(schemes)}`;
  yield toStep(run, `${who} wants a sign-in ${list}.`, {
    kind: 'offers',
    status,
    schemes,
    ...(product !== undefined && { product }),
  });
  return { kind: 'offers', schemes };
}

/** A connection may be lost by chance once. */
async function askTwice(run: Run): Promise<Heard> {
  const ask = () => onFreshConnection(run.probe, (probe) => probe.ask(undefined, false));
  try {
    return await ask();
  } catch (error) {
    if (!isLost(error)) throw error;
    run.probe.signal.throwIfAborted();
    return ask();
  }
}

export type Challenged =
  | { readonly kind: 'challenge'; readonly scheme: NtlmScheme; readonly facts: ChallengeFacts }
  | { readonly kind: 'over'; readonly result: DetectionResult }
  /** No NTLM is spoken; the sentence says why. */
  | { readonly kind: 'none'; readonly sentence: string };

/** Sends the first message of NTLM, which names nobody, and reads what the challenge tells. */
export async function* askForChallenge(run: Run, schemes: readonly string[]): Part<Challenged> {
  let sentence = `${run.name} offers no NTLM, only ${nameSchemes(schemes)}.`;
  for (const scheme of ['ntlm', 'negotiate'] as const) {
    // A parent that forgets to say what it wants may still want NTLM: to ask is free.
    if (!schemes.includes(scheme) && schemes.length > 0) continue;
    const reply = await sendNegotiate(run, scheme);
    if (reply.kind === 'passed') return { kind: 'over', result: openToFirst(run, scheme) };
    if (reply.kind === 'challenge') {
      const { facts } = reply;
      yield toStep(
        run,
        tellFacts(facts, scheme === 'ntlm' ? 'NTLM' : 'NTLM under the name Negotiate'),
        {
          kind: 'challenge',
          scheme,
          facts,
        },
      );
      return { kind: 'challenge', scheme, facts };
    }
    ({ sentence } = reply);
  }
  return { kind: 'none', sentence };
}

type FirstReply =
  | { readonly kind: 'passed' }
  | { readonly kind: 'challenge'; readonly facts: ChallengeFacts }
  | { readonly kind: 'none'; readonly sentence: string };

async function sendNegotiate(run: Run, scheme: NtlmScheme): Promise<FirstReply> {
  const prefix = scheme === 'ntlm' ? 'NTLM' : 'Negotiate';
  const first = `${prefix} ${writeNegotiate('ntlmv2').toString('base64')}`;
  const reply = await onFreshConnection(run.probe, (probe) => probe.ask(first, false));
  if (reply.kind === 'passed') return { kind: 'passed' };
  try {
    const token = tokenOf(reply.offers, scheme);
    if (!token) return { kind: 'none', sentence: `${run.name} does not answer to ${prefix}.` };
    const facts = readFacts(readChallenge(token), Date.now());
    if (reply.open) return { kind: 'challenge', facts };
    const sentence = `${run.name} closes the connection in the middle of the NTLM sign-in.`;
    return { kind: 'none', sentence };
  } catch (error) {
    if (!(error instanceof ProxyError) || error.code !== 'challenge-unreadable') throw error;
    return { kind: 'none', sentence: error.message };
  }
}

function openToFirst(run: Run, scheme: NtlmScheme): DetectionResult {
  const sentence = `${run.name} lets requests through once they announce NTLM, without a password.`;
  return toResult(run, 'open', sentence, { trial: { scheme, dialect: 'ntlmv2' } });
}

/** What the parent says it is: Server, or the comment in Via. */
function productOf(head: ReplyHead): string | undefined {
  const value = (key: string) => head.fields.find((field) => field.key === key)?.value;
  const product = value('server') ?? /\(([^()]{1,80})\)/.exec(value('via') ?? '')?.[1];
  return toPrintable(product)?.slice(0, 80) || undefined;
}
