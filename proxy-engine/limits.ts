/**
 * Every limit and timer of the data path, in bytes, milliseconds or counts.
 * None is a setting: each is far above honest use and low enough that its abuse stays harmless.
 */
const KIB = 1024;
const SECOND = 1000;

// What a client may send.
export const MAX_REQUEST_LINE = 32 * KIB;
export const MAX_REQUEST_HEAD = 64 * KIB;
export const MAX_REQUEST_FIELDS = 256;
/** Names in all Connection fields of a message; each field line is compared with them. */
export const MAX_CONNECTION_NAMES = 64;
export const MAX_METHOD = 64;
export const MAX_EMPTY_LINES = 8;
/** Bytes of pipelined requests kept while an answer is under way; then reading pauses. */
export const MAX_PIPELINED = 64 * KIB;

// What a parent or an origin may send.
export const MAX_REPLY_HEAD = 128 * KIB;
export const MAX_REPLY_FIELDS = 512;
export const MAX_INFORMATIONAL = 100;
export const MAX_REASON = 512;

// Chunked coding, either way.
export const MAX_CHUNK_LINE = 4 * KIB;
export const MAX_CHUNK_EXTENSIONS = 16 * KIB;
export const MAX_TRAILERS = 16 * KIB;

// Sign-in.
export const MAX_CHALLENGE = 64 * KIB;
/** The longest answer to a challenge; it is about as long as the challenge, and one header line. */
export const MAX_PROOF = 16 * KIB;
/** How long an upload waits for the verdict on the first proof: a no comes at once. */
export const KEEP_BODY = 250;
/** Bytes read of a 407's page before the connection is given up. */
export const MAX_DRAIN = 1024 * KIB;
/** Handshakes with one parent at a time; Squid reserves a helper process for each. */
export const MAX_HANDSHAKES = 8;

/** Every timer, in one object so that a test can run the engine with short ones. */
export interface Timers {
  /** From the first byte of a request head to its last. */
  readonly head: number;
  readonly connectPerAddress: number;
  readonly connect: number;
  readonly idleClient: number;
  /** Parents close idle connections after 10 to 15 s; ours goes first. */
  readonly idleParent: number;
  /** No byte either way within an exchange. */
  readonly stall: number;
  /** From the last byte of a request to the head of its answer. */
  readonly reply: number;
  readonly tunnelIdle: number;
  readonly halfClosed: number;
  /** After an early error: read on for so long, so that the client sees the answer, not a reset. */
  readonly linger: number;
  readonly drainOnStop: number;
  /** A parent that failed is asked again, in the background, after so long. */
  readonly parentRecheck: number;
  /** What is read of a 407's page before the connection is given up. */
  readonly drain407: number;
  /** How long a sign-in with a proven credential holds back the next; see upstream/guard.ts. */
  readonly presumedAccepted: number;
  /** How long sign-ins rest after two of them vanished without an answer. */
  readonly unclearPause: number;
}

export const TIMERS: Timers = {
  head: 30 * SECOND,
  connectPerAddress: 5 * SECOND,
  connect: 15 * SECOND,
  idleClient: 60 * SECOND,
  idleParent: 10 * SECOND,
  stall: 15 * 60 * SECOND,
  reply: 5 * 60 * SECOND,
  tunnelIdle: 15 * 60 * SECOND,
  halfClosed: 60 * SECOND,
  linger: 1 * SECOND,
  drainOnStop: 10 * SECOND,
  parentRecheck: 10 * SECOND,
  drain407: 5 * SECOND,
  presumedAccepted: 1 * SECOND,
  unclearPause: 30 * SECOND,
};

/** A detection waits no longer than this for an answer, in milliseconds. */
export const DETECTION_REPLY = 60 * SECOND;
/** RFC 8305 §5: the next address is tried beside a slow one after this. */
export const CONNECTION_ATTEMPT_DELAY = 250;
export const KEEP_ALIVE_PROBE = 60 * SECOND;
/** A parent that failed is tried last for so long, unless a recheck finds it back. */
export const PARENT_DOWN_TIME = 30 * SECOND;
export const MAX_LINGER = 64 * KIB;

// Pools and listeners.
export const MAX_IDLE_PER_PARENT = 64;
export const BACKLOG = 4096;
/** A chunked upload to an HTTP/1.0 parent is held until its length is known, up to this. */
export const MAX_BUFFERED_UPLOAD = 1024 * KIB;
