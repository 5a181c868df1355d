/**
 * A second, deliberately plain reader of HTTP/1.1 for tests: it shares no line with the engine's,
 * so that one mistake cannot hide in both.
 */
export interface Message {
  /** The request line or the status line, as latin1. */
  readonly start: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close';
  /** Whether the framing says that all of it has arrived. */
  readonly complete: boolean;
}

export interface Messages {
  readonly messages: readonly Message[];
  /** What follows the last message: an unfinished head, a tunnel's bytes. */
  readonly rest: Buffer;
  /** What is wrong with the bytes, if they are no HTTP/1.1. */
  readonly problem: string | undefined;
}

type Fields = (readonly [string, string])[];

/** Reads the requests a connection carried, `most` at most; after CONNECT everything is `rest`. */
export function readRequests(bytes: Buffer, most = Infinity): Messages {
  let count = 0;
  return readAll(bytes, true, (message) => {
    count += 1;
    if (message.start.startsWith('CONNECT ')) return { framing: 'none', isLast: true };
    return { framing: framingOf(message.fields, 'none'), isLast: count >= most };
  });
}

/**
 * Reads the replies to requests with these methods.
 *
 * @param ended whether the sender has closed the connection properly
 */
export function readReplies(bytes: Buffer, methods: readonly string[], ended: boolean): Messages {
  const waiting = [...methods];
  return readAll(bytes, ended, ({ start, fields }) => {
    const status = Number(start.slice(9, 12));
    if (status >= 100 && status < 200 && status !== 101) return { framing: 'none', isLast: false };
    const method = waiting.shift();
    if (status === 101) return { framing: 'none', isLast: true };
    if (method === 'CONNECT' && status < 300) return { framing: 'none', isLast: true };
    const isBare = method === 'HEAD' || status === 204 || status === 304;
    return { framing: isBare ? 'none' : framingOf(fields, 'until-close'), isLast: false };
  });
}

/** The value of the only field of this name; several are joined by `|`, none is undefined. */
export function fieldOf(message: Message | undefined, name: string): string | undefined {
  const found = message?.fields.filter(([other]) => other.toLowerCase() === name.toLowerCase());
  return found && found.length > 0 ? found.map(([, value]) => value).join('|') : undefined;
}

/** The status of a reply. */
export function statusOf(message: Message | undefined): number {
  return Number(message?.start.slice(9, 12) ?? 0);
}

type Meaning = { readonly framing: Message['framing']; readonly isLast: boolean };

function readAll(
  bytes: Buffer,
  ended: boolean,
  meaning: (head: Pick<Message, 'start' | 'fields'>) => Meaning,
): Messages {
  const messages: Message[] = [];
  let rest = bytes;
  try {
    while (rest.length > 0) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) break;
      const [start = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
      const fields = lines.map(readField);
      if (!/^(?:[!-~]+ [!-~]+ HTTP\/1\.1|HTTP\/1\.1 [1-5]\d\d [\t -~\x80-\xff]*)$/.test(start)) {
        throw new Error(`start line ${JSON.stringify(start)}`);
      }
      const { framing, isLast } = meaning({ start, fields });
      const body = readBody(rest.subarray(end + 4), framing, fields, ended);
      messages.push({ start, fields, framing, ...body.part });
      rest = body.rest;
      if (isLast || !body.part.complete) break;
    }
    return { messages, rest, problem: undefined };
  } catch (error) {
    return { messages, rest, problem: String(error) };
  }
}

function readField(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/.exec(line);
  if (!match) throw new Error(`field line ${JSON.stringify(line)}`);
  return [match[1] ?? '', match[2] ?? ''];
}

function framingOf(fields: Message['fields'], otherwise: Message['framing']): Message['framing'] {
  const values = (name: string): string[] =>
    fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  const codings = values('transfer-encoding');
  const lengths = values('content-length');
  if (codings.length + lengths.length > 1) throw new Error('framed twice');
  if (codings.length > 0 && codings[0] !== 'chunked') throw new Error(`coding ${codings[0]}`);
  if (lengths.length > 0 && !/^\d{1,15}$/.test(lengths[0] ?? '')) throw new Error('bad length');
  if (codings.length > 0) return 'chunked';
  return lengths.length > 0 ? 'length' : otherwise;
}

type Body = { part: Pick<Message, 'body' | 'trailers' | 'complete'>; rest: Buffer };

function readBody(
  bytes: Buffer,
  framing: Message['framing'],
  fields: Message['fields'],
  ended: boolean,
): Body {
  const whole = (length: number, complete: boolean): Body => ({
    part: { body: bytes.subarray(0, length), trailers: [], complete },
    rest: bytes.subarray(length),
  });
  switch (framing) {
    case 'none':
      return whole(0, true);
    case 'until-close':
      return whole(bytes.length, ended);
    case 'length': {
      const length = Number(fields.find(([name]) => /^content-length$/i.test(name))?.[1]);
      return whole(Math.min(length, bytes.length), bytes.length >= length);
    }
    case 'chunked':
      return readChunks(bytes);
  }
}

function readChunks(bytes: Buffer): Body {
  const data: Buffer[] = [];
  const part = (complete: boolean, trailers: Fields = []): Body['part'] => ({
    body: Buffer.concat(data),
    trailers,
    complete,
  });
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { part: part(false), rest: bytes.subarray(at) };
    const line = bytes.toString('latin1', at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`chunk line ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    data.push(bytes.subarray(at, at + size));
    if (bytes.length < at + size + 2) return { part: part(false), rest: Buffer.alloc(0) };
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n') throw new Error('chunk end');
    at += size + 2;
  }
  const end = bytes.indexOf('\r\n\r\n', at - 2);
  if (end < 0) return { part: part(false), rest: Buffer.alloc(0) };
  const lines = bytes.toString('latin1', at, Math.max(at, end)).split('\r\n');
  const trailers = lines.filter((line) => line !== '').map(readField);
  return { part: part(true, trailers), rest: bytes.subarray(end + 4) };
}
