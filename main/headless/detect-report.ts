import type { DetectionResult, DetectionStep } from '#engine/detect/step.ts';
import type { Account } from '#engine/protocol.ts';
import { showAccount } from './credential.ts';
import type { DetectCommand } from './detect.ts';
import type { Output } from './output.ts';
import { showEndpoint } from './parse.ts';
import { quote } from './shell.ts';

/** One line: what happened, and what it cost. */
export function showStep(step: DetectionStep, output: Output): void {
  output.event({ event: 'step', ...step });
  output.say(`  ${step.sentence}${output.style('dim', tellCost(step))}`);
}

function tellCost(step: DetectionStep): string {
  if (step.kind === 'trying') return '';
  const spent = step.kind === 'verdict' ? step.spent : 0;
  if (spent === 0) return ' (cost nothing)';
  return ` (cost ${spent} failed logon${spent === 1 ? '' : 's'}, ${step.failedLogons} so far)`;
}

/** The end: the result, and the settings that follow from it. */
export function showResult(result: DetectionResult, options: DetectCommand, output: Output): void {
  const command = runCommand(result, options);
  output.event({ event: 'result', ...result, ...(command !== undefined && { command }) });
  const colour = command === undefined ? 'red' : 'green';
  output.say();
  output.say(output.style(colour, result.sentence));
  if (command === undefined) return;
  if (result.hashes.length > 0) {
    const lines = { lm: 'PassLM', nt: 'PassNT', ntlmv2: 'PassNTLMv2' } as const;
    const names = result.hashes.map((name) => lines[name]).join(', ');
    output.say(`For a hash file it needs ${names}; "gatepass hash" prints them.`);
  }
  output.say('Start it with:');
  output.say(`  ${command}`);
}

/** The `gatepass run` that uses what was found. */
export function runCommand(
  { outcome, trial, account }: DetectionResult,
  { parent, account: given }: Pick<DetectCommand, 'parent' | 'account'>,
): string | undefined {
  if (outcome !== 'found' && outcome !== 'open') return undefined;
  const words = ['gatepass', 'run', '--parent', showEndpoint(parent)];
  if (parent.tls) words.push('--tls');
  if (parent.tls?.ca !== undefined) words.push('--ca', 'FILE');
  const who: Account | undefined = account ?? (trial && given);
  if (who) words.push('--user', quote(showAccount(who)));
  if (!trial) return words.join(' ');
  if (trial.scheme === 'basic') return [...words, '--scheme', 'basic', '--allow-basic'].join(' ');
  if (trial.scheme === 'negotiate') words.push('--scheme', 'negotiate');
  if (trial.dialect !== 'ntlmv2') words.push('--dialect', trial.dialect);
  if (trial.flags !== undefined) words.push('--flags', `0x${trial.flags.toString(16)}`);
  return words.join(' ');
}

/** Milliseconds as seconds. */
export function showTime(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}
