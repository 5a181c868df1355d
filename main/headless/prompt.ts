import { createInterface } from 'node:readline/promises';
import { StringDecoder } from 'node:string_decoder';
import { interrupted, wrongUse } from './exit.ts';

const MAX_LINE = 4096;
const ENTER = /[\r\n\u0004]/;
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';
const ERASE = new Set(['\b', '\u007f']);

/** Whether a person sits at the other end. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks for a password without echo; where nobody can be asked, it is the first line of the input. */
export async function askPassword(question: string): Promise<string> {
  const password = process.stdin.isTTY ? await askUnseen(question) : await readFirstLine();
  if (password !== '') return password;
  throw wrongUse('No password was given. Type it when asked, or give it as a line of input.');
}

function askUnseen(question: string): Promise<string> {
  const { stdin, stderr } = process;
  const decoder = new StringDecoder('utf8');
  // First: what is typed as soon as the question stands there must not be shown.
  stdin.setRawMode(true);
  stdin.resume();
  stderr.write(question);
  return new Promise<string>((resolve, reject) => {
    let typed = '';
    const onData = (bytes: Buffer): void => {
      for (const key of decoder.write(bytes)) {
        if (key === CTRL_C) return end(() => reject(interrupted()));
        if (ENTER.test(key)) return end(() => resolve(typed));
        typed = edit(typed, key);
      }
    };
    function end(settle: () => void): void {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    }
    stdin.on('data', onData);
  });
}

function edit(typed: string, key: string): string {
  if (ERASE.has(key)) return Array.from(typed).slice(0, -1).join('');
  if (key === CTRL_U) return '';
  return key >= ' ' && typed.length < MAX_LINE ? typed + key : typed;
}

async function readFirstLine(): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  for await (const bytes of process.stdin) {
    text += decoder.write(Buffer.from(bytes));
    if (text.length > MAX_LINE) throw wrongUse('The password is too long. Give it as one line.');
    if (text.includes('\n')) break;
  }
  return /^[^\r\n]*/.exec(text)?.[0] ?? '';
}

/** Asks a yes-or-no question; anything but yes is no. Only where `isInteractive`. */
export async function askYes(question: string): Promise<boolean> {
  const line = createInterface({ input: process.stdin, output: process.stderr });
  const controller = new AbortController();
  line.once('SIGINT', () => controller.abort());
  line.once('close', () => controller.abort());
  try {
    const answer = await line.question(`${question} [y/N] `, { signal: controller.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    process.stderr.write('\n');
    throw interrupted();
  } finally {
    line.close();
  }
}
