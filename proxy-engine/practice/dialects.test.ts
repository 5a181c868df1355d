import { expect, test } from 'vitest';
import { createNtlmAuthenticator } from '../auth/ntlm.ts';
import { hashesFor } from '../ntlm/hashes.ts';
import type { Dialect } from '../protocol.ts';
import { NO_QUIRKS } from './quirks.ts';
import type { Quirks } from './quirks.ts';
import type { Rules } from './rules.ts';
import { createSignIn } from './sign-in.ts';
import { createStats } from './stats.ts';
import { createUsers } from './users.ts';

const DIALECTS = ['ntlmv2', 'ntlm2sr', 'nt', 'ntlm', 'lm'] as const;

function createRules(
  changes: Partial<Quirks> = {},
  dialects: readonly Dialect[] = DIALECTS,
): Rules {
  const stats = createStats();
  const quirks = { ...NO_QUIRKS, ...changes };
  const users = [{ domain: 'LAB', user: 'alice', password: 'secret' }];
  return {
    users: createUsers(users, stats, quirks.lockoutThreshold),
    dialects,
    names: { domain: 'LAB', computer: 'PARENT' },
    quirks,
    stats,
    left: { toDrop: 0, toForget: 0 },
  };
}

interface Login {
  readonly dialect: Dialect;
  readonly password?: string;
  /** Changes the last message on its way. */
  readonly forge?: (message: Buffer) => void;
}

/** Signs in with our own authenticator; gives the decision on the last message. */
function signIn(rules: Rules, { dialect, password = 'secret', forge }: Login) {
  const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };
  const credential = { id: 'one', ...account, secrets: hashesFor(dialect, account, password) };
  const options = { scheme: 'ntlm', dialect, credential, spn: 'HTTP/parent' } as const;
  const attempt = createNtlmAuthenticator(options).begin();
  const connection = createSignIn(rules, 1);
  const asked = connection.judge(attempt.first(), false);
  const challenge = asked.kind === 'ask' ? (asked.challenge ?? '') : '';
  const answer = attempt.answer(Buffer.from(challenge.slice(5), 'base64'));
  const message = Buffer.from(answer.slice(5), 'base64');
  forge?.(message);
  return connection.judge(`NTLM ${message.toString('base64')}`, false);
}

const accepted = { kind: 'forward', identity: 'LAB\\alice' };
const refused = { kind: 'ask', close: false };

test.for(DIALECTS)('signs in with %s, which it recognises', (dialect) => {
  const rules = createRules();
  expect(signIn(rules, { dialect })).toEqual(accepted);
  expect(rules.stats.signIns).toMatchObject([
    { dialect, accepted: true, mic: dialect === 'ntlmv2', workstation: 'WKS' },
  ]);
});

test.for(DIALECTS)('a wrong password in %s is refused and counted', (dialect) => {
  const rules = createRules();
  expect(signIn(rules, { dialect, password: 'wrong' })).toEqual(refused);
  expect(rules.stats.refused.get('alice')).toBe(1);
});

test.for(['ntlm2sr', 'nt', 'ntlm', 'lm'] as const)(
  'the right password in the refused dialect %s counts like a wrong one',
  (dialect) => {
    const rules = createRules({}, ['ntlmv2']);
    expect(signIn(rules, { dialect })).toEqual(refused);
    expect(rules.stats.refused.get('alice')).toBe(1);
  },
);

test.for([
  { quirks: { noTargetInfo: true }, mic: false },
  { quirks: { emptyTargetInfo: true }, mic: false },
  { quirks: { noTimestamp: true }, mic: false },
  { quirks: { avFlagsPresent: true }, mic: true },
  { quirks: { oemChallenge: true }, mic: true },
  { quirks: { noEss: true }, mic: true },
])('NTLMv2 copes with a parent with $quirks', ({ quirks, mic }) => {
  const rules = createRules(quirks);
  expect(signIn(rules, { dialect: 'ntlmv2' })).toEqual(accepted);
  expect(rules.stats.signIns[0]?.mic).toBe(mic);
});

test.for([
  { what: 'a broken MIC', at: 72 },
  { what: 'a flipped flag', at: 60 },
])('the right password with $what is refused, and not counted', ({ at }) => {
  const rules = createRules();
  const forge = (message: Buffer) => void message.writeUInt8(message.readUInt8(at) ^ 4, at);
  expect(signIn(rules, { dialect: 'ntlmv2', forge })).toEqual(refused);
  expect(rules.stats.refused.size).toBe(0);
});

test('an announced session key that is missing is refused, and not counted', () => {
  const rules = createRules();
  const forge = (message: Buffer) => void message.writeUInt8(message.readUInt8(63) | 0x40, 63);
  expect(signIn(rules, { dialect: 'nt', forge })).toEqual(refused);
  expect(rules.stats.refused.size).toBe(0);
});

test('an anonymous message signs nobody in', () => {
  const rules = createRules();
  const forge = (message: Buffer) => message.fill(0, 12, 28);
  expect(signIn(rules, { dialect: 'ntlmv2', forge })).toEqual(refused);
});

test('a message that cannot be read is refused, and not counted', () => {
  const rules = createRules();
  const forge = (message: Buffer) => void message.writeUInt32LE(0xffffff, 24);
  expect(signIn(rules, { dialect: 'ntlmv2', forge })).toEqual(refused);
  expect(rules.stats.refused.size).toBe(0);
});
