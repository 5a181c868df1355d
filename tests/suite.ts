import { describe, test } from 'vitest';
import { howToGet, missing, type ComponentName } from './components.ts';

/**
 * A suite that works with real programs. Without one of them it is skipped, and its name says
 * how to get it; where nothing may skip (`CI=true`), it fails.
 */
export function suite(name: string, needs: readonly ComponentName[], tests: () => void): void {
  const absent = missing(needs);
  if (absent.length === 0) {
    describe(name, tests);
    return;
  }
  const reason = absent.map(howToGet).join('; ');
  if (process.env['CI'] !== 'true') {
    describe.skip(`${name} (${reason})`, tests);
    return;
  }
  test(name, () => {
    throw new Error(reason);
  });
}
