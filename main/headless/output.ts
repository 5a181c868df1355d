import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Where a command writes. With `--json` people's lines are left out, without it the events. */
export interface Output {
  readonly json: boolean;
  /** A line for a person, to standard output. */
  say(line?: string): void;
  /** A line for a person that is no result, to standard error: warnings, progress, logs. */
  note(line: string): void;
  /** One JSON object on a line of its own, to standard output. */
  event(value: object): void;
  /** Colour, on a terminal that wants it. */
  style(style: Style, text: string): string;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    say(line = '') {
      if (!json) process.stdout.write(`${line}\n`);
    },
    note: (line) => void process.stderr.write(`${line}\n`),
    event(value) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    // Looks at NO_COLOR and at whether the stream is a terminal.
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** A reader that goes away (`| head`) ends the program quietly instead of with a stack. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}
