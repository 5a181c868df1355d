import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseHashFile, readHashFile } from './hash-file.ts';

const NT = '8846F7EAEE8FB117AD06BDD830B7586C';
const V2 = '4a1aafe563f4cb268b3fbbacef0a504c';

test('lines, comments, blanks and any case are read', () => {
  const text = `# of a person\r\n\r\n  PassNT   ${NT}  # the NT hash\npassntlmv2\t${V2}\n`;
  const { nt, ntlmv2, lm } = parseHashFile(text, 'file');

  expect(nt).toEqual(Buffer.from(NT, 'hex'));
  expect(ntlmv2).toEqual(Buffer.from(V2, 'hex'));
  expect(lm).toBeUndefined();
});

test.for([
  `PassNT ${NT.slice(1)}`,
  `PassNT ${NT}00`,
  `PassNT=${NT}`,
  'PassNT',
  'Password hunter2',
  `PassMD5 ${NT}`,
  `constructor ${NT}`,
])('a line such as "%s" is refused by its number, and not shown', (line) => {
  const read = () => parseHashFile(`\n${line}\n`, 'file');

  expect(read).toThrow(/^Line 2 of file is not understood/);
  expect(read).not.toThrow(/hunter2|8846F7EA/);
});

test.for([
  [0o600, true],
  [0o400, true],
  [0o640, false],
  [0o604, false],
  [0o644, false],
] as const)('a file of mode %o is read: %s', async ([mode, isRead]) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatepass-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'hashes');
  await writeFile(path, `PassNT ${NT}\n`);
  await chmod(path, mode);

  if (isRead) expect(await readHashFile(path)).toHaveProperty('nt');
  else await expect(readHashFile(path)).rejects.toThrow(`Run: chmod 600 '${path}'`);
});

test('a file that is not there is told about', async () => {
  await expect(readHashFile('/nowhere/hashes')).rejects.toThrow('cannot be read');
});
