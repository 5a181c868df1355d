import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { runCli, startCli, temporaryFolder } from './testing/start-cli.ts';

// Each of these starts a process or more.
vi.setConfig({ testTimeout: 60_000 });

test.for([
  ['--help'],
  ['run', '--help'],
  ['detect', '--help'],
  ['hash', '--help'],
  ['demo', '--help'],
])('%j prints help and nothing else', async (words) => {
  const { code, stdout, stderr } = await runCli(words);

  expect(code).toBe(0);
  expect(stdout).toContain('Usage: gatepass');
  expect(stderr).toBe('');
});

test('the version is that of the package', async () => {
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.for([
  [['nonsense'], 'unknown command'],
  [['run', '--nonsense'], 'unknown option'],
  [['run', 'extra'], 'too many arguments'],
  [['run'], 'Add --parent host:port'],
  [['run', '--parent', 'proxy'], 'Write it as host:port'],
  [['run', '--parent', 'p:1', '--listen', 'x'], '--listen 3128'],
  [['run', '--parent', 'p:1', '--dialect', 'x'], 'Choose one of ntlmv2'],
  [['run', '--parent', 'p:1', '--scheme', 'basic'], 'Add --allow-basic'],
  [['run', '--parent', 'p:1', '--hash-file', 'x'], 'Add --user'],
  [['run', '--parent', 'p:1', '--domain', 'x'], 'Add --user'],
  [['run', '--parent', 'p:1', '--user', 'u'], 'No password was given'],
  [['run', '--parent', 'p:1', '--no-proxy', '10.0.0.0/99'], '10.0.0.0/99'],
  [['detect'], 'Add --parent host:port'],
  [['detect', '--parent', 'p:1', '--also', 'nt,x'], 'Choose one of ntlmv2'],
  [['detect', '--parent', 'p:1', '--all'], 'Add --user'],
  [['detect', '--parent', 'p:1', '--url', 'nonsense'], 'http://host/path'],
  [['hash'], 'No password was given'],
] as const)('%j is wrong use: %s', async ([words, sentence]) => {
  const { code, stdout, stderr } = await runCli(words);

  expect(stderr).toContain(sentence);
  expect(stderr).not.toContain('    at ');
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('with --json an error is an object as well', async () => {
  const { code, stdout } = await runCli(['run', '--json']);

  expect(JSON.parse(stdout)).toMatchObject({ event: 'error', exitCode: 2 });
  expect(code).toBe(2);
});

test('hash prints what the password has', async () => {
  const { code, stdout } = await runCli(['hash', '--user', 'CORP-UK\\testuser'], {
    input: 'password\nnot this\n',
  });

  expect(code).toBe(0);
  expect(stdout).toContain('PassNTLMv2 E097C611EA19C676CD79309A3A2F59A3');
  expect(stdout).toContain('PassNTLMv2 1F6839EE15E639893286CF65C5D0A65C');
});

test('hash --json prints one object', async () => {
  const { stdout } = await runCli(['hash', '--json'], { input: 'password' });

  expect(JSON.parse(stdout)).toMatchObject({
    plain: { PassNT: '8846F7EAEE8FB117AD06BDD830B7586C' },
  });
});

test('demo --once works', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--once']);

  expect(stdout).toContain('200 Hello from the web server');
  expect(stdout).toContain('0 failed logons');
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('demo --once --json prints one object', async () => {
  const { code, stdout } = await runCli(['demo', '--once', '--json']);

  expect(JSON.parse(stdout)).toMatchObject({
    worked: true,
    get: 200,
    connect: 200,
    failedLogons: 0,
  });
  expect(code).toBe(0);
});

test('the demo stays until Ctrl-C, and its curl line works', async () => {
  const cli = startCli(['demo']);
  const [, proxy = '', url = ''] = await cli.until(/-x (http:\S+) (http:\S+)\nCtrl-C/);
  const options = ['-s', '-m', '10', '--noproxy', '', '-x', proxy, url];
  const { stdout } = await promisify(execFile)('curl', options);
  expect(stdout).toBe('Hello from the web server: you asked for /hello.\n');
  cli.kill('SIGINT');

  expect(await cli.ended).toBe(0);
});

test('a hash file that others can read is refused, with the way to mend it', async () => {
  const path = join(temporaryFolder(), 'hashes');
  writeFileSync(path, 'PassNT 8846F7EAEE8FB117AD06BDD830B7586C\n');
  chmodSync(path, 0o644);
  const { code, stderr } = await runCli([
    'run',
    '--parent',
    'p:1',
    '--user',
    'u',
    '--hash-file',
    path,
  ]);

  expect(code).toBe(2);
  expect(stderr).toContain(`chmod 600 '${path}'`);
});

test('a hash file without the hash that the dialect needs is refused', async () => {
  const path = join(temporaryFolder(), 'hashes');
  writeFileSync(path, 'PassLM 8846F7EAEE8FB117AD06BDD830B7586C\n', { mode: 0o600 });
  const { code, stderr } = await runCli([
    'run',
    '--parent',
    'p:1',
    '--user',
    'u',
    '--hash-file',
    path,
  ]);

  expect(code).toBe(2);
  expect(stderr).toContain('needs PassNTLMv2');
});
