import { expect, onTestFinished, test, vi } from 'vitest';
import { createPracticeParent, type PracticeParent } from '#engine/practice/practice-parent.ts';
import type { Quirks } from '#engine/practice/quirks.ts';
import type { Dialect } from '#engine/protocol.ts';
import { createRecordingOrigin } from '#engine/testing/recording-origin.ts';
import { runCli, startCli, temporaryFolder } from './testing/start-cli.ts';

// Each of these starts a process or more.
vi.setConfig({ testTimeout: 60_000 });

const PASSWORD = 'Practice-1';

async function start(
  quirks: Partial<Quirks> = {},
  dialects: readonly Dialect[] = ['ntlmv2'],
): Promise<{ parent: PracticeParent; words: readonly string[] }> {
  const origin = await createRecordingOrigin();
  const users = [{ domain: 'LAB', user: 'anna', password: PASSWORD }];
  const parent = await createPracticeParent({ users, quirks, dialects });
  onTestFinished(async () => {
    await parent.close();
    await origin.close();
  });
  const where = ['--parent', `127.0.0.1:${parent.port}`, '--url', `http://${origin.authority}/`];
  return { parent, words: ['detect', ...where] };
}

const wrongPasswords = ({ stats }: PracticeParent): number => stats.refused.get('anna') ?? 0;

test('what was found is a command to paste', async () => {
  const { parent, words } = await start();
  const { code, stdout } = await runCli([...words, '--user', 'anna'], { input: PASSWORD });

  expect(stdout).toContain(`gatepass run --parent 127.0.0.1:${parent.port} --user 'LAB\\anna'`);
  expect(code).toBe(0);
});

test('without a user nothing is asked and nothing is spent', async () => {
  const { parent, words } = await start();
  const { code, stdout } = await runCli(words);

  expect(stdout).toContain('for the domain LAB');
  expect(parent.stats.type3).toBe(0);
  expect(code).toBe(1);
});

test('where nobody can be asked, one attempt is made and no more', async () => {
  const { parent, words } = await start({}, ['ntlm2sr']);
  const { code, stdout } = await runCli([...words, '--user', 'LAB\\anna'], { input: PASSWORD });

  expect(code).toBe(1);
  expect(stdout).toContain('cost 1 failed logon, 1 so far');
  expect(wrongPasswords(parent)).toBe(1);
});

test('--yes agrees to further attempts beforehand', async () => {
  const { parent, words } = await start({}, ['ntlm2sr']);
  const state = temporaryFolder();
  const options = { input: PASSWORD, state };
  const { code, stdout } = await runCli([...words, '--user', 'LAB\\anna', '--yes', '1'], options);

  expect(code).toBe(0);
  expect(stdout).toContain('--dialect ntlm2sr');
  expect(wrongPasswords(parent)).toBe(1);
  // It was refused in one dialect and accepted in another: it is a good password.
  const again = await runCli([...words, '--user', 'LAB\\anna', '--yes', '1'], options);
  expect(again.code).toBe(0);
});

test('Basic is sent only where that was agreed to', async () => {
  const { parent, words } = await start({ basicOnly: true });
  const no = await runCli([...words, '--user', 'LAB\\anna', '--yes', '9'], { input: PASSWORD });
  expect(no.code).toBe(1);
  expect(parent.stats.signIns).toEqual([]);
  const yes = await runCli([...words, '--user', 'LAB\\anna', '--allow-basic'], { input: PASSWORD });

  expect(yes.code).toBe(0);
  expect(yes.stdout).toContain('--scheme basic --allow-basic');
});

test('with --json every line is an object, the last of them the result', async () => {
  const { words } = await start();
  const { stdout } = await runCli([...words, '--user', 'anna', '--json'], { input: PASSWORD });
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

  expect(events[0]).toMatchObject({ event: 'step', kind: 'offers', failedLogons: 0 });
  expect(events.at(-1)).toMatchObject({ event: 'result', outcome: 'found', hashes: ['ntlmv2'] });
  expect(stdout).not.toContain(PASSWORD);
});

test('a parent that is not there is told about', async () => {
  const { parent, words } = await start();
  await parent.close();
  const { code, stdout } = await runCli(words);

  expect(stdout).toContain('refuses the connection');
  expect(code).toBe(1);
});

test.skipIf(process.platform !== 'linux')('on a terminal a password is not shown', async () => {
  const { words } = await start();
  const cli = startCli([...words, '--user', 'anna'], { terminal: true });
  await cli.until(/Password of LAB\\anna: /);
  cli.write('oops\u0015Practicf\u007fe-1\r');

  expect(await cli.ended).toBe(0);
  expect(cli.stdout()).toContain('was accepted');
  expect(cli.stdout()).not.toMatch(/oops|Practic/);
});

test.skipIf(process.platform !== 'linux')('on a terminal more attempts are asked for', async () => {
  const { parent, words } = await start({}, ['ntlm2sr']);
  const cli = startCli([...words, '--user', 'LAB\\anna'], { terminal: true });
  await cli.until(/Password of/);
  cli.write(`${PASSWORD}\r`);
  await cli.until(/Try NTLM2SR\? .*\[y\/N\]/);
  expect(wrongPasswords(parent)).toBe(1);
  cli.write('y\r');

  expect(await cli.ended).toBe(0);
  expect(cli.stdout()).toContain('--dialect ntlm2sr');
});

test.skipIf(process.platform !== 'linux')('Ctrl-C at a question ends with 130', async () => {
  const { parent, words } = await start({}, ['ntlm2sr']);
  const first = startCli([...words, '--user', 'LAB\\anna'], { terminal: true });
  await first.until(/Password of/);
  first.write('\u0003');
  expect(await first.ended).toBe(130);

  const second = startCli([...words, '--user', 'LAB\\anna'], { terminal: true });
  await second.until(/Password of/);
  second.write(`${PASSWORD}\r`);
  await second.until(/\[y\/N\]/);
  second.write('\u0003');
  expect(await second.ended).toBe(130);
  expect(wrongPasswords(parent)).toBe(1);
});
