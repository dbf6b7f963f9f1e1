import { epochSecondsOf } from '#shared/time'
import { expect, test } from 'vitest'
import { replyTo } from './brain.ts'
import type { Prompt, Reply } from './brain.ts'

const AFTERNOON = epochSecondsOf(14 * 3600 + 5 * 60 + 59)
const ROLL_DICE = { type: 'function', name: 'roll_dice' } as const
const GET_TIME = { type: 'function', name: 'get_time' } as const

function saidTo(prompt: Prompt): string {
  const reply = replyTo(prompt, { tools: [], tool_choice: 'auto' }, AFTERNOON)
  return reply.type === 'speech' ? reply.passages.map((passage) => passage.text).join(' ') : 'a tool call'
}

test.each<[Prompt, RegExp]>([
  [{ type: 'opening' }, /^Hello\. I am the Firsthop demo agent\./u],
  [{ type: 'text', text: 'Good morning!' }, /^Hello\./u],
  [{ type: 'text', text: 'What time is it?' }, /^It is 14:05, Coordinated Universal Time\.$/u],
  [{ type: 'text', text: 'help' }, /play it back/u],
  [{ type: 'text', text: 'The sky is blue.' }, /^You wrote: The sky is blue\.$/u],
  [{ type: 'script', text: 'Say this. And that.' }, /^Say this\. And that\.$/u],
  [{ type: 'tool-output', output: '6' }, /^The tool says: 6$/u],
  [{ type: 'silence' }, /^Are you still there\?$/u],
  [{ type: 'nothing' }, /^I am listening\.$/u],
])('answers %j', (prompt, answer) => {
  expect(saidTo(prompt)).toMatch(answer)
})

test('plays back what it heard', () => {
  const recording = Int16Array.of(1, 2, 3)
  const reply = replyTo(
    { type: 'voice', spokenMillis: 2440, recording },
    { tools: [], tool_choice: 'auto' },
    AFTERNOON,
  )
  expect(reply).toEqual<Reply>({
    type: 'speech',
    passages: [
      { text: 'I heard you for 2.4 seconds.' },
      { text: 'Here it is.' },
      { text: '(your voice, 2.4 seconds)', recording },
    ],
  })
})

test.each<
  [string, 'auto' | 'none' | 'required' | { type: 'function'; name: string }, Reply['type'], string?]
>([
  ['Please roll_dice {"sides": 6} now', 'auto', 'tool-call', '{"sides": 6}'],
  ['Please roll_dice {"sides": now', 'auto', 'tool-call', '{}'],
  ['Please roll_dice', 'none', 'speech'],
  ['Roll the dice', 'auto', 'speech'],
  ['Roll the dice', 'required', 'tool-call', '{}'],
  ['Roll the dice', { type: 'function', name: 'roll_dice' }, 'tool-call', '{}'],
  ['Roll the dice', { type: 'function', name: 'unknown' }, 'speech'],
])('asked "%s" with tool choice %j makes a %s', (text, choice, type, args) => {
  const reply = replyTo({ type: 'text', text }, { tools: [ROLL_DICE], tool_choice: choice }, AFTERNOON)
  expect(reply).toMatchObject(args === undefined ? { type } : { type, name: 'roll_dice', arguments: args })
})

test('asks a tool for the time if one tells it', () => {
  const prompt = { type: 'text', text: 'What time is it?' } as const
  const reply = replyTo(prompt, { tools: [ROLL_DICE, GET_TIME], tool_choice: 'auto' }, AFTERNOON)
  expect(reply).toEqual({ type: 'tool-call', name: 'get_time', arguments: '{}' })
})

test('speaks the result of a tool that was required, and does not call it again', () => {
  const prompt = { type: 'tool-output', output: '6' } as const
  expect(replyTo(prompt, { tools: [ROLL_DICE], tool_choice: 'required' }, AFTERNOON).type).toBe('speech')
})
