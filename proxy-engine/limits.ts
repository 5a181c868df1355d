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
/** What is read of a 407's page before the connection is given up. */
export const MAX_DRAIN = 1024 * KIB;
export const DRAIN_TIME = 5 * SECOND;
/** Handshakes with one parent at a time; Squid reserves a helper process for each. */
export const MAX_HANDSHAKES = 8;
/** How long a sign-in with a proven credential holds back the next one; see upstream/guard.ts. */
export const PRESUMED_ACCEPTED = 2 * SECOND;
/** How long sign-ins rest after two of them vanished without an answer. */
export const UNCLEAR_PAUSE = 30 * SECOND;

// Timers.
export const HEAD_TIME = 30 * SECOND;
export const CONNECT_TIME_PER_ADDRESS = 5 * SECOND;
export const CONNECT_TIME = 15 * SECOND;
/** RFC 8305 §5: the next address is tried beside a slow one after this. */
export const CONNECTION_ATTEMPT_DELAY = 250;
export const IDLE_CLIENT_TIME = 60 * SECOND;
/** Parents close idle connections after 10 to 15 s; ours goes first. */
export const IDLE_PARENT_TIME = 10 * SECOND;
/** No byte either way within an exchange. */
export const STALL_TIME = 15 * 60 * SECOND;
/** From the last byte of a request to the head of its answer. */
export const REPLY_TIME = 5 * 60 * SECOND;
export const TUNNEL_IDLE_TIME = 15 * 60 * SECOND;
export const HALF_CLOSED_TIME = 60 * SECOND;
export const KEEP_ALIVE_PROBE = 60 * SECOND;
/** After an early error: read on for so long, so that the client sees the answer and not a reset. */
export const LINGER_TIME = 1 * SECOND;
export const MAX_LINGER = 64 * KIB;
export const DRAIN_ON_STOP = 10 * SECOND;
/** A parent that failed is tried last for so long. */
export const PARENT_DOWN_TIME = 30 * SECOND;

// Pools and listeners.
export const MAX_IDLE_PER_PARENT = 64;
export const MAX_CONNECTIONS_PER_PARENT = 1024;
export const BACKLOG = 4096;
/** A chunked upload to an HTTP/1.0 parent is held until its length is known, up to this. */
export const MAX_BUFFERED_UPLOAD = 1024 * KIB;
