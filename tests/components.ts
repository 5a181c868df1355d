import { globSync } from 'node:fs';
import { join } from 'node:path';

interface Component {
  readonly programs?: readonly string[];
  /** Globs. */
  readonly files?: readonly string[];
  readonly root?: boolean;
  /** Debian's; names that a release does not know are left out by tests/run. */
  readonly packages: string;
}

/** The real programs that tests work with, and what shows that one is here. */
const COMPONENTS = {
  samba: {
    programs: ['samba', 'samba-tool', 'wbinfo', 'ntlm_auth', 'openssl', 'curl', 'unshare'],
    files: ['/usr/share/samba/setup/aggregate_schema.ldif'],
    root: true,
    packages:
      'samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind krb5-user openssl curl util-linux',
  },
  squid: { programs: ['squid'], root: true, packages: 'squid' },
  apache: {
    programs: ['apache2', 'curl'],
    files: ['/usr/lib/apache2/modules/mod_auth_gssapi.so', '/usr/lib/*/gssntlmssp/gssntlmssp.so'],
    root: true,
    packages: 'apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp curl',
  },
  curl: { programs: ['curl'], packages: 'curl' },
  wget: { programs: ['wget'], packages: 'wget' },
  git: { programs: ['git'], files: ['/usr/lib/git-core/git-http-backend'], packages: 'git' },
  openssl: { programs: ['openssl'], packages: 'openssl' },
  chromium: { programs: ['chromium'], packages: 'chromium' },
  h11: { files: ['/usr/lib/python3/dist-packages/h11/__init__.py'], packages: 'python3-h11' },
} satisfies Record<string, Component>;

export type ComponentName = keyof typeof COMPONENTS;

const PATH = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

function isHere({ programs = [], files = [], root = false }: Component): boolean {
  if (root && process.getuid?.() !== 0) return false;
  return (
    programs.every((program) =>
      PATH.some((folder) => globSync(join(folder, program)).length > 0),
    ) && files.every((file) => globSync(file).length > 0)
  );
}

/** Those of the named components that are not on this machine. */
export function missing(names: readonly ComponentName[]): readonly ComponentName[] {
  return names.filter((name) => !isHere(COMPONENTS[name]));
}

/** One sentence on how to get a component. */
export function howToGet(name: ComponentName): string {
  const { packages, root }: Component = COMPONENTS[name];
  return `needs ${name}: ${root ? 'run as root on Debian after' : 'try'} apt-get install ${packages}`;
}

/** Every component, in the order of the table. */
export function allComponents(): readonly ComponentName[] {
  const names: ComponentName[] = [];
  for (const name in COMPONENTS) if (isComponent(name)) names.push(name);
  return names;
}

function isComponent(name: string): name is ComponentName {
  return Object.hasOwn(COMPONENTS, name);
}

/** Debian's packages of the named components, each once. */
export function packagesOf(names: readonly ComponentName[]): readonly string[] {
  return [...new Set(names.flatMap((name) => COMPONENTS[name].packages.split(' ')))];
}
