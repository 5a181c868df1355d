import type { Timers } from '../limits.ts';
import type { Account, ParentConfig } from '../protocol.ts';
import type { ProbeOptions } from './probe.ts';
import type {
  ConsentQuestion,
  DetectionOutcome,
  DetectionResult,
  DetectionStep,
  Proof,
  StepEvent,
} from './step.ts';
import type { TrialChoice } from './trials.ts';

export interface DetectOptions extends TrialChoice {
  readonly parent: ParentConfig;
  /** What is asked for through the parent: `http://…`, or `https://…` for a tunnel. */
  readonly target: string;
  /** Left out: only what costs nothing is done. */
  readonly account?: Account;
  /**
   * Gives the password or its hashes when they are about to be needed, once; undefined ends the
   * detection there. The account is complete by then.
   */
  proof(account: Account): Promise<Proof | undefined>;
  /** Must say yes to any attempt but the first, and to one that shows the password itself. */
  consent(question: ConsentQuestion): Promise<boolean>;
  readonly signal?: AbortSignal;
  /** Other timers, for tests. */
  readonly timers?: Partial<Timers>;
}

/** One detection under way: what it works with, and what it has cost so far. */
export interface Run {
  readonly options: DetectOptions;
  readonly probe: ProbeOptions;
  /** `host:port` of the parent. */
  readonly name: string;
  failedLogons: number;
}

/** The steps of one part of a detection; what it returns is for the next part. */
export type Part<T> = AsyncGenerator<DetectionStep, T>;

export function toStep(run: Run, sentence: string, event: StepEvent): DetectionStep {
  return { ...event, sentence, failedLogons: run.failedLogons };
}

export function toResult(
  run: Run,
  outcome: DetectionOutcome,
  sentence: string,
  more: Partial<Pick<DetectionResult, 'trial' | 'account' | 'hashes'>> = {},
): DetectionResult {
  return { outcome, sentence, failedLogons: run.failedLogons, hashes: [], ...more };
}

/** `1 failed logon`, `2 failed logons`. */
export function countLogons(count: number): string {
  return count === 1 ? '1 failed logon' : `${count === 0 ? 'no' : count} failed logons`;
}
