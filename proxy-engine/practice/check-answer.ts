import type { AuthenticateMessage } from './authenticate-reader.ts';
import type { Rules } from './rules.ts';
import { record } from './stats.ts';
import type { PracticeUser } from './users.ts';
import { carriesMic, dialectOf, isWellFormed, lacksKey, provesPassword } from './verify.ts';
import type { Exchange } from './verify.ts';

const TARGET_NAME = 9;
const CHANNEL_BINDINGS = 10;

/** Checks a Type 3, records it, and gives the user it signs in, if it does. */
export function checkAnswer(
  rules: Rules,
  connection: number,
  message: AuthenticateMessage,
  exchange: Exchange,
): PracticeUser | undefined {
  const user = rules.users.find(message.user, message.domain);
  const accepted = user !== undefined && isRight(rules, message, exchange, user);
  record(rules.stats.signIns, {
    connection,
    identity: `${message.domain}\\${message.user}`,
    workstation: message.workstation,
    dialect: dialectOf(message),
    accepted,
    mic: carriesMic(message),
    channelBindings: pairOf(message, CHANNEL_BINDINGS)?.toString('hex') ?? '',
    spn: pairOf(message, TARGET_NAME)?.toString('utf16le') ?? '',
  });
  return accepted ? user : undefined;
}

/** Checks the credentials of a Basic request, and gives the user they belong to. */
export function checkBasic(
  rules: Rules,
  connection: number,
  value: string,
): PracticeUser | undefined {
  const [name = '', ...rest] = Buffer.from(value, 'base64').toString('utf8').split(':');
  const at = name.indexOf('\\');
  const [domain, user] = [name.slice(0, Math.max(at, 0)), name.slice(at + 1)];
  const known = rules.users.find(user, domain);
  const accepted = known !== undefined && admit(rules, known, known.password === rest.join(':'));
  record(rules.stats.signIns, {
    connection,
    identity: `${domain}\\${user}`,
    workstation: '',
    dialect: 'basic',
    accepted,
    mic: false,
    channelBindings: '',
    spn: '',
  });
  return accepted ? known : undefined;
}

function isRight(
  rules: Rules,
  message: AuthenticateMessage,
  exchange: Exchange,
  user: PracticeUser,
): boolean {
  if (lacksKey(message)) return false;
  const allowed = rules.dialects.includes(dialectOf(message));
  if (!admit(rules, user, allowed && provesPassword(message, exchange, user))) return false;
  // Bindings are optional, but those that are there must be this parent's own.
  const bindings = pairOf(message, CHANNEL_BINDINGS);
  if (bindings && rules.channelBindings?.equals(bindings) !== true) return false;
  return isWellFormed(message, exchange, user);
}

/** Counts towards a lock-out as a domain controller does; a locked user is refused, uncounted. */
function admit({ users }: Rules, user: PracticeUser, right: boolean): boolean {
  if (users.isLocked(user)) return false;
  if (right) users.countRight(user);
  else users.countWrong(user);
  return right;
}

function pairOf({ pairs }: AuthenticateMessage, wanted: number): Buffer | undefined {
  return pairs?.find(({ id }) => id === wanted)?.value;
}
