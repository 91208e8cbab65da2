import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type LoggerService } from '@nestjs/common';
import { destination, pino, type Logger, type LoggerOptions } from 'pino';

/**
 * What belongs to the job under way; the id is in each of its log lines and travels with the jobs it causes.
 * Of the worker alone: the API hands the id of a request to whom it concerns. A context costs Node 20 and 22 a hook on each promise, a twelfth of a send.
 */
export interface WorkContext {
  readonly requestId: string;
}

export const workContext = new AsyncLocalStorage<WorkContext>();

/** The id of the request that the job at hand works for, or null outside of any. */
export const currentRequestId = (): string | null => workContext.getStore()?.requestId ?? null;

/** Lines of the levels below warning are gathered for so long, or until there are so many bytes: a write for each costs more than the line. A process that exits writes them first. */
const GATHERED_MS = 100;
const GATHERED_BYTES = 12_288;

/** JSON lines on stdout, with the id of the request they belong to (`requestId`): in a job each has it, elsewhere callers pass it. Never content, tokens or e-mail addresses: callers pass ids and counts. */
@Injectable()
export class Log implements LoggerService {
  private readonly lines: Logger;
  private readonly output = destination({ fd: 1, sync: false, minLength: GATHERED_BYTES, periodicFlush: GATHERED_MS });

  constructor(process: string, level: string) {
    const options: LoggerOptions = {
      level,
      base: { process, pid: globalThis.process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    };
    this.lines = pino(options, this.output);
  }

  debug(message: string, fields?: unknown): void {
    this.lines.debug(asFields(fields), message);
  }

  info(message: string, fields?: unknown): void {
    this.lines.info(asFields(fields), message);
  }

  /** What Nest itself tells while it boots is of use to developers only. */
  log(message: string, fields?: unknown): void {
    this.lines.debug(asFields(fields), message);
  }

  warn(message: string, fields?: unknown): void {
    this.lines.warn(asFields(fields), message);
    this.output.flush();
  }

  error(message: string, fields?: unknown): void {
    this.lines.error(asFields(fields), message);
    this.output.flush();
  }
}

function asFields(fields: unknown): object {
  if (typeof fields !== 'object' || fields === null) return { ...workContext.getStore(), context: fields };
  return 'requestId' in fields ? fields : { ...workContext.getStore(), ...fields };
}

/** Name, code, message and stack of an error and of its causes (at most 3): a database error's `detail` can hold a client's text and is left out. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  const cause = error.cause !== undefined && depth < 3 ? describeError(error.cause, depth + 1) : undefined;
  return {
    name: error.name,
    code,
    message: error.message.slice(0, 500),
    stack: framesOf(error),
    cause,
  };
}

/** Where it happened: the stack without the message, whose lines could look like frames. */
function framesOf({ stack = '', message }: Error): string {
  const at = message === '' ? -1 : stack.indexOf(message);
  return stack
    .slice(at < 0 ? 0 : at + message.length)
    .split('\n')
    .slice(1, 12)
    .join('\n');
}
