/**
 * The configuration of a Realtime session, and how `session.update` changes it (API reference, Realtime,
 * `session.update`).
 *
 * An update names only what it changes: objects merge, everything else replaces, '' and [] and null clear.
 * `model` is fixed when the session opens. Fields that Firsthop's own agent has no use for (`prompt`,
 * `reasoning`, `include`, `truncation`) are accepted and dropped.
 */

import * as v from 'valibot'

const flag = v.exactOptional(v.boolean())
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64))

const serverVad = v.object({
  type: v.literal('server_vad'),
  threshold: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  prefix_padding_ms: v.exactOptional(wholeNumber(0, 5000)),
  silence_duration_ms: v.exactOptional(wholeNumber(0, 10_000)),
  idle_timeout_ms: v.exactOptional(v.nullable(wholeNumber(5000, 30_000))),
  create_response: flag,
  interrupt_response: flag,
})
const semanticVad = v.object({
  type: v.literal('semantic_vad'),
  eagerness: v.exactOptional(v.picklist(['low', 'medium', 'high', 'auto'])),
  create_response: flag,
  interrupt_response: flag,
})
const audioFormat = v.variant('type', [
  v.object({ type: v.literal('audio/pcm'), rate: v.optional(v.literal(24_000), 24_000) }),
  v.object({ type: v.literal('audio/pcmu') }),
  v.object({ type: v.literal('audio/pcma') }),
])
const transcription = v.object({
  model: v.exactOptional(name),
  language: v.exactOptional(name),
  prompt: v.exactOptional(v.pipe(v.string(), v.maxLength(4096))),
})
const audioInput = v.object({
  format: v.exactOptional(audioFormat),
  noise_reduction: v.exactOptional(v.nullable(v.object({ type: v.picklist(['near_field', 'far_field']) }))),
  transcription: v.exactOptional(v.nullable(transcription)),
  turn_detection: v.exactOptional(v.nullable(v.variant('type', [serverVad, semanticVad]))),
})
const audioOutput = v.object({
  format: v.exactOptional(audioFormat),
  voice: v.exactOptional(v.union([name, v.object({ id: name })])),
  speed: v.exactOptional(v.pipe(v.number(), v.minValue(0.25), v.maxValue(1.5))),
})
const tracing = v.union([
  v.literal('auto'),
  v.object({
    workflow_name: v.exactOptional(v.string()),
    group_id: v.exactOptional(v.string()),
    metadata: v.exactOptional(v.unknown()),
  }),
])
const functionTool = v.object({
  type: v.literal('function'),
  name,
  description: v.exactOptional(v.string()),
  parameters: v.exactOptional(v.unknown()),
})

/** What a response may ask for itself, and else takes from the session. */
export const outputSettings = {
  output_modalities: v.exactOptional(v.tuple([v.picklist(['audio', 'text'])])),
  max_output_tokens: v.exactOptional(v.union([wholeNumber(1, 4096), v.literal('inf')])),
  tools: v.exactOptional(v.pipe(v.array(functionTool), v.maxLength(128))),
  tool_choice: v.exactOptional(
    v.union([v.picklist(['auto', 'none', 'required']), v.object({ type: v.literal('function'), name })]),
  ),
}

/** A partial session, as a client, a key or an offer brings it. */
export const sessionUpdateSchema = v.object({
  type: v.exactOptional(v.literal('realtime')),
  model: v.exactOptional(name),
  instructions: v.exactOptional(v.pipe(v.string(), v.maxLength(32_768))),
  parallel_tool_calls: flag,
  tracing: v.exactOptional(v.nullable(tracing)),
  audio: v.exactOptional(
    v.object({ input: v.exactOptional(audioInput), output: v.exactOptional(audioOutput) }),
  ),
  ...outputSettings,
})

/** A partial session: what it does not name stays as it is. */
export type SessionUpdate = v.InferOutput<typeof sessionUpdateSchema>

/** The tools and the shape of the output of a session or of one response. */
export type OutputSettings = Required<Pick<SessionUpdate, keyof typeof outputSettings>>

/** When a session answers by itself; null is never. */
export type TurnDetection =
  Required<v.InferOutput<typeof serverVad>> | Required<v.InferOutput<typeof semanticVad>>

/** A function that the agent may ask the client to call. */
export type FunctionTool = v.InferOutput<typeof functionTool>

/** A whole session, as `session.created` and `session.updated` show it. */
export type RealtimeSession = OutputSettings &
  Required<Pick<SessionUpdate, 'type' | 'model' | 'instructions' | 'tracing'>> & {
    readonly id: string
    readonly object: 'realtime.session'
    readonly parallel_tool_calls: boolean
    readonly audio: {
      readonly input: Required<Omit<v.InferOutput<typeof audioInput>, 'turn_detection'>> & {
        readonly turn_detection: TurnDetection | null
      }
      readonly output: Required<v.InferOutput<typeof audioOutput>>
    }
  }

/** Opens a session with `config` over the defaults. */
export function openSession(id: string, config: SessionUpdate): RealtimeSession {
  return { ...mergeSession({ ...DEFAULT_SESSION, id }, config), model: config.model ?? DEFAULT_SESSION.model }
}

/** Returns `session` with the changes of `update`. */
export function mergeSession(session: RealtimeSession, update: SessionUpdate): RealtimeSession {
  const { audio, ...changes } = update
  const { turn_detection: turnDetection, ...input } = audio?.input ?? {}
  return {
    ...session,
    ...changes,
    model: session.model,
    audio: {
      input: {
        ...session.audio.input,
        ...input,
        turn_detection: mergeTurnDetection(session.audio.input.turn_detection, turnDetection),
      },
      output: { ...session.audio.output, ...audio?.output },
    },
  }
}

type TurnDetectionUpdate = NonNullable<NonNullable<SessionUpdate['audio']>['input']>['turn_detection']

/** Merges over what stands if it is of the same kind, and else over the defaults of the kind. */
function mergeTurnDetection(
  current: TurnDetection | null,
  update: TurnDetectionUpdate,
): TurnDetection | null {
  if (update === undefined) return current
  if (update === null) return null
  if (update.type === 'server_vad') {
    return { ...(current?.type === 'server_vad' ? current : DEFAULT_SERVER_VAD), ...update }
  }
  return { ...(current?.type === 'semantic_vad' ? current : DEFAULT_SEMANTIC_VAD), ...update }
}

function wholeNumber(least: number, most: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))
}

/** The API's defaults for `server_vad`. */
const DEFAULT_SERVER_VAD = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
} as const

/** The API's defaults for `semantic_vad`. */
const DEFAULT_SEMANTIC_VAD = {
  type: 'semantic_vad',
  eagerness: 'auto',
  create_response: true,
  interrupt_response: true,
} as const

const DEFAULT_SESSION: Omit<RealtimeSession, 'id'> = {
  type: 'realtime',
  object: 'realtime.session',
  model: 'firsthop-demo',
  instructions: '',
  output_modalities: ['audio'],
  max_output_tokens: 'inf',
  tools: [],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  tracing: null,
  audio: {
    input: {
      format: { type: 'audio/pcm', rate: 24_000 },
      noise_reduction: null,
      transcription: null,
      turn_detection: DEFAULT_SERVER_VAD,
    },
    output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'firsthop', speed: 1 },
  },
}
