import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const LOCK_PAUSE = 20;
/** Whoever holds a lock for longer has died with it, in milliseconds. */
const LOCK_AGE = 5_000;

/** Makes a folder that only its owner can enter, if it is not there. */
export async function makePrivateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  // An umask may have taken more away, never less; a folder that was there stays as it is.
  if (made !== undefined) await chmod(folder, FOLDER_MODE);
}

/** Writes a file that only its owner can read: whole or not at all, even if the power fails. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', FILE_MODE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Runs one thing at a time among all processes that name the same lock in the same folder. */
export async function withLock<T>(
  folder: string,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, `${name}.lock`);
  while (!(await take(path))) {
    await removeStale(path);
    await pause(LOCK_PAUSE);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx', FILE_MODE)).close();
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

async function removeStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > LOCK_AGE) await rm(path, { force: true });
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}

/** Whether something failed with this code of the system (`ENOENT`). */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
