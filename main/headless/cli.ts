import { CommanderError } from 'commander';
import { ProxyError } from '#engine/errors.ts';
import { defineProgram } from './define.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
import { createOutput, endWithReader, type Output } from './output.ts';

/** Failures that another command line mends. */
const WRONG_USE: ReadonlySet<string> = new Set([
  'bad-configuration',
  'bad-request',
  'not-implemented',
  'credentials-missing',
  'hash-impossible',
]);

async function start(work: (output: Output) => Promise<ExitCode>, json: boolean): Promise<void> {
  const output = createOutput(json);
  try {
    process.exitCode = await work(output);
  } catch (error) {
    process.exitCode = tellFailure(error, output);
  }
}

function tellFailure(error: unknown, output: Output): ExitCode {
  if (!(error instanceof Error)) throw error;
  const exitCode = exitCodeOf(error);
  if (exitCode === undefined) throw error;
  if (error.message !== '') {
    output.event({ event: 'error', exitCode, message: error.message });
    output.note(`gatepass: ${error.message}`);
  }
  return exitCode;
}

/** Undefined for what nobody foresaw: that ends with a stack, as a bug should. */
function exitCodeOf(error: Error): ExitCode | undefined {
  if (error instanceof CommandError) return error.exitCode;
  if (!(error instanceof ProxyError) || error.code === 'internal') return undefined;
  return WRONG_USE.has(error.code) ? EXIT.usage : EXIT.failed;
}

endWithReader();
const program = defineProgram(start);
for (const command of [program, ...program.commands]) {
  command.exitOverride().showHelpAfterError('Add --help to see what can be written here.');
}
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.worked : EXIT.usage;
}
