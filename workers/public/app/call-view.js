// @ts-check
/**
 * Shows where the call stands: the state in words, the buttons, the stations of the path, the numbers of
 * the connection, and what went wrong.
 *
 * Each function brings one part of the page up to date and may be called at any time.
 */

import { describeProblem } from './errors.js'
import { formatClock, formatCount, formatMillis } from './format.js'
import { page } from './page.js'
import { CallPath } from './path.js'

/**
 * Shows the state, in words and on the buttons.
 * @param {import('./call.js').Call | undefined} call
 */
export function showState(call) {
  const state = call?.state ?? 'idle'
  const inCall = state === 'connected'
  const busy = inCall || state === 'asking' || state === 'connecting'
  page.main.dataset['state'] = page.state.dataset['state'] = state
  page.main.classList.toggle('is-interrupted', call?.interrupted === true)
  write(page.state, sentenceFor(call))
  write(page.talkLabel, inCall ? 'Hang up' : busy ? 'Cancel' : 'Talk')
  page.talk.classList.toggle('is-busy', busy)
  page.mute.disabled = !inCall
  page.mute.setAttribute('aria-pressed', String(call?.muted === true))
  page.say.disabled = page.saySend.disabled = !inCall || call?.marks.channel === undefined
}

/** @param {import('./call.js').Call | undefined} call */
function sentenceFor(call) {
  switch (call?.state ?? 'idle') {
    case 'idle':
      return 'Ready when you are.'
    case 'asking':
      return 'The browser asks for the microphone: allow it.'
    case 'connecting':
      return 'Placing the call\u2026'
    case 'connected':
      return connectedSentence(/** @type {import('./call.js').Call} */ (call))
    case 'ended':
      return call?.endedBy === 'server' ? 'The server ended the call.' : 'The call has ended.'
    case 'failed':
      return 'There is no call.'
  }
}

/** @param {import('./call.js').Call} call */
function connectedSentence({ interrupted, muted, path }) {
  if (interrupted) return 'The network is away. Looking for another path\u2026'
  if (muted) return 'Connected. You are muted.'
  if (path.movedFrom !== undefined) return `Moved from ${path.movedFrom} to ${path.relay.id}. Go on.`
  return 'Connected. Say something.'
}

/**
 * Shows how long the call has been connected.
 * @param {import('./call.js').Call | undefined} call
 */
export function showClock(call) {
  const start = call?.marks.connected
  write(page.clock, formatClock(start === undefined ? 0 : performance.now() - start))
}

/**
 * Names the stations; a station nobody has named yet keeps its description.
 * @param {import('./call.js').Call | undefined} call
 */
export function showPath(call) {
  const { relay, transceiver, transport, roundTripMillis } = call?.path ?? new CallPath()
  write(page.you.place, transport ?? '')
  showStation(page.relay, relay, 'the nearest')
  showStation(page.transceiver, transceiver, 'one with room')
  page.roundTrip.hidden = roundTripMillis === undefined
  if (roundTripMillis !== undefined) write(page.roundTripValue, formatMillis(roundTripMillis))
}

/**
 * Names the agent by its model, if the session tells one.
 * @param {unknown} model
 */
export function showAgent(model) {
  showStation(page.agent, typeof model === 'string' ? { id: model } : {}, 'embedded')
}

/**
 * @param {{ name: HTMLElement, place: HTMLElement }} station
 * @param {import('./path.js').Station} named
 * @param {string} description
 */
function showStation({ name, place }, { id, region }, description) {
  write(name, id ?? description)
  name.classList.toggle('is-known', id !== undefined)
  write(place, region ?? '')
}

/**
 * Shows the numbers of the connection; a number that is not known is a dash.
 * @param {import('./stats.js').CallStats} stats
 */
export function showStats(stats) {
  const { remote, protocol, roundTripMillis, jitterMillis, sentPackets, receivedPackets, lostPackets } = stats
  write(page.stats.remote, remote === undefined ? DASH : `${remote} ${protocol ?? ''}`)
  write(page.stats.roundTrip, roundTripMillis === undefined ? DASH : formatMillis(roundTripMillis))
  write(page.stats.jitter, jitterMillis === undefined ? DASH : formatMillis(jitterMillis))
  write(page.stats.sent, sentPackets === undefined ? DASH : formatCount(sentPackets))
  write(page.stats.received, receivedPackets === undefined ? DASH : formatCount(receivedPackets))
  write(page.stats.lost, lostPackets === undefined ? DASH : formatCount(lostPackets))
}

/**
 * Says what went wrong and what to do, or clears it.
 * @param {import('./errors.js').CallProblem | undefined} problem
 */
export function showProblem(problem) {
  page.problem.replaceChildren()
  delete page.problem.dataset['code']
  page.keyForm.hidden = problem?.code !== 'key-needed' && problem?.code !== 'key-refused'
  if (problem === undefined) return
  const { title, advice, code } = describeProblem(problem, window.location.host)
  page.problem.dataset['code'] = problem.code
  page.problem.append(
    textElement('h2', title),
    ...advice.map((sentence) => textElement('p', sentence)),
    textElement('code', code),
  )
  if (!page.keyForm.hidden) page.key.focus()
}

/**
 * @param {string} name
 * @param {string} text
 */
function textElement(name, text) {
  const element = document.createElement(name)
  element.textContent = text
  return element
}

/**
 * Writes only what differs, so that live regions do not repeat themselves.
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

const DASH = '\u2013'
