import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this package, beside the built program or above the sources. */
export function readVersion(): string {
  for (const folder of ['..', join('..', '..')]) {
    const version = versionIn(join(import.meta.dirname, folder, 'package.json'));
    if (version !== undefined) return version;
  }
  return 'unknown';
}

function versionIn(path: string): string | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null || !('version' in content))
      return undefined;
    return typeof content.version === 'string' ? content.version : undefined;
  } catch {
    return undefined;
  }
}
