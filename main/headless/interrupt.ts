import { EXIT } from './exit.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves at the first Ctrl-C or SIGTERM from now on; a second one ends the process at once. */
export function firstInterrupt(): Promise<void> {
  return new Promise((resolve) => {
    let isFirst = true;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (!isFirst) process.exit(EXIT.interrupted);
        isFirst = false;
        resolve();
      });
    }
  });
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
