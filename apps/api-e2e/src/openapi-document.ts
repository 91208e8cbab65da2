import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Answer, Json } from '@edgechat/testing';
import { FINAL_CODES } from './problems.js';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** The OpenAPI document as a test uses it: which operations there are, and whether an answer is one that it describes. */
export class OpenApiDocument {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(readonly json: Json) {
    formats.default(this.ajv);
    this.ajv.addFormat('idn-email', true);
    this.ajv.addSchema(closed(json), 'openapi');
  }

  /** Every operation as `get /path/{id}`, sorted. */
  get operations(): string[] {
    return Object.entries<object>(this.json['paths'])
      .flatMap(([path, item]) =>
        Object.keys(item)
          .filter((key) => METHODS.includes(key))
          .map((method) => `${method} ${path}`),
      )
      .sort();
  }

  operation(name: string): Json {
    const [method = '', path = ''] = name.split(' ');
    return this.json['paths'][path][method] as Json;
  }

  /** Whatever an operation documents as an error, as `429 too_many_requests`. */
  refusalsOf(name: string): string[] {
    return Object.entries<Json>(this.operation(name)['responses']).flatMap(([status, response]) =>
      Object.keys(response['content']?.['application/problem+json']?.examples ?? {}).map((code) => `${status} ${code}`),
    );
  }

  /** What of an answer is not as the operation documents it; empty if it is. */
  faultsOf(name: string, { status, headers, body }: Answer): string[] {
    const response = this.operation(name)['responses'][status] as Json | undefined;
    if (response === undefined) return [`${status} is not documented`];
    const code = body['code'] as string | undefined;
    const missing = Object.entries<Json>(response['headers'] ?? {})
      .filter(([header, { required }]) => !headers.has(header) && (required === true || !FINAL_CODES.includes(code!)))
      .map(([header]) => `${header} is missing`);
    const type = headers.get('content-type')?.split(';')[0] ?? 'none';
    const content = response['content'] as Json | undefined;
    if (content === undefined) return [...missing, ...(body['text'] === '' ? [] : ['a body is not documented'])];
    if (content[type] === undefined) return [...missing, `${type} is not documented`];
    const isKnown = type === 'application/json' || code! in content[type].examples;
    return [
      ...missing,
      ...(isKnown ? [] : [`${code} is not documented`]),
      ...this.faults(this.schemaOf(name, String(status), type), body),
    ];
  }

  /** What of the examples of an operation does not fit its schemas. */
  faultsOfExamples(name: string): string[] {
    const { responses, requestBody } = this.operation(name);
    const answers = Object.entries<Json>(responses).flatMap(([status, { content = {} }]) =>
      Object.entries<Json>(content).map(
        ([type, media]) => [this.schemaOf(name, status, type), examplesIn(media)] as const,
      ),
    );
    const asked = Object.entries<Json>(requestBody?.content ?? {}).map(
      ([type, media]) =>
        [
          this.ajv.compile({ $ref: `openapi#${this.pointer(name)}/requestBody/content/${escape(type)}/schema` }),
          examplesIn(media),
        ] as const,
    );
    return [...answers, ...asked].flatMap(([schema, examples]) =>
      examples.length === 0 ? ['an example is missing'] : examples.flatMap((example) => this.faults(schema, example)),
    );
  }

  private schemaOf(name: string, status: string, type: string): ValidateFunction {
    return this.ajv.compile({
      $ref: `openapi#${this.pointer(name)}/responses/${status}/content/${escape(type)}/schema`,
    });
  }

  private faults(schema: ValidateFunction, value: unknown): string[] {
    return schema(value) ? [] : [this.ajv.errorsText(schema.errors)];
  }

  private pointer(name: string): string {
    const [method = '', path = ''] = name.split(' ');
    return `/paths/${escape(path)}/${method}`;
  }
}

function examplesIn(media: Json): unknown[] {
  return [
    ...('example' in media ? [media['example']] : []),
    ...Object.values<Json>(media['examples'] ?? {}).map(({ value }) => value as unknown),
  ];
}

/** The same with no field but the documented ones, except where the document itself says that there may be more. */
function closed(value: Json): Json {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) => {
    const isObject =
      typeof part === 'object' &&
      part !== null &&
      'properties' in part &&
      'type' in part &&
      !('additionalProperties' in part);
    return isObject ? { ...part, additionalProperties: false } : part;
  }) as Json;
}

/** A part of a JSON pointer within a URI. */
const escape = (part: string): string => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
