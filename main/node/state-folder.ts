import { posix, win32 } from 'node:path';

/** What decides where a program keeps its state. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The folder for what must outlive a restart: each system's own place, XDG's elsewhere. */
export function stateFolder({ platform, env, home }: Surroundings): string {
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA'] ?? win32.join(home, 'AppData', 'Local');
    return win32.join(local, 'gatepass');
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'gatepass');
  const given = env['XDG_STATE_HOME'] ?? '';
  // The XDG Base Directory Specification has relative paths ignored.
  const base = posix.isAbsolute(given) ? given : posix.join(home, '.local', 'state');
  return posix.join(base, 'gatepass');
}
