import { Command } from 'commander';
import type { Dialect, LogLevel, Route, Scheme } from '#engine/protocol.ts';
import type { ExitCode } from './exit.ts';
import { wrongUse } from './exit.ts';
import type { Output } from './output.ts';
import { parseCount, parseFlags, parseListen, parseWord, toAccount, toParents } from './parse.ts';
import { collect, flag, text, texts } from './read-options.ts';
import { readVersion } from './version.ts';

const DIALECTS: readonly Dialect[] = ['ntlmv2', 'ntlm2sr', 'nt', 'ntlm', 'lm'];
const SCHEMES: readonly (Scheme | 'auto')[] = ['auto', 'ntlm', 'negotiate', 'basic', 'none'];
const ROUTES: readonly Route[] = ['parents', 'parents-if-reachable', 'direct'];
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];
const EXIT_CODES = `
Exit codes: 0 it worked, 1 it did not work, 2 wrong use or a bad configuration,
130 ended with Ctrl-C before it was done.`;

/** Runs one command; each loads its own part of the program and no other. */
type Runner = (work: (output: Output) => Promise<ExitCode>, json: boolean) => Promise<void>;

/** The commands, their options and their help. */
export function defineProgram(start: Runner): Command {
  const program = new Command('gatepass')
    .description('Signs everything on this computer in to the corporate NTLM proxy.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXIT_CODES);
  program.addCommand(withCommon(defineRun(start)));
  program.addCommand(withCommon(defineDetect(start)));
  program.addCommand(withCommon(defineHash(start)));
  program.addCommand(withCommon(defineDemo(start)));
  return program;
}

function withCommon(command: Command): Command {
  return command
    .option('--json', 'one JSON object per line instead of sentences')
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false);
}

function defineRun(start: Runner): Command {
  const command = new Command('run')
    .description('listen, and sign in to the parent proxy for whoever connects')
    .option('--parent <host:port>', 'the parent proxy; again for further ones, in order', collect)
    .option('--user <name>', "the account: 'DOMAIN\\user' or user@domain")
    .option('--domain <name>', 'its domain, if --user has none')
    .option('--workstation <name>', 'what to call this computer (its own name)')
    .option('--listen <[addr:]port>', 'where to listen; again for more (127.0.0.1:3128)', collect)
    .option('--hash-file <file>', 'hashes instead of a password, in a file of mode 0600')
    .option('--dialect <name>', `${DIALECTS.join(', ')} (ntlmv2)`)
    .option('--scheme <name>', `${SCHEMES.join(', ')} (auto)`)
    .option('--flags <hex>', 'other flags in the first NTLM message, for parents that insist')
    .option('--no-proxy <pattern...>', 'go straight to these: *.corp, 10.0.0.0/8, <local>')
    .option('--route <name>', `${ROUTES.join(', ')} (parents)`)
    .option('--tls', 'speak TLS to the parents')
    .option('--ca <file>', 'further certificates to trust there, in PEM')
    .option('--allow-basic', 'send the password itself to a parent that takes only Basic')
    .option('--log-level <name>', `${LEVELS.join(', ')} (info)`)
    .option('--state-dir <dir>', 'where refused passwords are remembered')
    .option('--try-again', 'send a password once more that was refused before');
  return command.action(() =>
    start(
      async (output) => {
        const options = {
          parents: await toParents(
            texts(command, 'parent'),
            flag(command, 'tls'),
            text(command, 'ca'),
          ),
          listeners: (texts(command, 'listen').length > 0
            ? texts(command, 'listen')
            : ['3128']
          ).map(parseListen),
          route: word(command, 'route', '--route', ROUTES, 'parents'),
          noProxy: texts(command, 'proxy'),
          auth: {
            scheme: word(command, 'scheme', '--scheme', SCHEMES, 'auto'),
            dialect: word(command, 'dialect', '--dialect', DIALECTS, 'ntlmv2'),
            ...parseFlags(text(command, 'flags')),
          },
          account: accountOf(command),
          allowBasic: flag(command, 'allowBasic'),
          hashFile: text(command, 'hashFile'),
          logLevel: word(command, 'logLevel', '--log-level', LEVELS, 'info'),
          stateDir: text(command, 'stateDir'),
          tryAgain: flag(command, 'tryAgain'),
        };
        const { run } = await import('./run.ts');
        return run(options, output);
      },
      flag(command, 'json'),
    ),
  );
}

function defineDetect(start: Runner): Command {
  const command = new Command('detect')
    .description('find out how a parent proxy wants to be signed in to')
    .option('--parent <host:port>', 'the parent proxy')
    .option(
      '--user <name>',
      "the account: 'DOMAIN\\user' or user@domain; without it, the free steps",
    )
    .option('--domain <name>', 'its domain; without one, what the parent suggests')
    .option('--workstation <name>', 'what to call this computer (its own name)')
    .option('--url <url>', 'what to ask the parent for (http://example.com/)')
    .option('--tls', 'speak TLS to the parent')
    .option('--ca <file>', 'further certificates to trust there, in PEM')
    .option('--also <dialects>', 'weaker dialects to try as well, such as nt,lm')
    .option('--all', "walk CNTLM's eleven configurations: only for a test account")
    .option('--yes <n>', 'agree beforehand to so many attempts after the first (0)')
    .option('--allow-basic', 'agree beforehand to send the password itself, if only Basic is taken')
    .option('--state-dir <dir>', 'where refused passwords are remembered')
    .option('--try-again', 'send a password once more that was refused before');
  return command.action(() =>
    start(
      async (output) => {
        const [parent] = await toParents(
          [text(command, 'parent') ?? ''].filter((given) => given !== ''),
          flag(command, 'tls'),
          text(command, 'ca'),
        );
        if (!parent) throw wrongUse('No parent is given. Add --parent host:port.');
        const also = text(command, 'also')?.split(',') ?? [];
        const options = {
          parent,
          account: accountOf(command),
          url: text(command, 'url') ?? 'http://example.com/',
          also: also.map((name) => parseWord('--also', DIALECTS, name)),
          all: flag(command, 'all'),
          yes: parseCount('--yes', text(command, 'yes') ?? '0'),
          allowBasic: flag(command, 'allowBasic'),
          stateDir: text(command, 'stateDir'),
          tryAgain: flag(command, 'tryAgain'),
        };
        const { checkDetect, detectParent } = await import('./detect.ts');
        checkDetect(options);
        return detectParent(options, output);
      },
      flag(command, 'json'),
    ),
  );
}

function defineHash(start: Runner): Command {
  const command = new Command('hash')
    .description('print the hashes of a password, also as CNTLM reads them')
    .option('--user <name>', "the account, for the NTLMv2 hash: 'DOMAIN\\user'")
    .option('--domain <name>', 'its domain, if --user has none');
  return command.action(() =>
    start(
      async (output) => {
        const { printHashes } = await import('./hash.ts');
        return printHashes(accountOf(command), output);
      },
      flag(command, 'json'),
    ),
  );
}

function defineDemo(start: Runner): Command {
  const command = new Command('demo')
    .description('show it all on this computer, with a practice parent proxy')
    .option('--once', 'end after the report, with exit code 0 or 1');
  return command.action(() =>
    start(
      async (output) => {
        const { demo } = await import('./demo.ts');
        return demo(flag(command, 'once'), output);
      },
      flag(command, 'json'),
    ),
  );
}

function accountOf(command: Command): ReturnType<typeof toAccount> | undefined {
  const user = text(command, 'user');
  if (user !== undefined) {
    return toAccount(user, text(command, 'domain'), text(command, 'workstation'));
  }
  if (text(command, 'domain') === undefined) return undefined;
  throw wrongUse("A domain alone is no account. Add --user 'user'.");
}

function word<T extends string>(
  command: Command,
  name: string,
  option: string,
  words: readonly T[],
  fallback: T,
): T {
  const given = text(command, name);
  return given === undefined ? fallback : parseWord(option, words, given);
}
