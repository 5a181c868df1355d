/** One offence, the file it is planted in, and what the enforcer must say of it there. */
export interface Planted {
  readonly rule: string;
  readonly file: string;
  readonly code: string;
  readonly by: 'oxlint' | 'tsc';
  /** Part of the enforcer's message; undefined for an import that must pass. */
  readonly says: string | undefined;
}

const ENGINE = 'proxy-engine imports only node:* and its own files';
const SOCKETS = 'Sockets are opened only in listen, upstream, practice and testing';
const LEAVES = 'ntlm, http1 and route know only errors, limits and protocol';
const AUTH = 'auth knows only ntlm';
const UPSTREAM = 'upstream knows only auth, http1 and route';
const LISTEN = 'listen knows only route, upstream and http1';
const DETECT = 'detect knows only upstream and what lies below it';
const INSIDE = 'stays inside proxy-engine';
const APP = 'app runs on no particular host';
const NODE = 'main/node serves both hosts';
const HEADLESS = 'main/headless runs without electron';
const PAGE = 'The page speaks only to app/contract';
const ENGINE_TEST = 'A test of the engine knows only the engine';

const FOREIGN = ['commander', 'electron', '#app/model/x.ts', '#main/node/x.ts', '../../app/x.ts'];

/** Folder, its message, what it must not import, and what it may. */
const IMPORTS: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  [
    'proxy-engine',
    ENGINE,
    [...FOREIGN.slice(0, 4), '../app/x.ts', 'node:net', 'node:dns'],
    ['./x.ts', 'node:fs'],
  ],
  [
    'proxy-engine/ntlm',
    LEAVES,
    [...FOREIGN, '../auth/x.ts', '../engine.ts', '../log.ts', 'node:net'],
    ['../errors.ts', './x.ts'],
  ],
  [
    'proxy-engine/http1',
    LEAVES,
    [...FOREIGN, '../upstream/x.ts', '../ntlm/x.ts', 'node:http'],
    ['../limits.ts'],
  ],
  [
    'proxy-engine/route',
    LEAVES,
    [...FOREIGN, '../listen/x.ts', '../http1/x.ts', 'node:dns'],
    ['../protocol.ts'],
  ],
  [
    'proxy-engine/auth',
    AUTH,
    [...FOREIGN, '../http1/x.ts', '../upstream/x.ts', 'node:tls'],
    ['../ntlm/x.ts'],
  ],
  [
    'proxy-engine/upstream',
    UPSTREAM,
    [...FOREIGN, '../listen/x.ts', '../ntlm/x.ts', '../engine.ts'],
    ['../auth/x.ts', 'node:tls'],
  ],
  [
    'proxy-engine/listen',
    LISTEN,
    [...FOREIGN, '../auth/x.ts', '../detect/x.ts', '../engine.ts'],
    ['../route/x.ts', 'node:net'],
  ],
  [
    'proxy-engine/detect',
    DETECT,
    [...FOREIGN, '../listen/x.ts', '../route/x.ts', '../engine.ts', 'node:net'],
    ['../upstream/x.ts', '../auth/x.ts', '../http1/x.ts', '../ntlm/x.ts'],
  ],
  ['proxy-engine/practice', INSIDE, [...FOREIGN, 'vitest'], ['../http1/x.ts', 'node:net']],
  ['proxy-engine/testing', INSIDE, FOREIGN, ['../engine.ts', 'node:net', 'vitest']],
  [
    'app/services',
    APP,
    [
      'node:fs',
      'fs',
      'electron',
      'react',
      '#engine/engine.ts',
      '#main/node/x.ts',
      '../../main/x.ts',
      '../../proxy-engine/x.ts',
    ],
    ['../model/x.ts', 'valibot'],
  ],
  [
    'main/node',
    NODE,
    ['electron', '#main/electron/x.ts', '../headless/x.ts', '../../renderer/x.ts'],
    ['#engine/x.ts', '#app/x.ts'],
  ],
  [
    'main/headless',
    HEADLESS,
    ['electron', 'electron/main', '#main/electron/x.ts', '../electron/x.ts'],
    ['#engine/x.ts', '../node/x.ts'],
  ],
  [
    'renderer/features',
    PAGE,
    [
      'node:fs',
      'electron',
      '#engine/protocol.ts',
      '#main/node/x.ts',
      '#app/services/x.ts',
      '../../app/model/x.ts',
      '../../proxy-engine/x.ts',
    ],
    ['#app/contract/x.ts', '#app/model/x.ts', 'react', '../state/x.ts'],
  ],
];

/** Rules about the code itself, some of them type-aware: a linter that lost its types says nothing. */
const HABITS: readonly (readonly [string, string, string])[] = [
  ['no floating promise', 'no-floating-promises', 'Promise.resolve(1);'],
  [
    'no misused promise',
    'no-misused-promises',
    "process.on('exit', async () => { await Promise.resolve(1); });",
  ],
  [
    'exhaustive switch',
    'switch-exhaustiveness-check',
    "export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1; } return 2; }",
  ],
  ['no any', 'no-explicit-any', 'export const x: any = 1;'],
  ['no unsafe value', 'no-unsafe-assignment', "export const x = JSON.parse('1');"],
  ['no assertion', 'consistent-type-assertions', 'export const x = Number(1) as unknown;'],
  ['no non-null assertion', 'no-non-null-assertion', 'export const x = [1].at(0)!;'],
  ['no default export', 'no-default-export', 'export default 1;'],
  [
    'node: in front',
    'prefer-node-protocol',
    "import { join } from 'path'; export const x = join('a');",
  ],
  [
    'at most 300 lines',
    'max-lines',
    Array.from({ length: 301 }, (_, i) => `export const x${i} = ${i};`).join('\n'),
  ],
];

const COMPILER: readonly (readonly [string, string, string])[] = [
  [
    'the engine does not see main',
    'TS6307',
    "import { x } from '../main/stub.ts'; export const y = x;",
  ],
  ['the engine has no page', 'TS2584', 'export const x: unknown = document;'],
  ['no syntax that must be compiled', 'TS1294', 'export enum X { A }'],
  ['an index may be missing', 'TS2322', 'export const x: number = [1][0];'],
  [
    'types are imported as types',
    'TS1484',
    "import { Scheme } from './protocol.ts'; export const x: Scheme = 'ntlm';",
  ],
];

const use = (specifier: string): string =>
  `import { x } from '${specifier}';\nexport const y: unknown = x;\n`;

function importsOf([folder, message, refused, allowed]: (typeof IMPORTS)[number]): Planted[] {
  const messageFor = (specifier: string): string =>
    specifier.startsWith('node:') && folder.startsWith('proxy-engine') ? SOCKETS : message;
  const row = (specifier: string, says: string | undefined, index: number): Planted => ({
    rule: `${folder} ${says === undefined ? 'may import' : 'must not import'} ${specifier}`,
    file: `${folder}/${says === undefined ? 'allowed' : 'refused'}-${index}.ts`,
    code: use(specifier),
    by: 'oxlint',
    says,
  });
  return [
    ...refused.map((specifier, index) => row(specifier, messageFor(specifier), index)),
    ...allowed.map((specifier, index) => row(specifier, undefined, index)),
  ];
}

/** Everything that is planted, in the order it is reported. */
export const PLANTED: readonly Planted[] = [
  ...IMPORTS.flatMap(importsOf),
  {
    rule: 'app takes only types from the engine',
    file: 'app/services/engine-value.ts',
    code: use('#engine/protocol.ts'),
    by: 'oxlint',
    says: 'app takes only types from the engine',
  },
  {
    rule: 'app may import the types of #engine/protocol.ts',
    file: 'app/services/engine-type.ts',
    code: "import type { Scheme } from '#engine/protocol.ts';\nexport const x: Scheme = 'ntlm';\n",
    by: 'oxlint',
    says: undefined,
  },
  {
    rule: 'a type is no way round a boundary',
    file: 'proxy-engine/ntlm/inline-type.ts',
    code: "export const x: import('../auth/x.ts').X = 1;\n",
    by: 'oxlint',
    says: '`import()` type annotations are forbidden',
  },
  {
    rule: 'import() is no way round a boundary',
    file: 'proxy-engine/ntlm/dynamic.ts',
    code: "export const x: unknown = await import('../auth/x.ts');\n",
    by: 'oxlint',
    says: LEAVES,
  },
  {
    rule: 'export … from is no way round a boundary',
    file: 'proxy-engine/ntlm/passed-on.ts',
    code: "export { x } from '../auth/x.ts';\n",
    by: 'oxlint',
    says: LEAVES,
  },
  {
    rule: 'a test of the engine must not import #main',
    file: 'proxy-engine/ntlm/refused.test.ts',
    code: use('#main/node/x.ts'),
    by: 'oxlint',
    says: ENGINE_TEST,
  },
  {
    rule: 'a test of the engine may import vitest',
    file: 'proxy-engine/ntlm/allowed.test.ts',
    code: use('vitest'),
    by: 'oxlint',
    says: undefined,
  },
  {
    rule: 'no import cycle',
    file: 'main/node/cycle-a.ts',
    code: use('./cycle-b.ts').replace('const y', 'const x'),
    by: 'oxlint',
    says: 'no-cycle',
  },
  {
    rule: 'no import cycle, seen from the other side',
    file: 'main/node/cycle-b.ts',
    code: use('./cycle-a.ts').replace('const y', 'const x'),
    by: 'oxlint',
    says: 'no-cycle',
  },
  ...HABITS.map(([rule, says, code], index): Planted => {
    return { rule, file: `main/headless/habit-${index}.ts`, code: `${code}\n`, by: 'oxlint', says };
  }),
  ...COMPILER.map(([rule, says, code], index): Planted => {
    return { rule, file: `proxy-engine/compiler-${index}.ts`, code, by: 'tsc', says };
  }),
];
