/**
 * Structured logging: one JSON object per line, on stderr.
 *
 * A message is a constant sentence, so that lines can be counted; whatever varies is a field. No address, SDP,
 * ufrag, transcript or audio may be a field above `debug`.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What varies from line to line; an `undefined` field is left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | Error | undefined>>

/** Where a part of the program reports what happens to it. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Returns a log that adds `fields` to every line. */
  with(fields: LogFields): Log
}

export interface LogOptions {
  /** The least level that is written; `info` when absent. */
  readonly level?: LogLevel
  readonly fields?: LogFields
  /** Takes a finished line; stderr when absent. */
  readonly write?: (line: string) => void
}

/** Opens a log that writes lines of at least `level`. */
export function openLog({ level = 'info', fields = {}, write = console.error }: LogOptions = {}): Log {
  const logAt = (lineLevel: LogLevel) => (message: string, lineFields?: LogFields) => {
    if (LEVELS.indexOf(lineLevel) < LEVELS.indexOf(level)) return
    const time = new Date().toISOString()
    write(JSON.stringify({ time, level: lineLevel, message, ...fields, ...lineFields }, replaceError))
  }
  return {
    debug: logAt('debug'),
    info: logAt('info'),
    warn: logAt('warn'),
    error: logAt('error'),
    with: (more) => openLog({ level, fields: { ...fields, ...more }, write }),
  }
}

/** Returns whether `text` names a level. */
export function isLogLevel(text: string): text is LogLevel {
  return (LEVELS as readonly string[]).includes(text)
}

/** An error with a `code` is an expected failure and says enough; any other is a bug and shows its stack. */
function replaceError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  return 'code' in value ? value.message : (value.stack ?? value.message)
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
