/** Exit codes, as documented in docs/command-line.md. */
export const EXIT = { worked: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command. The message says in a sentence what is wrong, and in another how to mend it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function wrongUse(message: string): CommandError {
  return new CommandError(EXIT.usage, message);
}

/** Ctrl-C at a question. */
export function interrupted(): CommandError {
  return new CommandError(EXIT.interrupted, '');
}
