import { ValidationPipe, type ArgumentMetadata, type PipeTransform, type Type, applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { getMetadataStorage, registerDecorator, type ValidationError } from 'class-validator';
import { Refusal, codePoints, isText, type FieldError } from '@edgechat/kernel';

/** What is wrong with a value: a stable code, and the rest of a sentence that begins with the field's name. */
export interface Verdict {
  readonly code: string;
  readonly detail: string;
}

/** Null when the value is right. Gets whatever the client sent. */
export type Judge = (value: unknown) => Verdict | null;

/** What a field's entry in OpenAPI says besides its type and limits. */
export interface FieldNotes {
  readonly example?: unknown;
  readonly required?: boolean;
  readonly description?: string;
}

/** Carries a field's judge to where its error is told: class-validator hands on nothing else. */
class Judged {
  constructor(readonly judge: Judge) {}
}

const REQUIRED: Verdict = { code: 'required', detail: 'is missing' };
const ERRORS_SHOWN_MAX = 20;

/** Holds a field to `judge`, under the constraint's `name`. */
export function Rule(name: string, judge: Judge): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      options: { context: { judged: new Judged(judge) } },
      validator: { validate: (value: unknown) => judge(value) === null, defaultMessage: () => name },
    });
}

/** A text of `min` to `max` code points that every store keeps as it came: no NUL, no lone surrogate. */
export function IsStoredText(min: number, max: number, notes: FieldNotes = {}): PropertyDecorator {
  return applyDecorators(Rule('storedText', (value) => judgeText(value, min, max)), ApiProperty({ type: 'string', minLength: min, maxLength: max, ...notes }));
}

/** What is wrong with a value that must be a text of `min` to `max` code points, or null. */
export function judgeText(value: unknown, min: number, max: number): Verdict | null {
  if (value === undefined) return REQUIRED;
  if (Array.isArray(value)) return { code: 'wrong_type', detail: 'must be one text' };
  if (typeof value !== 'string') return { code: 'wrong_type', detail: 'must be a text' };
  if (!isText(value)) return { code: 'not_storable', detail: 'must not hold NUL characters or lone surrogates' };
  const length = codePoints(value);
  if (length < min) return { code: 'too_short', detail: min === 1 ? 'must not be empty' : `must have at least ${min} characters` };
  return length > max ? { code: 'too_long', detail: `must have at most ${max} characters` } : null;
}

export interface QueryIntegerOptions {
  readonly min: number;
  /** Larger values mean this one. */
  readonly max: number;
  /** Whether a value below `min` means `min`, or is refused. */
  readonly below: 'clamp' | 'refuse';
}

/**
 * A whole number in the query (`-?[0-9]+`, of any length), clamped to what can be meant. Give the field its default: `limit = 20`.
 * A parameter given twice arrives as a list and is refused.
 */
export function QueryInteger(options: QueryIntegerOptions, notes: FieldNotes = {}): PropertyDecorator {
  const { min, max, below } = options;
  const clamping = `Clamped to ${min} or more${max < Number.MAX_SAFE_INTEGER ? ` and ${max} or less` : ''}.`;
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => queryInteger(value, options)),
    Rule('queryInteger', (value) => judgeQueryInteger(value, min)),
    ApiProperty({ type: 'integer', required: false, ...(below === 'clamp' ? { description: clamping } : { minimum: min }), ...notes }),
  );
}

function queryInteger(value: unknown, { min, max, below }: QueryIntegerOptions): unknown {
  if (typeof value !== 'string' || !/^-?[0-9]+$/.test(value)) return value;
  const number = Math.min(Number(value), max);
  return below === 'clamp' ? Math.max(number, min) : number;
}

function judgeQueryInteger(value: unknown, min: number): Verdict | null {
  if (value === undefined) return null;
  if (Array.isArray(value)) return { code: 'given_twice', detail: 'must be given once' };
  if (typeof value !== 'number') return { code: 'not_an_integer', detail: 'must be a whole number' };
  return value < min ? { code: 'too_small', detail: `must be ${min} or more` } : null;
}

/** The same 422 as from a wrong field, for what no field shows by itself: headers, combinations of parameters. */
export function invalid(field: string, code: string, detail: string): Refusal {
  return validationFailed([{ field: `/${pointerPart(field)}`, code, detail: `${field} ${detail}.` }]);
}

/** Parses bodies and queries into their classes: unknown fields are dropped, types never converted, a missing body is `{}`. @throws Refusal `validation_failed` */
export class RequestPipe implements PipeTransform {
  private readonly classes = new ValidationPipe({
    whitelist: true,
    transform: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => validationFailed(errors.flatMap((error) => fieldErrors(error, ''))),
  });

  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const isWhole = (metadata.type === 'body' || metadata.type === 'query') && metadata.data === undefined;
    if (!isWhole) return value;
    const given = value === undefined ? {} : value;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw validationFailed([{ field: '', code: 'wrong_type', detail: 'The body must be a JSON object.' }]);
    }
    return this.classes.transform(declaredOnly(given, metadata.metatype), metadata);
  }
}

/**
 * A body without what its class does not declare, and without the inside of what must not have one: today's fields are texts and numbers. What walks a value
 * afterwards copies it, in time that grows with the square of its keys.
 */
function declaredOnly(given: object, type: Type | undefined): Record<string, unknown> {
  if (type === undefined) return {};
  const names = new Set(getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).map(({ propertyName }) => propertyName));
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)).map(([name, value]: [string, unknown]) => [name, outermost(value)]));
}

function outermost(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return typeof value === 'object' && value !== null ? {} : value;
}

function validationFailed(errors: readonly FieldError[]): Refusal {
  const [first] = errors;
  const others = errors.length - 1;
  const rest = others > 0 ? ` ${others === 1 ? 'One other field is' : `${others} other fields are`} wrong too; see errors.` : '';
  return new Refusal('validation_failed', `${first?.detail ?? 'The request can never be right.'}${rest}`, { errors: errors.slice(0, ERRORS_SHOWN_MAX) });
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = `${parent}/${pointerPart(error.property)}`;
  const own = Object.keys(error.constraints ?? {}).map((name) => {
    const { code, detail } = verdictOf(error, name);
    return { field, code, detail: `${field.slice(1)} ${detail}.` };
  });
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, field))];
}

function verdictOf(error: ValidationError, constraint: string): Verdict {
  if (error.value === undefined) return REQUIRED;
  const context: unknown = error.contexts?.[constraint];
  const judged = typeof context === 'object' && context !== null && 'judged' in context ? context.judged : null;
  const verdict = judged instanceof Judged ? judged.judge(error.value) : null;
  if (verdict !== null) return verdict;
  const words = (error.constraints?.[constraint] ?? 'is wrong').replace(`${error.property} `, '').replace(/\.$/, '');
  return { code: constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, ''), detail: words };
}

const pointerPart = (property: string): string => property.replaceAll('~', '~0').replaceAll('/', '~1');
