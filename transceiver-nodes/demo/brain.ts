/**
 * Decides what the demo agent says: rules, no model (docs/demo-agent.md lists them).
 *
 * Pure: it is told the time and what the user did last.
 */

import type { FunctionTool, OutputSettings } from '#shared/realtime/session-config'
import type { EpochSeconds } from '#shared/time'
import { secondsOf, sentencesOf } from './spoken-text.ts'

/** What the agent answers to. */
export type Prompt =
  /** Nothing was said yet. */
  | { readonly type: 'opening' }
  /** The user spoke; the recording is there once. */
  | { readonly type: 'voice'; readonly spokenMillis: number; readonly recording: Int16Array }
  | { readonly type: 'text'; readonly text: string }
  /** Words that the client wants spoken as they are. */
  | { readonly type: 'script'; readonly text: string }
  | { readonly type: 'tool-output'; readonly output: string }
  /** The user has been silent for long. */
  | { readonly type: 'silence' }
  /** A response was asked for, with nothing new to answer. */
  | { readonly type: 'nothing' }

/** One stretch of a reply: a sentence to speak, or a recording to play, with words for the transcript. */
export interface Passage {
  readonly text: string
  readonly recording?: Int16Array
}

/** What the agent does. */
export type Reply =
  | { readonly type: 'speech'; readonly passages: readonly Passage[] }
  | { readonly type: 'tool-call'; readonly name: string; readonly arguments: string }

/** Answers `prompt`. */
export function replyTo(
  prompt: Prompt,
  { tools, tool_choice: choice }: Pick<OutputSettings, 'tools' | 'tool_choice'>,
  now: EpochSeconds,
): Reply {
  const tool = chooseTool(prompt, tools, choice)
  if (tool !== undefined) return { type: 'tool-call', name: tool.name, arguments: argumentsIn(prompt) }
  return { type: 'speech', passages: passagesFor(prompt, now) }
}

/** The user calls a tool by its name, or asks the time of one that tells it; `tool_choice` can force one, or forbid. */
function chooseTool(
  prompt: Prompt,
  tools: readonly FunctionTool[],
  choice: OutputSettings['tool_choice'],
): FunctionTool | undefined {
  if (prompt.type !== 'text' && prompt.type !== 'voice') return undefined
  if (choice === 'none') return undefined
  if (typeof choice === 'object') return tools.find((tool) => tool.name === choice.name)
  const text = prompt.type === 'text' ? prompt.text : ''
  return tools.find((tool) => asksFor(tool, text)) ?? (choice === 'required' ? tools[0] : undefined)
}

function asksFor(tool: FunctionTool, text: string): boolean {
  return text.includes(tool.name) || (ASKS_TIME.test(text) && /time/iu.test(tool.name))
}

/** The first JSON object in the user's text, as in `roll_dice {"sides":6}`. */
function argumentsIn(prompt: Prompt): string {
  const json = prompt.type === 'text' ? /\{.*\}/su.exec(prompt.text)?.[0] : undefined
  return json !== undefined && isJson(json) ? json : '{}'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function passagesFor(prompt: Prompt, now: EpochSeconds): Passage[] {
  switch (prompt.type) {
    case 'opening':
      return say(...GREETING)
    case 'voice':
      return playBack(prompt.spokenMillis, prompt.recording)
    case 'text':
      return say(...answerTo(prompt.text, now))
    case 'script':
      return say(...sentencesOf(prompt.text))
    case 'tool-output':
      return say(...sentencesOf(`The tool says: ${prompt.output}`))
    case 'silence':
      return say(ARE_YOU_THERE)
    case 'nothing':
      return say(LISTENING)
    default:
      return prompt satisfies never
  }
}

function playBack(spokenMillis: number, recording: Int16Array): Passage[] {
  const seconds = `${secondsOf(spokenMillis)} seconds`
  if (recording.length === 0) return say(`I heard you for ${seconds}.`)
  return [...say(`I heard you for ${seconds}.`, HERE_IT_IS), { text: `(your voice, ${seconds})`, recording }]
}

function answerTo(text: string, now: EpochSeconds): readonly string[] {
  if (ASKS_TIME.test(text)) return [`It is ${timeOfDay(now)}, Coordinated Universal Time.`]
  if (/\bhelp\b|\bwhat can you\b/iu.test(text)) return HELP
  if (/^\W*(hello|hi|hey|good (morning|day|evening))\b/iu.test(text)) return GREETING
  return sentencesOf(`You wrote: ${text}`)
}

function say(...sentences: readonly string[]): Passage[] {
  return sentences.map((text) => ({ text }))
}

function timeOfDay(now: EpochSeconds): string {
  const minutes = Math.floor(now / 60) % (24 * 60)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

const ASKS_TIME = /\btime\b/iu

const GREETING = [
  'Hello. I am the Firsthop demo agent.',
  'Say something, and I will play it back to you.',
] as const
const HELP = [
  'Speak, and I will play it back to you.',
  'Write, and I will read it to you.',
  'Ask me for the time, or write the name of a tool to have it called.',
] as const
const HERE_IT_IS = 'Here it is.'
const ARE_YOU_THERE = 'Are you still there?'
const LISTENING = 'I am listening.'

/** Every sentence that does not depend on the user: worth having ready. */
export const FIXED_SENTENCES: readonly string[] = [...GREETING, HERE_IT_IS, ...HELP, ARE_YOU_THERE, LISTENING]
