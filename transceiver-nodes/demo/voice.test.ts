import { afterAll, expect, test, vi } from 'vitest'
import { FliteVoice } from './voice.ts'

// The synthesiser shares the machine with every other test.
vi.setConfig({ testTimeout: 20_000 })

const voice = new FliteVoice()
afterAll(() => voice.close())

const rms = (samples: Int16Array) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)

test('speaks a sentence at the backend rate, loud enough, without silence around it', async () => {
  const speech = await voice.speak('I heard you for 2.4 seconds.')
  const seconds = speech.length / 24_000
  expect(seconds).toBeGreaterThan(1.5)
  expect(seconds).toBeLessThan(3.5)
  expect(rms(speech)).toBeGreaterThan(1500)
  expect(rms(speech.subarray(0, 2400))).toBeGreaterThan(50)
})

test('speaks a sentence the second time from memory', async () => {
  expect(await voice.speak('Here it is.')).toBe(await voice.speak('Here it is.'))
})

test('answers in the order asked, and each with its own speech', async () => {
  const sentences = ['One.', 'One hundred and twenty-three thousand.', 'Two.']
  const lengths = (await Promise.all(sentences.map((sentence) => voice.speak(sentence)))).map((s) => s.length)
  expect(lengths[1]).toBeGreaterThan((lengths[0] ?? 0) + (lengths[2] ?? 0))
})

test.each([
  ['nothing', ''],
  ['spaces', '   '],
  ['dots', '…'],
  ['Japanese', '日本語'],
  ['a zero', '\u0000'],
  ['an option', '-voice'],
  ['markup', '<speak>'],
  ['formats', '%s%n'],
  ['five thousand letters', 'x'.repeat(5000)],
])('survives %s', async (_name, text) => {
  expect((await voice.speak(text)).length).toBeLessThanOrEqual(15 * 24_000)
})

test('refuses more than it can speak in time', async () => {
  const busy = new FliteVoice()
  const spoken = Array.from({ length: 40 }, (_, i) => busy.speak(`Number ${i}.`))
  const refused = await Promise.race(
    spoken.slice(32).map((speech) => speech.catch((error: unknown) => error)),
  )
  expect(refused).toMatchObject({ code: 'voice-busy' })
  const settled = Promise.allSettled(spoken)
  await busy.close()
  const codes = (await settled).map((result) =>
    result.status === 'rejected' ? (result.reason as { code: string }).code : 'spoken',
  )
  expect(new Set(codes.slice(0, 32))).toContain('voice-closed')
  await expect(busy.speak('Again.')).rejects.toMatchObject({ code: 'voice-closed' })
})

test('leaves the event loop free while it speaks', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  await voice.speak('This is a long sentence, which takes the synthesiser a good while to speak.')
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(10)
})
