import { expect, test } from 'vitest';
import { runCommand } from './detect-report.ts';
import { exportLines, quote } from './shell.ts';

test.for([
  ['plain', 'plain'],
  ['CORP\\anna', "'CORP\\anna'"],
  ["o'hara", "'o'\\''hara'"],
  ['$(x) y', "'$(x) y'"],
  ['', "''"],
])('%s is typed as %s', ([word = '', typed]) => {
  expect(quote(word)).toBe(typed);
});

test('each system has its own lines to paste', () => {
  expect(exportLines('127.0.0.1:1', 'linux')).toEqual([
    'export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1',
  ]);
  expect(exportLines('127.0.0.1:1', 'win32')).toHaveLength(2);
});

const parent = { host: 'proxy', port: 8080 };
const account = { user: 'anna', domain: 'CORP', workstation: '' };
const base = { sentence: '', failedLogons: 0, hashes: [] };

test('what was found becomes a command to paste', () => {
  const found = (trial: NonNullable<Parameters<typeof runCommand>[0]['trial']>) =>
    runCommand({ ...base, outcome: 'found', trial, account }, { parent, account });
  const start = "gatepass run --parent proxy:8080 --user 'CORP\\anna'";

  expect(found({ scheme: 'ntlm', dialect: 'ntlmv2' })).toBe(start);
  expect(found({ scheme: 'negotiate', dialect: 'ntlmv2' })).toBe(`${start} --scheme negotiate`);
  expect(found({ scheme: 'ntlm', dialect: 'lm', flags: 0xb206 })).toBe(
    `${start} --dialect lm --flags 0xb206`,
  );
  expect(found({ scheme: 'basic' })).toBe(`${start} --scheme basic --allow-basic`);
});

test('an open parent needs no user, and a refusal gives no command', () => {
  const open = { ...base, outcome: 'open' } as const;
  expect(runCommand(open, { parent: { ...parent, tls: {} }, account })).toBe(
    'gatepass run --parent proxy:8080 --tls',
  );
  expect(runCommand({ ...base, outcome: 'refused' }, { parent, account })).toBeUndefined();
});
