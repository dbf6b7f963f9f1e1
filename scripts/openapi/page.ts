/** The API page: the document's operations, in the order and the words of the document, with a first call to copy. */

/** What the page shows of an operation. */
interface PageOperation {
  readonly summary: string
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

/** Writes the page of an OpenAPI document. */
export function writePage(document: Readonly<Record<string, unknown>>): string {
  const paths = document['paths'] as Readonly<Record<string, Readonly<Record<string, PageOperation>>>>
  const sections = Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method]
      return operation === undefined ? [] : [writeOperation(method, path, operation)]
    }),
  )
  return HEAD + sections.join('\n') + FOOT
}

function writeOperation(method: string, path: string, operation: PageOperation): string {
  const { summary, requestBody, responses } = operation
  const takes =
    requestBody === undefined ? [] : [['takes', Object.keys(requestBody.content).map(code).join(' or ')]]
  const answers = Object.entries(responses).filter(([status]) => Number(status) < 400)
  const refusals = Object.keys(responses).filter((status) => Number(status) >= 400)
  const rows = [
    ['who may', keysOf(operation)],
    ...takes,
    ...answers.map(([status, { description }]) => [`answers ${status}`, escape(description)]),
    ...(refusals.length > 0 ? [['refuses', refusals.join(', ')]] : []),
  ]
  const verb = path === '/v1/realtime' ? 'wss' : method.toUpperCase()
  return `      <section class="operation">
        <h2><span class="verb" data-verb="${verb}">${verb}</span> ${code(path)}</h2>
        <p>${escape(summary)}.</p>
        <dl>
${rows.map(([term, text]) => `          <div><dt>${term}</dt><dd>${text}</dd></div>`).join('\n')}
        </dl>
      </section>`
}

function keysOf({ security }: PageOperation): string {
  if (security === undefined) return 'an API key or an ephemeral key'
  return security.length === 0 ? 'anybody' : 'an API key'
}

function code(text: string): string {
  return `<code>${escape(text)}</code>`
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}

const METHODS = ['post', 'get', 'patch', 'delete']

const HEAD = `<!doctype html>
<!-- Written by "npm run openapi" from the schemas: do not edit. -->
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Firsthop: the API</title>
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
    <meta name="description" content="OpenAI's Realtime API over WebRTC, served by Firsthop." />
    <meta name="color-scheme" content="light dark" />
    <link rel="stylesheet" href="/style.css" />
    <link rel="stylesheet" href="/api.css" />
  </head>
  <body>
    <header class="masthead">
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <path class="mark-course" d="M7 24C9 12 17 7 24 9" />
        <circle class="mark-you" cx="7" cy="24" r="3.5" />
        <path class="mark-relay" d="M25 3l5 9H20z" />
      </svg>
      <h1>The API</h1>
      <p>OpenAI's Realtime API over WebRTC. An unmodified client needs another base URL and a key. <a href="/">Talk</a> · <a href="/openapi.json">openapi.json</a></p>
    </header>
    <main class="api">
      <section class="operation">
        <h2>A first call</h2>
        <p>The server asks for an ephemeral key, the page places the call with it.</p>
        <pre><code>curl -X POST $URL/v1/realtime/client_secrets -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -d '{"session":{"type":"realtime","instructions":"Be brief."}}'

new RealtimeSession(agent).connect({ apiKey: ephemeralKey, url: \`\${url}/v1/realtime/calls\` })</code></pre>
        <p>A refusal is <code>{"error":{"message","type","code","param"}}</code>; 401 means the key, 429 and 503 say in <code>Retry-After</code> when to come again.</p>
      </section>
`

const FOOT = `
    </main>
  </body>
</html>
`
