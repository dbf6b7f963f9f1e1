/** Puts things as they are said: text cut into what one breath holds and a listener will bear, durations in words. */

/** Returns the sentences of `text`, none too long to synthesise, and not more of them than anyone wants to hear. */
export function sentencesOf(text: string): string[] {
  const flat = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  const heard = flat.length > MAX_SPOKEN_CHARACTERS ? `${flat.slice(0, MAX_SPOKEN_CHARACTERS)}…` : flat
  return heard.split(/(?<=[.!?…])\s/u).flatMap(breathsOf)
}

/** Writes a duration as people say it: tenths of a second. */
export function secondsOf(millis: number): string {
  return (millis / 1000).toFixed(1)
}

/** Cuts an overlong sentence at its spaces, and an overlong word anywhere. */
function breathsOf(sentence: string): string[] {
  const breaths = sentence.match(BREATH)
  return breaths === null ? [] : breaths.map((breath) => breath.trim())
}

/** About 20 s of speech. */
const MAX_SPOKEN_CHARACTERS = 300

/** At most 120 characters, up to a space or the end if there is one. */
const BREATH = /\S.{0,118}\S(?=\s|$)|\S{1,120}/gu
