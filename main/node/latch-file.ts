import { randomBytes } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account, Secrets } from '#engine/protocol.ts';
import { fingerprint } from './fingerprint.ts';
import { isSystemError, makePrivateFolder, withLock, writePrivateFile } from './private-file.ts';

/** One credential that a parent has refused. */
export interface Latch {
  /** Its fingerprint; see fingerprint.ts. */
  readonly id: string;
  /** `host:port` of the parent. */
  readonly parent: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** The refused credentials of this person, kept across restarts and shared by all processes. */
export interface LatchFile {
  readonly path: string;
  /** The name of a credential, fit for the engine: the same for the same secret, always. */
  identify(account: Pick<Account, 'user' | 'domain'>, secrets: Secrets): Promise<string>;
  list(): Promise<readonly Latch[]>;
  add(latch: Latch): Promise<void>;
  remove(id: string): Promise<void>;
}

interface Content {
  readonly salt: string;
  readonly latches: readonly Latch[];
}

const NAME = 'latches';
const SALT_LENGTH = 16;
const MAX_LATCHES = 1000;

/**
 * Opens the file, and makes it at first. One that cannot be read is kept aside under another name
 * and reported, never overwritten.
 *
 * @throws the system's error where the folder cannot be used
 */
export async function openLatchFile(
  folder: string,
  report: (sentence: string) => void,
): Promise<LatchFile> {
  const path = join(folder, `${NAME}.json`);
  await makePrivateFolder(folder);

  async function load(): Promise<Content> {
    const text = await readIfThere(path);
    const content = text === undefined ? undefined : parse(text);
    if (content) return content;
    if (text !== undefined) {
      const aside = `${path}.unreadable-${Date.now()}`;
      await rename(path, aside);
      report(
        `${path} could not be read, so refused passwords are forgotten; it is kept as ${aside}.`,
      );
    }
    const fresh = { salt: randomBytes(SALT_LENGTH).toString('hex'), latches: [] };
    await save(fresh);
    return fresh;
  }

  function save({ salt, latches }: Content): Promise<void> {
    const kept = latches.slice(-MAX_LATCHES);
    return writePrivateFile(
      path,
      `${JSON.stringify({ version: 1, salt, latches: kept }, null, 2)}\n`,
    );
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => withLock(folder, NAME, work);

  function change(next: (latches: readonly Latch[]) => readonly Latch[]): Promise<void> {
    return inTurn(async () => {
      const { salt, latches } = await load();
      await save({ salt, latches: next(latches) });
    });
  }

  await inTurn(load);
  return {
    path,
    async identify(account, secrets) {
      const { salt } = await inTurn(load);
      return fingerprint(Buffer.from(salt, 'hex'), account, secrets);
    },
    list: async () => (await inTurn(load)).latches,
    add: (latch) => change((latches) => [...latches.filter(({ id }) => id !== latch.id), latch]),
    remove: (gone) => change((latches) => latches.filter(({ id }) => id !== gone)),
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parse(text: string): Content | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !('salt' in value) || !('latches' in value)) return undefined;
    const { salt, latches } = value;
    if (typeof salt !== 'string' || !/^[0-9a-f]{32,}$/.test(salt)) return undefined;
    if (!Array.isArray(latches)) return undefined;
    const known = latches.filter(isLatch);
    return known.length === latches.length ? { salt, latches: known } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isLatch(value: unknown): value is Latch {
  return (
    isObject(value) &&
    'id' in value &&
    typeof value.id === 'string' &&
    'parent' in value &&
    typeof value.parent === 'string' &&
    'time' in value &&
    typeof value.time === 'number'
  );
}
