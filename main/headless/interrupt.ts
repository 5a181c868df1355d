import { EXIT } from './exit.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs until the first Ctrl-C (or SIGTERM), then `drain`; a second one ends the process at once.
 */
export async function untilInterrupted(drain: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    let isFirst = true;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (!isFirst) process.exit(EXIT.interrupted);
        isFirst = false;
        resolve();
      });
    }
  });
  await drain();
}

/** A signal that aborts at Ctrl-C; a second one ends the process at once. */
export function abortAtInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      controller.abort();
    });
  }
  return controller.signal;
}
