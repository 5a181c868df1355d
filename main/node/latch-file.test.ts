import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashesFor } from '#engine/ntlm/hashes.ts';
import { openLatchFile, type LatchFile } from './latch-file.ts';

const ANNA = { user: 'anna', domain: 'LAB' };
const unexpected = (sentence: string): void => expect.unreachable(sentence);

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'gatepass-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'state');
}

const modeOf = async (path: string): Promise<string> =>
  ((await stat(path)).mode & 0o777).toString(8);

test('folder and file are for their owner alone', async () => {
  const place = await folder();
  const { path } = await openLatchFile(place, unexpected);

  expect(await modeOf(place)).toBe('700');
  expect(await modeOf(path)).toBe('600');
  expect(await readdir(place)).toEqual(['latches.json']);
});

test('what is noted is there after a restart, and gone once it is removed', async () => {
  const place = await folder();
  const first = await openLatchFile(place, unexpected);
  await first.add({ id: 'a', parent: 'p:1', time: 5 });
  await first.add({ id: 'b', parent: 'p:2', time: 6 });
  await first.add({ id: 'a', parent: 'p:1', time: 7 });
  const second = await openLatchFile(place, unexpected);

  expect((await second.list()).map(({ id, time }) => [id, time])).toEqual([
    ['b', 6],
    ['a', 7],
  ]);
  await second.remove('b');
  expect((await first.list()).map(({ id }) => id)).toEqual(['a']);
});

test('a password and its hashes have one name, which outlives a restart', async () => {
  const place = await folder();
  const file = await openLatchFile(place, unexpected);
  const password = await file.identify(ANNA, { password: Buffer.from('Sécret-1') });
  const again = await openLatchFile(place, unexpected);

  expect(password).toMatch(/^[0-9a-f]{64}$/);
  for (const dialect of ['ntlmv2', 'ntlm2sr', 'nt'] as const) {
    expect(await again.identify(ANNA, hashesFor(dialect, ANNA, 'Sécret-1'))).toBe(password);
  }
  const capitals = { user: 'ANNA', domain: 'lab' };
  expect(await again.identify(capitals, hashesFor('nt', capitals, 'Sécret-1'))).toBe(password);
});

test('another password, user, domain or file has another name', async () => {
  const file = await openLatchFile(await folder(), unexpected);
  const other = await openLatchFile(await folder(), unexpected);
  const name = (from: typeof file, account: typeof ANNA, password: string): Promise<string> =>
    from.identify(account, { password: Buffer.from(password) });
  const names = await Promise.all([
    name(file, ANNA, 'one'),
    name(file, ANNA, 'two'),
    name(file, { ...ANNA, user: 'bob' }, 'one'),
    name(file, { ...ANNA, domain: '' }, 'one'),
    name(other, ANNA, 'one'),
  ]);

  expect(new Set(names).size).toBe(names.length);
});

test('the file holds nothing of a password', async () => {
  const file = await openLatchFile(await folder(), unexpected);
  const secrets = hashesFor('ntlm', ANNA, 'secret');
  const id = await file.identify(ANNA, secrets);
  await file.add({ id, parent: 'p:1', time: 5 });
  const text = (await readFile(file.path, 'utf8')).toLowerCase();

  for (const secret of [
    'secret',
    'anna',
    ...Object.values(secrets).map((hash) => Buffer.from(hash).toString('hex')),
  ]) {
    expect(text).not.toContain(secret);
  }
});

test('many writers at once lose nothing', async () => {
  const place = await folder();
  const files = await Promise.all(
    Array.from({ length: 4 }, () => openLatchFile(place, unexpected)),
  );
  const ids = Array.from({ length: 40 }, (_, index) => `id-${index}`);
  const add = async (file: LatchFile | undefined, id: string): Promise<void> =>
    file?.add({ id, parent: 'p:1', time: 1 });
  await Promise.all(ids.map((id, index) => add(files[index % files.length], id)));
  const kept = await files[0]?.list();

  expect(kept?.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
});

test.for([
  '',
  '{"salt":"zz","latches":[]}',
  '{"salt":"',
  '[]',
  '{"salt":"00112233445566778899aabbccddeeff","latches":[{}]}',
])('a file that reads %o is kept aside and reported', async (broken) => {
  const place = await folder();
  const { path } = await openLatchFile(place, unexpected);
  await writeFile(path, broken);
  const reports: string[] = [];
  const file = await openLatchFile(place, (sentence) => reports.push(sentence));

  expect(await file.list()).toEqual([]);
  expect(reports).toHaveLength(1);
  const aside = (await readdir(place)).find((name) => name.includes('unreadable'));
  expect(await readFile(join(place, aside ?? ''), 'utf8')).toBe(broken);
});

test('the lock of a process that died is broken', async () => {
  const place = await folder();
  const file = await openLatchFile(place, unexpected);
  const lock = join(place, 'latches.lock');
  await writeFile(lock, '');
  await utimes(lock, new Date(0), new Date(0));
  await file.add({ id: 'a', parent: 'p:1', time: 5 });

  expect(await file.list()).toHaveLength(1);
});
