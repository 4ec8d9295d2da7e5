import { type FieldError, Problem } from './problem.js';

/** What the HTTP framework found a body or a parameter to be: a part of what Ajv tells. */
interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Ours by theirs: programs rely on our names, and theirs are the framework's to change. */
const SLUGS: Readonly<Record<string, readonly [slug: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'a body is at most 16 KiB'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'this takes another content type'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed-json', 'there is no JSON in the body'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-json', 'the body is not JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'the body is not as long as it says'],
  FST_ERR_BAD_URL: ['malformed', 'the address of the request is malformed'],
};

const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'malformed',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'too-slow',
  413: 'body-too-large',
  414: 'address-too-long',
  415: 'unsupported-media-type',
  431: 'headers-too-large',
};

/** What the HTTP framework refuses before a handler runs: it says so by a status in the 400s. */
export function frameworkProblem(error: unknown): Problem | undefined {
  const { statusCode, code, validation, validationContext } = error as {
    statusCode?: number;
    code?: string;
    validation?: readonly SchemaError[];
    validationContext?: string;
  };
  if (validation !== undefined) return schemaProblem(validation, validationContext ?? 'body');
  // Nobody reads this answer: it is for the metrics, under the number that proxies use for it.
  if (code === 'ECONNRESET' || (error as Error).name === 'AbortError') {
    return new Problem(499, 'client-gone', 'the client went away');
  }
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return undefined;
  const known = SLUGS[code ?? ''];
  if (known !== undefined) return new Problem(statusCode, ...known);
  // The message of a syntax error quotes the body, so it stays out.
  if (error instanceof SyntaxError)
    return new Problem(400, 'malformed-json', 'the body is not JSON');
  return new Problem(statusCode, BY_STATUS[statusCode] ?? 'refused', 'the request was refused');
}

export function schemaProblem(found: readonly SchemaError[], where: string): Problem {
  const errors = found.map((error) => fieldError(error, where));
  const [first] = errors;
  const detail =
    first === undefined
      ? 'the request does not fit its schema'
      : `${first.field === '' ? `the ${where}` : first.field} ${first.rule}`;
  return new Problem(400, 'malformed', detail, { errors });
}

/** A field that is missing or too many is named itself, not what it is missing from. */
function fieldError(
  { instancePath, keyword, message, params }: SchemaError,
  where: string,
): FieldError {
  const path = instancePath.split('/').slice(1);
  if (keyword === 'required') {
    return { field: [...path, String(params['missingProperty'])].join('/'), rule: 'is missing' };
  }
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']).slice(0, 64);
    return { field: [...path, name].join('/'), rule: 'is unknown here' };
  }
  if (keyword === 'oneOf' && where === 'body') {
    return { field: path.join('/'), rule: 'must fit exactly one of its alternatives' };
  }
  if (keyword === 'enum') {
    const allowed = (params['allowedValues'] as readonly unknown[]).join(', ');
    return { field: path.join('/'), rule: `must be one of ${allowed}` };
  }
  return { field: path.join('/'), rule: message ?? `must satisfy ${keyword}` };
}
