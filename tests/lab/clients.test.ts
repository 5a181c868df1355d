import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { suite } from '../suite.ts';
import { credentialOf, through, withEngine } from './engine.ts';
import { startGatepass, type Gatepass } from './gatepass.ts';
import { createRepository, gitEnvironment } from './git-origin.ts';
import { badPasswordCount, createUser, DOMAIN, parent, type LabUser } from './lab.ts';
import { createOrigin, OBJECTS, type Origin } from './origin.ts';
import { run, tryRun, type Finished } from './run.ts';

const MIB = 1 << 20;
const LARGE = 100 * MIB;
/** What streams may take beyond rest: sockets, buffers and uncollected garbage, not a body. */
const STREAMS = LARGE;
/** What more of them may take once the first have passed. */
const MORE = 24 * MIB;

let directory: string;
let origin: Origin;
let gatepass: Gatepass;
let user: LabUser;

const proxyAt = (port: number): string => `http://127.0.0.1:${port}`;

function tryCurl(port: number, ...options: string[]): Promise<Finished> {
  return tryRun('curl', ['-sS', '--noproxy', '', '-x', proxyAt(port), ...options]);
}

async function curl(port: number, ...options: string[]): Promise<string> {
  const { stdout, stderr } = await tryCurl(port, ...options);
  expect(stderr).toBe('');
  return stdout;
}

async function fileOf(size: number): Promise<string> {
  const file = join(directory, `file-${size}`);
  await writeFile(file, '');
  await truncate(file, size);
  return file;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatepass-clients-'));
  await createRepository(directory);
  origin = await createOrigin(directory, directory);
  user = await createUser();
  gatepass = await startGatepass(parent('ntlm'), DOMAIN, user);
});

afterAll(async () => {
  await gatepass.stop();
  await origin.close();
  await rm(directory, { recursive: true, force: true });
});

suite('curl', ['samba', 'squid', 'git', 'openssl', 'curl'], () => {
  test('GET', async () => {
    const answer = await curl(gatepass.port, `${origin.url}/hello`);
    expect(answer).toBe('you asked for /hello\n');
  });

  test('GET over https, through a tunnel', async () => {
    const trust = ['--cacert', origin.certificate];
    const answer = await curl(gatepass.port, ...trust, `${origin.tlsUrl}/hello`);
    expect(answer).toBe('you asked for /hello\n');
  });

  test('POST of 100 MB, in flat memory', async () => {
    const upload = ['-X', 'POST', '-T', await fileOf(LARGE), `${origin.url}/upload`];
    const post = async (framing: string): Promise<number> => {
      const answer = await curl(gatepass.port, '-H', framing, ...upload);
      expect(answer).toBe(`${LARGE} bytes\n`);
      return (await gatepass.memory()).peak;
    };
    const { now } = await gatepass.memory();

    await post('Transfer-Encoding: chunked');
    const warm = await post('Content-Type: text/plain');
    await post('Transfer-Encoding: chunked');
    await post('Expect:');
    const last = await post('Transfer-Encoding: chunked');

    expect(last - warm).toBeLessThan(MORE);
    expect(last - now).toBeLessThan(STREAMS);
  });

  test('an upload that waits for 100 Continue gets it at once, signed in or not yet', async () => {
    const upload = ['-T', await fileOf(3 * MIB), `${origin.url}/upload`];
    const patience = ['-v', '-H', 'Expect: 100-continue', '--expect100-timeout', '20'];

    await withEngine(through(parent('ntlm'), credentialOf(user)), async ({ port }) => {
      for (const connection of ['new', 'signed in']) {
        const { stdout, stderr } = await tryCurl(port, ...patience, ...upload);
        expect(stdout).toBe(`${3 * MIB} bytes\n`);
        const told = stderr.split('\n').filter((line) => /100.continue/i.test(line));
        expect(told.join('\n'), connection).toContain('< HTTP/1.1 100 Continue');
        expect(told.join('\n'), connection).not.toContain('Done waiting');
      }
    });
  });

  test('and no logon was refused', async () => {
    expect(await badPasswordCount(user.name)).toBe(0);
  });
});

suite('curl, through Apache', ['apache', 'samba', 'squid', 'git', 'openssl', 'curl'], () => {
  test('POST of 100 MB to an origin that is slow to read, in flat memory', async () => {
    const alice = { name: 'alice', password: 'Passw0rd-alice' };
    const own = await startGatepass(parent('apache'), 'LAB', alice);
    onTestFinished(async () => {
      await own.stop();
    });
    const { now } = await own.memory();

    const upload = ['-X', 'POST', '-H', 'Expect:', '-T', await fileOf(LARGE)];
    const answer = await curl(own.port, ...upload, `${origin.url}/slow`);
    expect(answer).toBe(`${LARGE} bytes\n`);

    const { peak } = await own.memory();
    expect(peak - now).toBeLessThan(STREAMS);
  });
});

suite('wget', ['samba', 'squid', 'git', 'openssl', 'wget'], () => {
  test('GET', async () => {
    const answer = await run('wget', ['-q', '-O', '-', `${origin.url}/hello`], {
      env: { PATH: process.env['PATH'], http_proxy: proxyAt(gatepass.port), no_proxy: '' },
    });
    expect(answer).toBe('you asked for /hello\n');
  });
});

suite('git', ['samba', 'squid', 'git', 'openssl'], () => {
  test('clone over https, through a tunnel', async () => {
    const clone = join(directory, 'clone');
    await run('git', ['clone', '-q', `${origin.tlsUrl}/git/project.git`, clone], {
      env: {
        ...gitEnvironment(directory),
        https_proxy: proxyAt(gatepass.port),
        GIT_SSL_CAINFO: origin.certificate,
      },
    });

    const [sent, received] = await Promise.all(
      ['work', 'clone'].map((name) => readFile(join(directory, name, 'large.bin'))),
    );
    expect(sent && received?.equals(sent)).toBe(true);
  });
});

suite('Chromium', ['samba', 'squid', 'git', 'openssl', 'chromium'], () => {
  test(`a page with ${OBJECTS} objects`, async () => {
    const before = origin.requests.length;
    const page = await run('chromium', [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...['--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--disable-extensions'],
      ...[`--proxy-server=${proxyAt(gatepass.port)}`, '--proxy-bypass-list=<-loopback>'],
      ...[`--user-data-dir=${join(directory, 'chromium')}`, '--dump-dom', `${origin.url}/page`],
    ]);

    expect(page).toContain(`data-loaded="${OBJECTS}"`);
    const objects = origin.requests.slice(before).filter((one) => one.startsWith('GET /object/'));
    expect(new Set(objects).size).toBe(OBJECTS);
    expect(await badPasswordCount(user.name)).toBe(0);
  });
});
