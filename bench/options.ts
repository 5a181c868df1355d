import { parseArgs } from 'node:util';

export interface Options {
  readonly rounds: number;
  /** How long each proxy is driven in one round of one row. */
  readonly seconds: number;
  /** Before the first round of each row, not measured: compilers and pools settle. */
  readonly warmUpSeconds: number;
}

const FULL: Options = { rounds: 5, seconds: 4, warmUpSeconds: 1 };
const QUICK: Options = { rounds: 2, seconds: 1, warmUpSeconds: 0.5 };

/** Throws a sentence for the person when an option is unknown or not a number in bounds. */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const defaults = values.quick ? QUICK : FULL;
  return {
    rounds: toNumber('rounds', values.rounds, defaults.rounds, 99),
    seconds: toNumber('seconds', values.seconds, defaults.seconds, 60),
    warmUpSeconds: defaults.warmUpSeconds,
  };
}

function toNumber(name: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} takes a whole number from 1 to ${most}.`);
}
