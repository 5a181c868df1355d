import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createPracticeParent, type PracticeParent } from '#engine/practice/practice-parent.ts';
import { createRecordingOrigin, type RecordingOrigin } from '#engine/testing/recording-origin.ts';
import {
  startCli,
  runCli,
  temporaryFolder,
  type Cli,
  type CliOptions,
} from './testing/start-cli.ts';

// Each of these starts a process or more.
vi.setConfig({ testTimeout: 60_000 });

const PASSWORD = 'Practice-1';

async function startParent(): Promise<{ parent: PracticeParent; origin: RecordingOrigin }> {
  const origin = await createRecordingOrigin();
  const parent = await createPracticeParent({
    users: [{ domain: 'LAB', user: 'anna', password: PASSWORD }],
  });
  onTestFinished(async () => {
    await parent.close();
    await origin.close();
  });
  return { parent, origin };
}

async function startRun(
  { port }: PracticeParent,
  words: readonly string[] = [],
  options: CliOptions = { input: `${PASSWORD}\n` },
): Promise<{ cli: Cli; port: number }> {
  const parent = ['--parent', `127.0.0.1:${port}`, '--listen', '0', '--user', 'LAB\\anna'];
  const cli = startCli(['run', ...parent, ...words], options);
  const [, listening] = await cli.until(/127\.0\.0\.1:(\d+)\b(?=[",.])/);
  return { cli, port: Number(listening) };
}

async function curl(port: number, url: string): Promise<string> {
  const options = ['-s', '-m', '10', '--noproxy', '', '-w', ' %{http_code}'];
  const { stdout } = await promisify(execFile)('curl', [
    ...options,
    '-x',
    `http://127.0.0.1:${port}`,
    url,
  ]);
  return stdout;
}

async function openTunnel(port: number, authority: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

test('a stock client gets out through a parent that wants a sign-in', async () => {
  const { parent, origin } = await startParent();
  const { cli, port } = await startRun(parent);

  expect(await curl(port, `http://${origin.authority}/`)).toBe('ok 200');
  await cli.until(/Signed in to/);
  expect(cli.stdout()).toContain(`export http_proxy=http://127.0.0.1:${port}`);
  expect(parent.stats.accepted).toBe(1);
  cli.kill('SIGTERM');
  expect(await cli.ended).toBe(0);
});

test.skipIf(process.platform !== 'linux')(
  'a password is neither in the arguments nor in the environment, nor printed',
  async () => {
    const { parent, origin } = await startParent();
    const { cli, port } = await startRun(parent, ['--log-level', 'debug']);
    await curl(port, `http://${origin.authority}/`);

    expect(readFileSync(`/proc/${cli.pid}/cmdline`, 'utf8')).not.toContain(PASSWORD);
    expect(readFileSync(`/proc/${cli.pid}/environ`, 'utf8')).not.toContain(PASSWORD);
    expect(cli.stdout() + cli.stderr()).not.toContain(PASSWORD);
  },
);

test('a hash file serves in place of a password', async () => {
  const { parent, origin } = await startParent();
  const { stdout } = await runCli(['hash', '--user', 'LAB\\anna'], { input: PASSWORD });
  const path = join(temporaryFolder(), 'hashes');
  writeFileSync(path, /PassNTLMv2 \w+/.exec(stdout)?.[0] ?? '', { mode: 0o600 });
  const { port } = await startRun(parent, ['--hash-file', path], {});

  expect(await curl(port, `http://${origin.authority}/`)).toBe('ok 200');
});

test('targets of --no-proxy are reached without the parent', async () => {
  const { parent, origin } = await startParent();
  const { port } = await startRun(parent, ['--no-proxy', 'example.test', '127.0.0.0/8']);

  expect(await curl(port, `http://${origin.authority}/`)).toBe('ok 200');
  expect(parent.stats.connections).toBe(0);
});

test('Ctrl-C ends at once where nothing is open', async () => {
  const { parent } = await startParent();
  const { cli } = await startRun(parent);
  cli.kill('SIGINT');

  expect(await cli.ended).toBe(0);
  expect(cli.stdout()).toContain('Stopped.');
});

test('Ctrl-C lets a tunnel end, and says so', async () => {
  const { parent, origin } = await startParent();
  const { cli, port } = await startRun(parent);
  const tunnel = await openTunnel(port, origin.authority);
  cli.kill('SIGINT');
  await cli.until(/Ending 1 open connection; press Ctrl-C again/);
  tunnel.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const answer: unknown[] = await once(tunnel, 'data');

  expect(String(answer[0])).toContain('200 OK');
  tunnel.end();
  expect(await cli.ended).toBe(0);
});

test('a second Ctrl-C ends at once', async () => {
  const { parent, origin } = await startParent();
  const { cli, port } = await startRun(parent);
  await openTunnel(port, origin.authority);
  cli.kill('SIGINT');
  await cli.until(/Ending 1 open connection/);
  cli.kill('SIGINT');

  expect(await cli.ended).toBe(130);
});

test('a refused password is sent once, over two starts and a detection', async () => {
  const { parent, origin } = await startParent();
  const state = temporaryFolder();
  const { cli, port } = await startRun(parent, [], { input: 'wrong\n', state });
  const url = `http://${origin.authority}/`;
  await Promise.all([curl(port, url), curl(port, url), curl(port, url)]);
  await cli.until(/refused the password/);
  cli.kill('SIGINT');
  expect(await cli.ended).toBe(0);
  const wrong = (): number | undefined => parent.stats.refused.get('anna');
  expect(wrong()).toBe(1);

  const where = ['--parent', `127.0.0.1:${parent.port}`, '--user', 'LAB\\anna'];
  const again = await runCli(['run', ...where, '--listen', '0'], { input: 'wrong\n', state });
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/refused by 127\.0\.0\.1:\d+ on \d{4}-.*--try-again/);
  const detection = await runCli(['detect', ...where, '--url', url], { input: 'wrong\n', state });
  expect(detection.code).toBe(1);
  expect(detection.stderr).toContain('--try-again');
  expect(wrong()).toBe(1);

  const next = await startRun(parent, ['--try-again'], { input: 'wrong\n', state });
  await curl(next.port, url);
  await next.cli.until(/refused the password/);
  expect(wrong()).toBe(2);
});

test('another password is not held back by a refused one', async () => {
  const { parent, origin } = await startParent();
  const state = temporaryFolder();
  const where = ['--parent', `127.0.0.1:${parent.port}`, '--user', 'LAB\\anna'];
  const url = `http://${origin.authority}/`;
  const refused = await runCli(['detect', ...where, '--url', url], { input: 'wrong\n', state });
  expect(refused.code).toBe(1);
  const run = await runCli(['run', ...where, '--listen', '0'], { input: 'wrong\n', state });
  expect(run.code).toBe(1);
  const { port } = await startRun(parent, [], { input: PASSWORD, state });

  expect(await curl(port, url)).toBe('ok 200');
  expect(parent.stats.refused.get('anna')).toBe(1);
});

test('with --json every line is an object', async () => {
  const { parent, origin } = await startParent();
  const { cli, port } = await startRun(parent, ['--json']);
  await curl(port, `http://${origin.authority}/`);
  cli.kill('SIGINT');
  await cli.ended;
  const events = cli
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

  expect(events[0]).toMatchObject({ event: 'ready', user: 'LAB\\anna', dialect: 'ntlmv2' });
  expect(events).toContainEqual(expect.objectContaining({ event: 'credential-accepted' }));
  expect(events.at(-1)).toEqual({ event: 'stopped' });
  expect(cli.stderr()).toBe('');
});

test('a port that is taken is told about', async () => {
  const { parent, origin } = await startParent();
  const { code, stderr } = await runCli([
    'run',
    '--parent',
    `127.0.0.1:${parent.port}`,
    '--listen',
    String(origin.port),
  ]);

  expect(code).toBe(1);
  expect(stderr).toContain('another program uses this port');
  expect(stderr).toContain('--listen');
});

test('listening for other computers is warned of', async () => {
  const { parent } = await startParent();
  const cli = startCli(['run', '--parent', `127.0.0.1:${parent.port}`, '--listen', '0.0.0.0:0']);

  await cli.until(/WARNING: other computers can connect to 0\.0\.0\.0:\d+/);
});
