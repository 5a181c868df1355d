import { detect } from '#engine/detect/detect.ts';
import type {
  ConsentQuestion,
  DetectionResult,
  DetectionStep,
  Proof,
} from '#engine/detect/step.ts';
import { ntHash } from '#engine/ntlm/hashes.ts';
import type { Account, Dialect, ParentConfig } from '#engine/protocol.ts';
import type { LatchFile } from '#main/node/latch-file.ts';
import { admit, openLatches, showAccount } from './credential.ts';
import { showResult, showStep, showTime } from './detect-report.ts';
import { CommandError, EXIT, interrupted, wrongUse, type ExitCode } from './exit.ts';
import { abortAtInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';
import { showEndpoint } from './parse.ts';
import { askPassword, askYes, isInteractive } from './prompt.ts';

const SECOND = 1000;

export interface DetectCommand {
  readonly parent: ParentConfig;
  readonly account: Account | undefined;
  readonly url: string;
  readonly also: readonly Dialect[];
  readonly all: boolean;
  /** Attempts beyond the first that are agreed to beforehand. */
  readonly yes: number;
  readonly allowBasic: boolean;
  readonly stateDir: string | undefined;
  readonly tryAgain: boolean;
}

/** `gatepass detect`: how does this parent want to be signed in to? */
export async function detectParent(options: DetectCommand, output: Output): Promise<ExitCode> {
  const { parent, account, also, all } = options;
  const signal = abortAtInterrupt();
  const latches = account && (await openLatches(options.stateDir, output));
  const waiting = createWaitingNote(output);
  const consent = createConsent(options);
  let id = '';

  async function prove(complete: Account): Promise<Proof | undefined> {
    const password = await waiting.during(() =>
      askPassword(`Password of ${showAccount(complete)}: `),
    );
    if (latches) {
      ({ id } = await admit(latches, complete, { nt: ntHash(password) }, options.tryAgain));
    }
    return { password };
  }

  const steps = detect({
    parent,
    target: options.url,
    ...(account && { account }),
    also,
    all,
    signal,
    proof: prove,
    consent: (question) => waiting.during(() => consent(question)),
  });
  try {
    for (;;) {
      waiting.start();
      const next = await steps.next();
      waiting.stop();
      if (next.done) return await conclude(next.value);
      showStep(next.value, output);
      if (latches) await keepVerdict(next.value, latches, id, showEndpoint(parent));
    }
  } catch (error) {
    if (signal.aborted) throw interrupted();
    throw error;
  } finally {
    waiting.stop();
  }

  async function conclude(result: DetectionResult): Promise<ExitCode> {
    if (result.outcome === 'found') await latches?.remove(id);
    showResult(result, options, output);
    return result.outcome === 'found' || result.outcome === 'open' ? EXIT.worked : EXIT.failed;
  }
}

/** A refusal is kept before anything else happens: the next start must know of it. */
async function keepVerdict(
  step: DetectionStep,
  latches: LatchFile,
  id: string,
  parent: string,
): Promise<void> {
  if (step.kind !== 'verdict' || step.verdict !== 'refused') return;
  try {
    await latches.add({ id, parent, time: Date.now() });
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      `The refusal could not be noted in ${latches.path}. Choose another folder with --state-dir.`,
      { cause: error },
    );
  }
}

/** Who agrees: the options beforehand, or else the person, or else nobody. */
function createConsent({ all, yes, allowBasic }: DetectCommand) {
  let left = yes;
  let agreedToAll = false;
  return async ({ sentence, clearText }: ConsentQuestion): Promise<boolean> => {
    if (clearText) return allowBasic || (isInteractive() && askYes(sentence));
    if (left > 0) {
      left -= 1;
      return true;
    }
    if (!isInteractive()) return false;
    if (!all) return askYes(sentence);
    agreedToAll ||= await askYes(
      `All eleven configurations are tried, with up to 10 more failed logons: only for a test account. Go on?`,
    );
    return agreedToAll;
  };
}

/** Says that the parent is being waited for, once it has taken longer than a second. */
function createWaitingNote(output: Output) {
  let timer: NodeJS.Timeout | undefined;
  let begun = 0;
  const start = (): void => {
    stop();
    begun = Date.now();
    if (!output.json) timer = setTimeout(tell, SECOND);
  };
  function stop(): void {
    clearTimeout(timer);
  }
  function tell(): void {
    output.note(`  … waiting for the parent proxy (${showTime(Date.now() - begun)})`);
    timer = setTimeout(tell, 5 * SECOND);
  }
  return {
    start,
    stop,
    /** Not while a person is asked something. */
    async during<T>(question: () => Promise<T>): Promise<T> {
      stop();
      try {
        return await question();
      } finally {
        start();
      }
    },
  };
}

/** Throws where the options do not go together. */
export function checkDetect({ account, also, all }: DetectCommand): void {
  if (!account && (also.length > 0 || all)) {
    throw wrongUse("Dialects are tried with an account. Add --user 'DOMAIN\\user'.");
  }
}
