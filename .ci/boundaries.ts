/**
 * Proves that every boundary bites: plants one offence per rule into a copy of the configuration
 * and expects the linter, or the compiler, to refuse each with its own message.
 */
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PLANTED, type Planted } from './planted.ts';

const ROOT = join(import.meta.dirname, '..');
const CONFIGURATION = [
  '.oxlintrc.json',
  'package.json',
  'tsconfig.json',
  'main/tsconfig.json',
  'proxy-engine/tsconfig.json',
  'proxy-engine/protocol.ts',
];

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** A directory with the project's configuration, and the planted files of one enforcer. */
async function plant(directory: string, planted: readonly Planted[]): Promise<void> {
  for (const file of CONFIGURATION) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await copyFile(join(ROOT, file), join(directory, file));
  }
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await write(join(directory, 'main/stub.ts'), 'export const x = 1;\n');
  for (const { file, code } of planted) await write(join(directory, file), code);
}

function run(directory: string, program: string, ...options: string[]): string {
  const { stdout, error } = spawnSync(join(ROOT, 'node_modules/.bin', program), options, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return stdout;
}

/** What the linter says of each file, as one text per file. */
function lint(directory: string): Map<string, string> {
  const report: unknown = JSON.parse(run(directory, 'oxlint', '--type-aware', '--format=json'));
  const said = new Map<string, string>();
  for (const diagnostic of listOf(report, 'diagnostics')) {
    const file = textOf(diagnostic, 'filename');
    const parts = ['code', 'message', 'help'].map((name) => textOf(diagnostic, name));
    said.set(file, `${said.get(file) ?? ''}${parts.join(' ')}\n`);
  }
  return said;
}

/** What the compiler says of each file. Its lines start with `file(line,column): error`. */
function compile(directory: string): Map<string, string> {
  const said = new Map<string, string>();
  for (const line of run(directory, 'tsc', '-p', 'proxy-engine', '--pretty', 'false').split('\n')) {
    const file = line.slice(0, Math.max(0, line.indexOf('(')));
    said.set(file, `${said.get(file) ?? ''}${line}\n`);
  }
  return said;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = valueOf(value, name);
  return Array.isArray(list) ? list : [];
}

function textOf(value: unknown, name: string): string {
  const text = valueOf(value, name);
  return typeof text === 'string' ? text : '';
}

function valueOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const isRight = ({ says }: Planted, said: string): boolean =>
  says === undefined ? said === '' : said.includes(says);

/** Plants the rows of one enforcer, asks it once, and reports the rows it got wrong. */
async function judge(
  enforcer: Planted['by'],
  ask: (directory: string) => Map<string, string>,
): Promise<number> {
  const planted = PLANTED.filter(({ by }) => by === enforcer);
  const directory = await mkdtemp(join(tmpdir(), 'gatepass-boundaries-'));
  try {
    await plant(directory, planted);
    const said = ask(directory);
    const wrong = planted.filter((row) => !isRight(row, said.get(row.file) ?? ''));
    for (const row of planted) {
      console.log(`${wrong.includes(row) ? 'WRONG' : 'ok   '} ${enforcer}: ${row.rule}`);
    }
    for (const { rule, file } of wrong) {
      console.error(`${rule}: ${enforcer} says of it: ${said.get(file)?.trim() ?? 'nothing'}`);
    }
    return wrong.length;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const wrong = (await judge('oxlint', lint)) + (await judge('tsc', compile));
console.log(`${PLANTED.length - wrong} of ${PLANTED.length} boundaries hold`);
process.exitCode = wrong === 0 ? 0 : 1;
