import { expect, test } from 'vitest';
import { computeHashes } from './hash.ts';

const ACCOUNT = { user: 'testuser', domain: 'CORP-UK', workstation: '' };

test('hashes are given plain and inverted', () => {
  const { plain, inverted, notes } = computeHashes('password', ACCOUNT);

  expect(plain).toEqual({
    PassLM: 'E52CAC67419A9A224A3B108F3FA6CB6D',
    PassNT: '8846F7EAEE8FB117AD06BDD830B7586C',
    PassNTLMv2: 'E097C611EA19C676CD79309A3A2F59A3',
  });
  expect(inverted).toEqual({
    PassLM: '1AD35398BE6565DDB5C4EF70C0593492',
    PassNT: '77B9081511704EE852F94227CF48A793',
    PassNTLMv2: '1F6839EE15E639893286CF65C5D0A65C',
  });
  expect(notes).toEqual([]);
});

test('for CNTLM the domain is hashed in capitals, and that is told', () => {
  const { plain, inverted, notes } = computeHashes('password', { ...ACCOUNT, domain: 'corp-uk' });

  expect(inverted.PassNTLMv2).toBe('1F6839EE15E639893286CF65C5D0A65C');
  expect(plain.PassNTLMv2).not.toBe('E097C611EA19C676CD79309A3A2F59A3');
  expect(notes).toEqual([expect.stringContaining('capitals')]);
});

test.for(['longer than fourteen', 'pässwort'])('a password without an LM hash: %s', (password) => {
  const { plain, inverted, notes } = computeHashes(password, ACCOUNT);

  expect(plain).not.toHaveProperty('PassLM');
  expect(inverted).not.toHaveProperty('PassLM');
  expect(notes[0]).toMatch(/^No PassLM: A password/);
});

test('without an account there is no NTLMv2 hash, and that is told', () => {
  const { plain, notes } = computeHashes('password', undefined);

  expect(plain).not.toHaveProperty('PassNTLMv2');
  expect(notes[0]).toContain('--user');
});
