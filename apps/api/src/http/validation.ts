import { applyDecorators, Body, Query, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { getMetadataStorage, registerDecorator, validateSync, type ValidationError } from 'class-validator';
import { Refusal, codePoints, isText, type FieldError } from '@edgechat/kernel';

/** What is wrong with a value: a stable code, and the rest of a sentence that begins with the field's name. */
export interface Verdict {
  readonly code: string;
  readonly detail: string;
  /** Of a list: which item is meant, from 0. */
  readonly item?: number;
}

/** Null when the value is right. Gets whatever the client sent. */
export type Judge = (value: unknown) => Verdict | null;

/** What a field's entry in OpenAPI says besides its type and limits. */
export interface FieldNotes {
  readonly example?: unknown;
  readonly required?: boolean;
  /** Null says something of its own, and not just that the field is left out. */
  readonly nullable?: boolean;
  readonly description?: string;
}

/** Carries a field's judge to where its error is told: class-validator hands on nothing else. */
class Judged {
  constructor(readonly verdicts: (value: unknown) => readonly Verdict[]) {}
}

const REQUIRED: Verdict = { code: 'required', detail: 'is missing' };
const ERRORS_SHOWN_MAX = 20;

/** Holds a field to `judge`, under the constraint's `name`. */
export function Rule(name: string, judge: Judge): PropertyDecorator {
  return judged(name, (value) => [judge(value)].filter((verdict) => verdict !== null));
}

function judged(name: string, verdicts: Judged['verdicts']): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      options: { context: { judged: new Judged(verdicts) } },
      validator: { validate: (value: unknown) => verdicts(value).length === 0, defaultMessage: () => name },
    });
}

/** A text of `min` to `max` code points that every store keeps as it came: no NUL, no lone surrogate. */
export function IsStoredText(min: number, max: number, notes: FieldNotes = {}): PropertyDecorator {
  return applyDecorators(
    Rule('storedText', (value) => judgeText(value, min, max)),
    ApiProperty({ type: 'string', minLength: min, maxLength: max, ...notes }),
  );
}

/** What is wrong with a value that must be a text of `min` to `max` code points, or null. */
export function judgeText(value: unknown, min: number, max: number): Verdict | null {
  if (value === undefined) return REQUIRED;
  if (Array.isArray(value)) return { code: 'wrong_type', detail: 'must be one text' };
  if (typeof value !== 'string') return { code: 'wrong_type', detail: 'must be a text' };
  if (!isText(value)) return { code: 'not_storable', detail: 'must not hold NUL characters or lone surrogates' };
  const length = codePoints(value);
  if (length < min)
    return { code: 'too_short', detail: min === 1 ? 'must not be empty' : `must have at least ${min} characters` };
  return length > max ? { code: 'too_long', detail: `must have at most ${max} characters` } : null;
}

/** A text out of a few. */
export function IsOneOf(
  values: readonly string[],
  notes: FieldNotes & { readonly default?: string } = {},
): PropertyDecorator {
  const words = `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
  const judge: Judge = (value) =>
    typeof value === 'string' && values.includes(value) ? null : { code: 'unknown_value', detail: words };
  return applyDecorators(Rule('oneOf', judge), ApiProperty({ enum: [...values], ...notes }));
}

/** A whole number of `min` or more in a body, never converted. One too large to be exact stays one: JSON may hold it, and it is beyond everything that is counted here. */
export function IsWholeNumber(min: number, notes: FieldNotes = {}): PropertyDecorator {
  return applyDecorators(
    Rule('wholeNumber', (value) => judgeWholeNumber(value, min)),
    ApiProperty({ type: 'integer', minimum: min, ...notes }),
  );
}

function judgeWholeNumber(value: unknown, min: number): Verdict | null {
  if (value === undefined) return REQUIRED;
  // JSON.parse makes infinity of an integer of 400 digits.
  if (typeof value !== 'number' || !(Number.isInteger(value) || Math.abs(value) === Infinity))
    return { code: 'not_an_integer', detail: 'must be a whole number' };
  return value < min ? { code: 'too_small', detail: `must be ${min} or more` } : null;
}

export interface ListLimits {
  readonly min: number;
  readonly max: number;
}

/** Makes of what was given what a field is judged by. */
type Reading = (value: unknown) => unknown;

/** The readings of a class's fields; a field without one is `outermost`. */
const READINGS = new WeakMap<object, ReadonlyMap<string, Reading>>();

const readBy =
  (reading: Reading): PropertyDecorator =>
  (target, property) =>
    void READINGS.set(target.constructor, new Map(READINGS.get(target.constructor)).set(String(property), reading));

/** A list of `min` to `max` account ids: whole numbers of 1 or more. The only field whose items the pipe lets through, and of those at most one more than `max`. */
export function IsListOfIds(limits: ListLimits, notes: FieldNotes = {}): PropertyDecorator {
  const { min, max } = limits;
  // One item more than it may have shows that it is too long.
  const reading: Reading = (value) =>
    Array.isArray(value) ? value.slice(0, max + 1).map(outermost) : outermost(value);
  const schema = ApiProperty({
    type: 'array',
    items: { type: 'integer', format: 'int64', minimum: 1 },
    minItems: min,
    maxItems: max,
    ...notes,
  });
  return applyDecorators(
    readBy(reading),
    judged('listOfIds', (value) => judgeList(value, limits)),
    schema,
  );
}

function judgeList(value: unknown, { min, max }: ListLimits): readonly Verdict[] {
  if (value === undefined) return [REQUIRED];
  if (!Array.isArray(value)) return [{ code: 'wrong_type', detail: 'must be a list' }];
  if (value.length > max) return [{ code: 'too_many', detail: `must have at most ${max} items` }];
  if (value.length < min)
    return [{ code: 'too_few', detail: `must have at least ${min} ${min === 1 ? 'item' : 'items'}` }];
  return value.flatMap((id: unknown, item) => {
    const verdict = judgeWholeNumber(id, 1);
    return verdict === null ? [] : [{ ...verdict, item }];
  });
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
    readBy((value) => queryInteger(outermost(value), options)),
    Rule('queryInteger', (value) => judgeQueryInteger(value, min)),
    ApiProperty({
      type: 'integer',
      required: false,
      ...(below === 'clamp' ? { description: clamping } : { minimum: min }),
      ...notes,
    }),
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

/** Parses the whole body, or the query, into its class: unknown fields are dropped, types never converted, a missing body is `{}`. @throws Refusal `validation_failed` */
export class RequestPipe implements PipeTransform {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const given = value === undefined ? {} : value;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw validationFailed([{ field: '', code: 'wrong_type', detail: 'The body must be a JSON object.' }]);
    }
    const type: Type<object> | undefined = metadata.metatype;
    if (type === undefined || type === Object) return {};
    const request = Object.assign(new type(), declaredOnly(given, type));
    // (Nest's own ValidationPipe walks the value five times more, for what declaredOnly has left nothing of, and waits four times for what is there at once.)
    const errors = validateSync(request, { whitelist: true, forbidUnknownValues: true, stopAtFirstError: true });
    if (errors.length > 0) throw validationFailed(errors.flatMap((error) => fieldErrors(error, '')));
    return request;
  }
}

const REQUEST = new RequestPipe();

// The pipe stands at the parameters that it is for, and not at all: each parameter with a pipe costs Nest eight promises.
/** The body of a request, parsed into the class of the parameter. @throws Refusal `validation_failed` */
export const RequestBody = (): ParameterDecorator => Body(REQUEST);
/** The query of a request, parsed into the class of the parameter. @throws Refusal `validation_failed` */
export const RequestQuery = (): ParameterDecorator => Query(REQUEST);

/**
 * A body without what its class does not declare, and without the inside of what must not have one: fields are texts, numbers and bounded lists of numbers.
 * What walks a value afterwards copies it, in time that grows with the square of its keys.
 */
function declaredOnly(given: object, type: Type): Record<string, unknown> {
  const readings = READINGS.get(type);
  const fields: Record<string, unknown> = {};
  for (const name of fieldsOf(type)) {
    if (!Object.hasOwn(given, name)) continue;
    const read = readings?.get(name) ?? outermost;
    fields[name] = read(Reflect.get(given, name));
  }
  return fields;
}

const FIELDS = new WeakMap<Type, ReadonlySet<string>>();

/** The fields that a class declares; decorators are done when the first request comes. */
function fieldsOf(type: Type): ReadonlySet<string> {
  const known = FIELDS.get(type);
  if (known !== undefined) return known;
  const fields = new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(type, '', false, false)
      .map(({ propertyName }) => propertyName),
  );
  FIELDS.set(type, fields);
  return fields;
}

function outermost(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return typeof value === 'object' && value !== null ? {} : value;
}

function validationFailed(errors: readonly FieldError[]): Refusal {
  const [first] = errors;
  const others = errors.length - 1;
  const rest =
    others > 0 ? ` ${others === 1 ? 'One other field is' : `${others} other fields are`} wrong too; see errors.` : '';
  return new Refusal('validation_failed', `${first?.detail ?? 'The request can never be right.'}${rest}`, {
    errors: errors.slice(0, ERRORS_SHOWN_MAX),
  });
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = `${parent}/${pointerPart(error.property)}`;
  const own = Object.keys(error.constraints ?? {})
    .flatMap((name) => verdictsOf(error, name))
    .map(({ code, detail, item }) => {
      const place = item === undefined ? field : `${field}/${item}`;
      return { field: place, code, detail: `${place.slice(1)} ${detail}.` };
    });
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, field))];
}

function verdictsOf(error: ValidationError, constraint: string): readonly Verdict[] {
  if (error.value === undefined) return [REQUIRED];
  const context: unknown = error.contexts?.[constraint];
  const mark = typeof context === 'object' && context !== null && 'judged' in context ? context.judged : null;
  const verdicts = mark instanceof Judged ? mark.verdicts(error.value) : [];
  if (verdicts.length > 0) return verdicts;
  const words = (error.constraints?.[constraint] ?? 'is wrong').replace(`${error.property} `, '').replace(/\.$/, '');
  return [
    { code: constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, ''), detail: words },
  ];
}

const pointerPart = (property: string): string => property.replaceAll('~', '~0').replaceAll('/', '~1');
