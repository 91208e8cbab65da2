import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ERRORS, Refusal, statusOf, type ErrorCode, type FieldError } from '@edgechat/kernel';
import { ACCESS_EXTENSION } from '../http/access.js';
import { hasRetryAfter, PROBLEM_TYPE, problemOf } from '../http/problem.js';
import { DescribedRefusal } from './describe.js';

type Paths = OpenAPIObject['paths'];
type Operation = NonNullable<Paths[string]['get']>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const PREFIX = /^\/api\/v1(?=\/)/;
const EXAMPLE_REQUEST_ID = '0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

/** Answers that any call can give, and those of calls with a token and of calls whose body is read: all but GET, also where none is asked for. */
const COMMON: readonly ErrorCode[] = [
  'malformed_request',
  'too_many_requests',
  'headers_too_large',
  'internal_error',
  'service_unavailable',
];
const OF_TOKEN: readonly ErrorCode[] = ['unauthorized'];
const OF_BODY: readonly ErrorCode[] = ['body_too_large', 'unsupported_media_type'];
const OF_INPUT: readonly ErrorCode[] = ['validation_failed'];
const OF_HEALTH: readonly ErrorCode[] = ['malformed_request', 'internal_error'];

const REQUEST_ID_HEADER = {
  description: 'The id of the request: the one sent, if acceptable, else a fresh one.',
  required: true,
  schema: { type: 'string' as const },
};
const RETRY_AFTER = { description: 'Seconds to wait.', schema: { type: 'integer' as const } };

/** The OpenAPI 3.1 document of the whole API: what the controllers say, with the answers that all calls share. */
export function openApiDocument(app: NestFastifyApplication, appName: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(appName)
    .setDescription('Errors are problem documents (RFC 9457); their codes are explained under /errors.')
    .setVersion('1.0.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  return completeDocument(document);
}

/** Adds to each call its errors, what it asks for, and examples of bodies; takes away the marks that said so. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  const schemas = { ...document.components?.schemas, Problem: PROBLEM_SCHEMA };
  const complete = { ...document, components: { ...document.components, schemas } };
  for (const [path, item] of Object.entries(complete.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) item[method] = completeOperation(operation, { method, path }, complete);
    }
  }
  return complete;
}

function completeOperation(
  operation: Operation,
  { method, path }: { method: string; path: string },
  document: OpenAPIObject,
): Operation {
  const marks: ReadonlyMap<string, unknown> = new Map<string, unknown>(
    Object.entries(operation).filter(([key]) => key.startsWith('x-')),
  );
  const plain = Object.fromEntries(Object.entries(operation).filter(([key]) => !key.startsWith('x-')));
  const access = marks.get(ACCESS_EXTENSION) ?? 'token';
  const refusals = refusalsOf(operation, method, access, marks);
  const responses = { ...operation.responses };
  const call = `${method.toUpperCase()} ${path.replace(PREFIX, '')}`;
  for (const [status, group] of byStatus(refusals, call)) responses[status] ??= problemResponse(group, { call, path });
  for (const response of Object.values(responses))
    if (response !== undefined && 'description' in response)
      response.headers = { 'X-Request-ID': REQUEST_ID_HEADER, ...response.headers };
  return {
    ...plain,
    ...exampleOfBody(operation, document),
    ...(access === 'token' ? { security: [{ bearer: [] }] } : {}),
    responses,
  };
}

function refusalsOf(
  operation: Operation,
  method: string,
  access: unknown,
  marks: ReadonlyMap<string, unknown>,
): readonly DescribedRefusal[] {
  const own = [...marks].flatMap(([, mark]) => (mark instanceof DescribedRefusal ? [mark] : []));
  const hasBody = operation.requestBody !== undefined;
  const hasQuery = (operation.parameters ?? []).some((parameter) => 'in' in parameter && parameter.in === 'query');
  const codes =
    access === 'health'
      ? OF_HEALTH
      : [
          ...COMMON,
          ...(access === 'token' ? OF_TOKEN : []),
          ...(method === 'get' ? [] : OF_BODY),
          ...(hasBody || hasQuery ? OF_INPUT : []),
        ];
  const shared = codes
    .filter((code) => !own.some((one) => one.code === code))
    .map((code) => new DescribedRefusal(code, {}));
  return [...own, ...shared];
}

function byStatus(
  refusals: readonly DescribedRefusal[],
  call: string,
): ReadonlyMap<string, readonly DescribedRefusal[]> {
  const groups = new Map<string, DescribedRefusal[]>();
  for (const refusal of refusals) {
    const status = String(statusOf(refusal.code, call));
    groups.set(status, [...(groups.get(status) ?? []), refusal]);
  }
  return groups;
}

/** A call as the table of errors names it, and its path as the document does. */
interface Called {
  readonly call: string;
  readonly path: string;
}

function problemResponse(refusals: readonly DescribedRefusal[], called: Called): Operation['responses'][string] {
  const examples = Object.fromEntries(
    refusals.map((refusal) => [
      refusal.code,
      { summary: ERRORS[refusal.code].title, value: exampleProblem(refusal, called) },
    ]),
  );
  const status = statusOf(refusals[0]?.code ?? 'internal_error', called.call);
  const waits = refusals.map(({ code }) => hasRetryAfter(code, status));
  return {
    description: refusals.map(({ code }) => ERRORS[code].title).join('; '),
    headers: {
      ...(waits.includes(true)
        ? { 'Retry-After': { ...RETRY_AFTER, ...(waits.includes(false) ? {} : { required: true }) } }
        : {}),
      ...(status === 401
        ? { 'WWW-Authenticate': { description: 'Always `Bearer`.', required: true, schema: { type: 'string' } } }
        : {}),
    },
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' }, examples } },
  };
}

/** Codes whose problem document lists the fields that are wrong. */
const EXAMPLES_OF_FIELDS: Readonly<Partial<Record<ErrorCode, FieldError>>> = {
  validation_failed: { field: '/limit', code: 'not_an_integer', detail: 'limit must be a whole number.' },
  password_too_common: {
    field: '/password',
    code: 'too_common',
    detail:
      'password is among the first that anybody guesses. Choose another, such as four words that do not belong together.',
  },
  unknown_account: {
    field: '/account_ids',
    code: 'unknown_account',
    detail: 'account_ids names an account that does not exist.',
  },
};

function exampleProblem({ code, members }: DescribedRefusal, { call, path }: Called): unknown {
  const field = EXAMPLES_OF_FIELDS[code];
  const refusal = new Refusal(code, field?.detail ?? ERRORS[code].title, {
    members,
    call,
    ...(field === undefined ? {} : { errors: [field] }),
  });
  return problemOf(refusal, { path, requestId: EXAMPLE_REQUEST_ID });
}

/** A request body's example, put together from the examples of its fields. */
function exampleOfBody(operation: Operation, document: OpenAPIObject): Pick<Operation, 'requestBody'> {
  const body = operation.requestBody;
  const json = body !== undefined && 'content' in body ? body.content['application/json'] : undefined;
  if (body === undefined || json === undefined || json.example !== undefined || json.examples !== undefined) return {};
  const schema =
    json.schema !== undefined && '$ref' in json.schema
      ? document.components?.schemas?.[json.schema.$ref.split('/').at(-1) ?? '']
      : json.schema;
  if (schema === undefined || '$ref' in schema) return {};
  const example = Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      'example' in property ? [[name, property.example]] : [],
    ),
  );
  return { requestBody: { ...body, content: { 'application/json': { ...json, example } } } };
}

const text = (description: string): { type: 'string'; description: string } => ({ type: 'string', description });

const PROBLEM_SCHEMA = {
  type: 'object' as const,
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id', 'instance'],
  properties: {
    type: text('`/errors#<code>`: a page about this code.'),
    title: text('What happened, the same for each occurrence.'),
    status: { type: 'integer' as const },
    detail: text('A sentence that says what happened and what to do.'),
    code: { type: 'string' as const, enum: Object.keys(ERRORS) },
    request_id: text('The id to tell the operator.'),
    instance: text('The path that was asked for.'),
    errors: {
      type: 'array' as const,
      description: 'Each field that is wrong (422).',
      items: {
        type: 'object' as const,
        required: ['field', 'code', 'detail'],
        properties: { field: text('A JSON pointer.'), code: text('Stable.'), detail: text('A sentence.') },
      },
    },
  },
  additionalProperties: true,
};
