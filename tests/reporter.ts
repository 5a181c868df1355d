import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Names the skipped suites and ends the run with `N passed, N failed`. The line goes to the file
 * that `GATEPASS_TEST_RESULT` names, for tests/run to print last, or else to standard output.
 */
export function lastLine(): Reporter {
  return {
    onTestRunEnd(modules, errors) {
      for (const name of skippedSuites(modules)) console.log(`skipped: ${name}`);
      const line = `${summarize(modules, errors.length)}\n`;
      const file = process.env['GATEPASS_TEST_RESULT'];
      if (file === undefined) process.on('exit', () => process.stdout.write(line));
      else writeFileSync(file, line);
    },
  };
}

function skippedSuites(modules: readonly TestModule[]): string[] {
  return modules
    .flatMap((module) => [...module.children.suites()])
    .filter((suite) => suite.options.mode === 'skip')
    .map((suite) => suite.name);
}

/** A file that could not be loaded and an error outside every test count as one failure each. */
function summarize(modules: readonly TestModule[], errors: number): string {
  const states = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result().state),
  );
  const count = (state: string): number => states.filter((one) => one === state).length;
  const broken = modules.filter((module) => module.errors().length > 0).length;
  const skipped = count('skipped') + count('pending');
  const counts = `${count('passed')} passed, ${count('failed') + broken + errors} failed`;
  return skipped > 0 ? `${counts}, ${skipped} skipped` : counts;
}
