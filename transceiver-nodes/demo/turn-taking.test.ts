import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MIN_SPEECH_MILLIS, TurnTaking } from './turn-taking.ts'
import type { TurnEvent, TurnRules } from './turn-taking.ts'

const RULES: TurnRules = { prefixPaddingMillis: 300, silenceMillis: 500, idleMillis: undefined }

/** Plays a script of `[speech?, milliseconds]` in frames, and returns the events. */
function play(
  turnTaking: TurnTaking,
  script: readonly (readonly [boolean, number])[],
  frameMillis = 20,
  start = 0,
): TurnEvent[] {
  const events: TurnEvent[] = []
  let now = start
  for (const [isSpeech, millis] of script) {
    for (const end = now + millis; now < end;) {
      now += frameMillis
      const event = turnTaking.handleFrame(isSpeech, frameMillis, now)
      if (event !== undefined) events.push(event)
    }
  }
  return events
}

test.each([10, 20, 30])('finds a turn in frames of %i ms', (frameMillis) => {
  const script = [
    [false, 900],
    [true, 1200],
    [false, 900],
  ] as const
  const events = play(new TurnTaking(RULES), script, frameMillis)
  const end = 2100 + Math.ceil(500 / frameMillis) * frameMillis
  expect(events).toEqual([
    { type: 'speech-started', startMillis: 600 },
    {
      type: 'speech-stopped',
      turn: { fromMillis: 600, toMillis: end },
      spoken: { fromMillis: 900, toMillis: 2100 },
    },
  ])
})

test('takes no click for a turn', () => {
  const clicks = Array.from({ length: 50 }, (_, i) => [i % 2 === 0, MIN_SPEECH_MILLIS - 20] as const)
  expect(play(new TurnTaking(RULES), clicks)).toEqual([])
})

test('lets the user pause for less than the silence', () => {
  const script = [
    [true, 400],
    [false, 480],
    [true, 400],
    [false, 500],
  ] as const
  expect(play(new TurnTaking(RULES), script).map((event) => event.type)).toEqual([
    'speech-started',
    'speech-stopped',
  ])
})

test('never reaches for padding into the turn before, nor before the call', () => {
  const script = [
    [true, 200],
    [false, 500],
    [false, 100],
    [true, 200],
  ] as const
  const events = play(new TurnTaking(RULES), script)
  expect(events[0]).toEqual({ type: 'speech-started', startMillis: 0 })
  expect(events[2]).toEqual({ type: 'speech-started', startMillis: 700 })
})

test('reports silence once, after the reply has been played', () => {
  const turnTaking = new TurnTaking({ ...RULES, idleMillis: 5000 })
  expect(play(turnTaking, [[false, 10_000]])).toEqual([])
  turnTaking.expectSpeech(12_000)
  expect(play(turnTaking, [[false, 20_000]], 20, 10_000)).toEqual([
    { type: 'idle', quiet: { fromMillis: 12_000, toMillis: 17_000 } },
  ])
})

test('reports no silence to a user who spoke', () => {
  const turnTaking = new TurnTaking({ ...RULES, idleMillis: 5000 })
  turnTaking.expectSpeech(0)
  const script = [
    [false, 4000],
    [true, 200],
    [false, 9000],
  ] as const
  expect(play(turnTaking, script).map((event) => event.type)).toEqual(['speech-started', 'speech-stopped'])
})

test('forgets a turn in progress when it is reset', () => {
  const turnTaking = new TurnTaking(RULES)
  play(turnTaking, [[true, 400]])
  turnTaking.reset(400)
  expect(play(turnTaking, [[false, 2000]], 20, 400)).toEqual([])
  expect(play(turnTaking, [[true, 200]], 20, 2400)).toEqual([{ type: 'speech-started', startMillis: 2100 }])
})

test('holds to its rules, whatever is heard', () => {
  const scripts = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 })), { maxLength: 60 })
  const rules = fc.record({
    prefixPaddingMillis: fc.integer({ min: 0, max: 1000 }),
    silenceMillis: fc.integer({ min: 0, max: 1000 }),
    idleMillis: fc.constant(undefined),
  })
  const frames = fc.constantFrom(10, 20, 30)
  fc.assert(
    fc.property(scripts, rules, frames, (script, ownRules, frameMillis) => {
      const scaled = script.map(([isSpeech, count]) => [isSpeech, count * frameMillis] as const)
      checkEvents(play(new TurnTaking(ownRules), scaled, frameMillis), ownRules)
    }),
  )
})

/** Turns alternate, do not overlap, hold at least the least speech, and end with the silence they need. */
function checkEvents(events: readonly TurnEvent[], rules: TurnRules): void {
  let lastEnd = 0
  events.forEach((event, i) => {
    if (event.type === 'speech-started') {
      expect(i % 2).toBe(0)
      expect(event.startMillis).toBeGreaterThanOrEqual(lastEnd)
      lastEnd = event.startMillis
    } else if (event.type === 'speech-stopped') {
      expect(i % 2).toBe(1)
      expect(event.turn.fromMillis).toBe(lastEnd)
      expect(event.spoken.fromMillis - event.turn.fromMillis).toBeLessThanOrEqual(rules.prefixPaddingMillis)
      expect(event.spoken.toMillis - event.spoken.fromMillis).toBeGreaterThanOrEqual(MIN_SPEECH_MILLIS)
      expect(event.turn.toMillis - event.spoken.toMillis).toBeGreaterThanOrEqual(rules.silenceMillis)
      lastEnd = event.turn.toMillis
    }
  })
}
