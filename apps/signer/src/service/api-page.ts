/** As much of an OpenAPI document as the page shows. */
interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses?: Readonly<Record<string, Response>>;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** The description of the API for people: one page, no script, from the document that programs get. */
export function apiPage(document: object): string {
  const { info, paths } = document as {
    info: { title: string; description: string };
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(info.title)}: API</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/api.css">
</head>
<body>
<header><h1>${text(info.title)}</h1>
<p>${text(info.description)} Programs read <a href="/openapi.json">openapi.json</a>; people may go <a href="/">back to the dashboard</a>.</p></header>
<nav aria-label="Operations"><ul>
${operations.map(({ path, method }) => `<li><a href="#${anchor(method, path)}"><b>${method.toUpperCase()}</b> ${text(path)}</a></li>`).join('\n')}
</ul></nav>
<main>
${operations.map(section).join('\n')}
</main>
</body>
</html>
`;
}

function section({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: Operation;
}): string {
  const {
    summary = '',
    description = '',
    security,
    parameters = [],
    requestBody,
    responses = {},
  } = operation;
  const token = security === undefined ? '' : '<p>Takes the bearer token.</p>';
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h3>Body <small>${text(type)}</small></h3>${fields(schema)}`,
  );
  const given = parameters.map(({ name, in: where, schema }) =>
    row(`${name} (${where})`, schema, true),
  );
  const table = given.length === 0 ? '' : `<h3>Parameters</h3><table>${given.join('')}</table>`;
  const answers = Object.entries(responses).map(([status, response]) => answer(status, response));
  return `<section id="${anchor(method, path)}">
<h2><b>${method.toUpperCase()}</b> ${text(path)} <small>${text(summary)}</small></h2>
<p>${text(description)}</p>${token}${table}${bodies.join('')}
<h3>Answers</h3><dl>${answers.join('')}</dl>
</section>`;
}

function answer(status: string, { description, content = {} }: Response): string {
  const [type, media] = Object.entries(content)[0] ?? [];
  const shown = status.startsWith('2') && media !== undefined ? fields(media.schema) : '';
  return `<dt>${text(status)} ${text(description)}${type === undefined ? '' : ` <small>${text(type)}</small>`}</dt><dd>${shown}</dd>`;
}

function fields({ properties, required = [], description, type }: Schema): string {
  if (properties === undefined) return `<p>${text(description ?? type ?? '')}</p>`;
  const rows = Object.entries(properties).map(([name, schema]) =>
    row(name, schema, required.includes(name)),
  );
  return `<table>${rows.join('')}</table>`;
}

function row(name: string, schema: Schema, needed: boolean): string {
  const { type = '', description = '', enum: values, pattern } = schema;
  const rule = values?.join(', ') ?? pattern ?? '';
  const code = rule === '' ? '' : `<code>${text(rule)}</code>`;
  return `<tr><th scope="row">${text(name)}${needed ? '' : ' <small>optional</small>'}</th><td>${text(type)}</td><td>${text(description)} ${code}</td></tr>`;
}

function anchor(method: string, path: string): string {
  return `${method}${path.replaceAll(/[^a-zA-Z0-9]+/g, '-')}`;
}

function text(raw: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return raw.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
