import { homedir } from 'node:os';
import { systemCode } from '#engine/errors.ts';
import { DIALECTS } from '#engine/ntlm/dialect.ts';
import { hashesFor } from '#engine/ntlm/hashes.ts';
import type { Account, Credential, Dialect, Scheme, Secrets } from '#engine/protocol.ts';
import { openLatchFile, type Latch, type LatchFile } from '#main/node/latch-file.ts';
import { stateFolder } from '#main/node/state-folder.ts';
import { CommandError, EXIT, wrongUse } from './exit.ts';
import { readHashFile } from './hash-file.ts';
import type { Output } from './output.ts';
import { askPassword } from './prompt.ts';

/** Where the secrets come from, and for what. */
export interface SecretWishes {
  readonly dialect: Dialect;
  readonly scheme: Scheme | 'auto';
  readonly allowBasic: boolean;
  readonly hashFile: string | undefined;
}

const LINES = { lm: 'PassLM', nt: 'PassNT', ntlmv2: 'PassNTLMv2' } as const;

/** Hashes out of the file, or from the password that the person types. */
export async function obtainSecrets(account: Account, wishes: SecretWishes): Promise<Secrets> {
  const { dialect, scheme, allowBasic, hashFile } = wishes;
  if (hashFile !== undefined) return requireHashes(await readHashFile(hashFile), dialect, hashFile);
  const typed = await askPassword(`Password of ${showAccount(account)}: `);
  const hashes = scheme === 'basic' ? {} : hashesFor(dialect, account, typed);
  return allowBasic ? { ...hashes, password: Buffer.from(typed) } : hashes;
}

function requireHashes(secrets: Secrets, dialect: Dialect, path: string): Secrets {
  const missing = DIALECTS[dialect].needs.filter(
    (name) => secrets[name] === undefined && !(name === 'ntlmv2' && secrets.nt),
  );
  if (missing.length === 0) return secrets;
  const lines = missing.map((name) => LINES[name]).join(' and ');
  throw wrongUse(
    `The dialect ${dialect} needs ${lines}, and ${path} has none. "gatepass hash" prints it.`,
  );
}

/** The refused credentials that this and other starts share. */
export async function openLatches(folder: string | undefined, output: Output): Promise<LatchFile> {
  const { platform, env } = process;
  const used = folder ?? stateFolder({ platform, env, home: homedir() });
  try {
    return await openLatchFile(used, output.note);
  } catch (error) {
    const code = systemCode(error);
    if (code === '') throw error;
    throw wrongUse(
      `The state folder ${used} cannot be used (${code}). Choose another with --state-dir.`,
    );
  }
}

/**
 * Names a credential, and ends the command if it was refused before; with `tryAgain` that is
 * forgotten instead.
 */
export async function admit(
  latches: LatchFile,
  account: Account,
  secrets: Secrets,
  tryAgain: boolean,
): Promise<Credential> {
  const id = await latches.identify(account, secrets);
  const latch = (await latches.list()).find((candidate) => candidate.id === id);
  if (latch && !tryAgain) throw new CommandError(EXIT.failed, tellLatch(latch));
  if (latch) await latches.remove(id);
  return { ...account, id, secrets };
}

function tellLatch({ parent, time }: Latch): string {
  return (
    `This password was refused by ${parent} on ${showTime(time)}; it is not sent again, so that ` +
    'the account is not locked. Enter the new one, or run once with --try-again.'
  );
}

function showTime(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} at ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `DOMAIN\user`. */
export function showAccount({ user, domain }: Account): string {
  return domain === '' ? user : `${domain}\\${user}`;
}
