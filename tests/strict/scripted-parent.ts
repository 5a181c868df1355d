import { fieldOf, type Message } from '#engine/testing/read-messages.ts';
import {
  createRecordingOrigin,
  type Recorded,
  type RecordingOrigin,
} from '#engine/testing/recording-origin.ts';
import type { Credential, EngineConfig } from '#engine/protocol.ts';
import { startEngine, type RunningEngine } from './start-engine.ts';

/** One request that a scripted parent has to answer. */
export interface Leg {
  /** The NTLM message it carries: 1, 3, or 0 for none. */
  readonly type: number;
  readonly token: Buffer;
  readonly request: Message;
  readonly connection: Recorded;
  /** Counts the requests of this connection from 0. */
  readonly index: number;
  /** Counts the connections from 0. */
  readonly connectionIndex: number;
}

/** An engine that signs in to a parent which answers by a script. */
export interface SignInStand {
  readonly engine: RunningEngine;
  readonly parent: RecordingOrigin;
  /** Every request so far. */
  readonly legs: readonly Leg[];
  /** Messages that carried a proof. */
  readonly proofs: () => number;
  close(): Promise<void>;
}

const CREDENTIAL: Credential = {
  id: 'first',
  user: 'user',
  domain: 'CORP',
  workstation: 'PC',
  secrets: { ntlmv2: Buffer.alloc(16, 1) },
};

/** `script` gives the bytes of each answer as latin1; undefined answers nothing. */
export async function createSignInStand(
  script: (leg: Leg) => string | undefined,
  config: Partial<EngineConfig> = {},
): Promise<SignInStand> {
  const legs: Leg[] = [];
  const parent = await createRecordingOrigin();
  const connections: Recorded[] = [];
  parent.answerWith((request, connection, index) => {
    if (!connections.includes(connection)) connections.push(connection);
    const connectionIndex = connections.indexOf(connection);
    const leg = { ...readToken(request), request, connection, index, connectionIndex };
    legs.push(leg);
    return script(leg);
  });
  const engine = await startEngine({
    route: 'parents',
    parents: [{ host: '127.0.0.1', port: parent.port }],
    auth: { scheme: 'ntlm', dialect: 'ntlmv2' },
    credential: CREDENTIAL,
    ...config,
  });
  return {
    engine,
    parent,
    legs,
    proofs: () => legs.filter(({ type }) => type === 3).length,
    async close() {
      await engine.stop();
      await parent.close();
    },
  };
}

function readToken(request: Message): Pick<Leg, 'type' | 'token'> {
  const value = fieldOf(request, 'Proxy-Authorization') ?? '';
  const token = Buffer.from(value.replace(/^(?:NTLM|Negotiate) /, ''), 'base64');
  const isNtlm = token.toString('latin1', 0, 8) === 'NTLMSSP\0' && token.length >= 12;
  return { token, type: isNtlm ? token.readUInt32LE(8) : 0 };
}

export interface ChallengeParts {
  readonly signature?: string;
  readonly type?: number;
  readonly flags?: number;
  readonly targetInfo?: Buffer;
  /** What the header says of the target information, where that is not true. */
  readonly length?: number;
  readonly offset?: number;
}

/** UNICODE, NTLM, extended session security, target info, version, 128 and 56 bit keys. */
const FLAGS = 0xa2888205;
const HEADER = 56;

/** One AV pair, [MS-NLMP] 2.2.2.1. */
export function avPair(id: number, value: Buffer | string, length?: number): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf16le') : value;
  const header = Buffer.alloc(4);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(length ?? bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

export const AV_END = avPair(0, '');
/** The domain and the computer, without a timestamp. */
export const PLAIN_INFO = Buffer.concat([avPair(2, 'CORP'), avPair(1, 'PROXY'), AV_END]);

/** A CHALLENGE_MESSAGE, [MS-NLMP] 2.2.1.2, right or wrong. */
export function challenge(parts: ChallengeParts = {}): Buffer {
  const info = parts.targetInfo ?? PLAIN_INFO;
  const header = Buffer.alloc(HEADER);
  header.write(parts.signature ?? 'NTLMSSP\0', 0, 'latin1');
  header.writeUInt32LE(parts.type ?? 2, 8);
  header.writeUInt32LE(HEADER, 16);
  header.writeUInt32LE(parts.flags ?? FLAGS, 20);
  header.write('0123456789abcdef', 24, 'hex');
  header.writeUInt16LE((parts.length ?? info.length) & 0xffff, 40);
  header.writeUInt16LE((parts.length ?? info.length) & 0xffff, 42);
  header.writeUInt32LE(parts.offset ?? HEADER, 44);
  header.write('0a00614a0000000f', 48, 'hex');
  return Buffer.concat([header, info]);
}

/** A 407 with these lines and this body. */
export function asks(lines: string, body = 'sign in'): string {
  return `HTTP/1.1 407 Proxy Authentication Required\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** The 407 that carries a challenge. */
export function asksWith(token: Buffer | string, more = ''): string {
  const text = typeof token === 'string' ? token : token.toString('base64');
  return asks(`Proxy-Authenticate: NTLM ${text}\r\n${more}`);
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A parent as it should be: a challenge for the first message, the page for the proof. */
export function usual({ type, index, connection }: Leg): string {
  if (type === 1) return asksWith(challenge());
  if (type === 3 || (index > 1 && connection.ended() === 'open')) return OK;
  return asks('Proxy-Authenticate: NTLM\r\n');
}
