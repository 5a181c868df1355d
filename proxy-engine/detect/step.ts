import type { HashName } from '../ntlm/dialect.ts';
import type { Account, Dialect, Secrets } from '../protocol.ts';
import type { ChallengeFacts } from './facts.ts';

/** One way to sign in. Without a dialect it is Basic. */
export type Trial =
  | {
      readonly scheme: 'ntlm' | 'negotiate';
      readonly dialect: Dialect;
      /** Flags of the first message, where they are not the dialect's own. */
      readonly flags?: number;
    }
  | { readonly scheme: 'basic' };

export type Verdict =
  | 'accepted'
  | 'refused'
  /** The connection ended, twice, without a yes or a no. */
  | 'lost'
  /** The parent let the request through before any proof was sent. */
  | 'not-asked'
  /** The parent would not go on, twice, before any proof was sent. */
  | 'interrupted';

/** What happened in a step, apart from what all steps tell. */
export type StepEvent =
  | {
      readonly kind: 'offers';
      readonly status: number;
      /** In lower case, in the parent's order. */
      readonly schemes: readonly string[];
      readonly product?: string;
    }
  | {
      readonly kind: 'challenge';
      readonly scheme: 'ntlm' | 'negotiate';
      readonly facts: ChallengeFacts;
    }
  /** Comes before the wait for the parent's verdict. */
  | { readonly kind: 'trying'; readonly trial: Trial; readonly account: Account }
  | {
      readonly kind: 'verdict';
      readonly trial: Trial;
      readonly account: Account;
      readonly verdict: Verdict;
      /** The status of the answer, where one came. */
      readonly status?: number;
      /** Failed logons that this step may have cost. */
      readonly spent: number;
    }
  /** Not tried, because it cannot be: nothing is spent. */
  | { readonly kind: 'skipped'; readonly trial: Trial }
  | { readonly kind: 'declined'; readonly trial: Trial };

export type DetectionStep = StepEvent & {
  readonly sentence: string;
  /** Failed logons that the account may have been charged so far. */
  readonly failedLogons: number;
};

export type DetectionOutcome =
  /** No password is needed. */
  | 'open'
  | 'found'
  | 'refused'
  /** The parent takes only Basic, and it was not agreed to. */
  | 'basic-only'
  /** The parent speaks nothing that can be used here. */
  | 'not-spoken'
  | 'unreachable'
  /** The parent gave neither a yes nor a no. */
  | 'unclear'
  /** NTLM can be spoken; no password was given to try it with. */
  | 'untried';

export interface DetectionResult {
  readonly outcome: DetectionOutcome;
  readonly sentence: string;
  readonly failedLogons: number;
  /** What was accepted, or may be; absent where nothing is to be sent. */
  readonly trial?: Trial;
  /** As it was or would be sent: with the domain that the parent suggested, if none was given. */
  readonly account?: Account;
  /** What has to be stored to sign in like that. */
  readonly hashes: readonly HashName[];
}

/** Asked before every attempt but the first, and before a password leaves as it is. */
export interface ConsentQuestion {
  readonly sentence: string;
  readonly trial: Trial;
  /** Failed logons so far; the attempt may cost one more. */
  readonly failedLogons: number;
  /** Whether the parent will see the password itself. */
  readonly clearText: boolean;
}

/** What an attempt is made with: a password serves every dialect, hashes those they belong to. */
export type Proof = { readonly password: string } | { readonly secrets: Secrets };
