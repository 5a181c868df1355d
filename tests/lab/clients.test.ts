import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { suite } from '../suite.ts';
import { startGatepass, type Gatepass } from './gatepass.ts';
import { createRepository, gitEnvironment } from './git-origin.ts';
import { badPasswordCount, createUser, parent, type LabUser } from './lab.ts';
import { createOrigin, OBJECTS, type Origin } from './origin.ts';
import { run } from './run.ts';

const MIB = 1 << 20;

let directory: string;
let origin: Origin;
let gatepass: Gatepass;
let user: LabUser;

/** What every client below is told. */
const proxy = (): string => `http://127.0.0.1:${gatepass.port}`;
const curl = (...options: string[]): Promise<string> =>
  run('curl', ['-sS', '--noproxy', '', '-x', proxy(), ...options]);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatepass-clients-'));
  await createRepository(directory);
  origin = await createOrigin(directory, directory);
  user = await createUser();
  gatepass = await startGatepass(parent('ntlm'), user, directory);
});

afterAll(async () => {
  await gatepass?.stop();
  await origin?.close();
  await rm(directory, { recursive: true, force: true });
});

suite(
  'stock clients, through Gatepass and Squid',
  ['samba', 'squid', 'curl', 'wget', 'git', 'openssl'],
  () => {
    test('curl GET', async () => {
      expect(await curl(`${origin.url}/hello`)).toBe('you asked for /hello\n');
    });

    test('curl over https, through a tunnel', async () => {
      const answer = await curl('--cacert', origin.certificate, `${origin.tlsUrl}/hello`);
      expect(answer).toBe('you asked for /hello\n');
    });

    test('curl POST of 100 MB, streamed in flat memory', async () => {
      const file = join(directory, 'large');
      await (await open(file, 'w')).truncate(100 * MIB);
      const { now } = await gatepass.memory();

      for (const framing of ['Content-Type: text/plain', 'Transfer-Encoding: chunked']) {
        const answer = await curl('-T', file, '-X', 'POST', '-H', framing, `${origin.url}/upload`);
        expect(answer).toBe(`${100 * MIB} bytes\n`);
      }

      const { peak } = await gatepass.memory();
      console.log(now, peak, peak - now);
      expect(peak - now).toBeLessThan(32 * MIB);
    });

    test('curl upload that waits for 100 Continue', async () => {
      const file = join(directory, 'upload');
      await writeFile(file, Buffer.alloc(3 * MIB, 'x'));
      const trace = join(directory, 'trace');
      const answer = await curl(
        ...['-H', 'Expect: 100-continue', '--expect100-timeout', '20'],
        ...['--trace-ascii', trace, '-T', file, `${origin.url}/upload`],
      );
      expect(answer).toBe(`${3 * MIB} bytes\n`);
      expect(await readFile(trace, 'utf8')).toContain('HTTP/1.1 100 Continue');
    });

    test('wget', async () => {
      const answer = await run('wget', ['-q', '-O', '-', `${origin.url}/hello`], {
        env: { PATH: process.env['PATH'], http_proxy: proxy(), no_proxy: '' },
      });
      expect(answer).toBe('you asked for /hello\n');
    });

    test('git clone over https, through a tunnel', async () => {
      const env = {
        ...gitEnvironment(directory),
        https_proxy: proxy(),
        GIT_SSL_CAINFO: origin.certificate,
      };
      const clone = join(directory, 'clone');
      await run('git', ['clone', '-q', `${origin.tlsUrl}/git/project.git`, clone], { env });
      const [sent, received] = await Promise.all(
        ['work', 'clone'].map((name) => readFile(join(directory, name, 'large.bin'))),
      );
      expect(received).toEqual(sent);
    });

    test('and no logon was refused', async () => {
      expect(await badPasswordCount(user.name)).toBe(0);
    });
  },
);

suite(
  'Chromium, through Gatepass and Squid',
  ['samba', 'squid', 'chromium', 'git', 'openssl'],
  () => {
    test(`a page with ${OBJECTS} objects`, async () => {
      const before = origin.requests.length;
      const page = await run('chromium', [
        ...[
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--disable-dev-shm-usage',
        ],
        ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
        ...['--disable-sync', '--disable-extensions', '--mute-audio'],
        ...[`--proxy-server=${proxy()}`, '--proxy-bypass-list=<-loopback>'],
        ...[`--user-data-dir=${join(directory, 'chromium')}`, '--dump-dom', `${origin.url}/page`],
      ]);

      expect(page).toContain(`data-loaded="${OBJECTS}"`);
      const objects = origin.requests.slice(before).filter((one) => one.startsWith('GET /object/'));
      expect(new Set(objects).size).toBe(OBJECTS);
      expect(await badPasswordCount(user.name)).toBe(0);
    });
  },
);
