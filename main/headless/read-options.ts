import type { Command } from 'commander';

/** The value of an option as it was typed. */
export function text(command: Command, name: string): string | undefined {
  const value: unknown = command.getOptionValue(name);
  return typeof value === 'string' ? value : undefined;
}

/** All values of an option that may be given several times; none if it was not given. */
export function texts(command: Command, name: string): readonly string[] {
  const value: unknown = command.getOptionValue(name);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Whether an option without a value was given. */
export function flag(command: Command, name: string): boolean {
  return command.getOptionValue(name) === true;
}

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
