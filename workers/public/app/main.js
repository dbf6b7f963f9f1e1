// @ts-check
/**
 * The page: one call at a time, and everything that shows it.
 *
 * For tests and for the curious, `window.firsthop` is a read-only view of the call:
 *   state     'idle' | 'asking' | 'connecting' | 'connected' | 'ended' | 'failed'
 *   marks     browser-side moments by name, as `performance.now()` (see `timeline.js`)
 *   timeline  the rows of the timeline, milliseconds since the microphone was granted
 *   path      relay, transceiver, transport and round trip (see `path.js`)
 *   stats     the last reading of `getStats` (see `stats.js`)
 *   events    the last 500 events: direction, milliseconds since connected, event
 *   problem   undefined, or what went wrong: code, detail in words, HTTP status and API code if any
 *   callPath  path of the call resource, once placed
 */

import { Call } from './call.js'
import { showAgent, showClock, showPath, showProblem, showState, showStats } from './call-view.js'
import { Conversation } from './conversation.js'
import { showTurns } from './conversation-view.js'
import { CallProblem } from './errors.js'
import { EventLog } from './event-log.js'
import { EventLogView } from './event-log-view.js'
import { Sound } from './meters.js'
import { page } from './page.js'
import { PathMap } from './path-map.js'
import { Strip } from './strip.js'
import { timelineRows } from './timeline.js'
import { TimelineView } from './timeline-view.js'

/** @type {Call | undefined} */
let call
/** @type {CallProblem | undefined} */
let problem
/** The key somebody typed; it lives as long as the page. @type {string | undefined} */
let key
/** @type {import('./stats.js').CallStats} */
let stats = {}
let conversation = new Conversation()
const log = new EventLog()
const logView = new EventLogView(log, page.events)
const map = new PathMap(page.drawing)
const timelineView = new TimelineView(page.timeline)
const sound = new Sound({
  you: page.meterYou,
  agent: page.meterAgent,
  strip: new Strip(page.strip),
  map,
  onAgentHeard: () => call?.mark('firstAudioIn'),
})

/** @type {import('./call.js').CallListener} */
const listener = {
  onState() {
    showState(call)
    map.isLive = call?.state === 'connected'
    if (!isBusy()) sound.stop()
  },
  onMark() {
    showState(call)
    timelineView.show(call)
  },
  onPath: showPathAndTimeline,
  onEvent: handleEvent,
  onStats(latest) {
    stats = latest
    showStats(stats)
    // Animation frames stop in a hidden tab; the energy that the browser counts does not.
    if ((stats.heardEnergy ?? 0) > 0) call?.mark('firstAudioIn')
  },
  onMicrophone: (stream) => sound.listen('you', stream),
  onAgentAudio: playAgent,
  onProblem: handleProblem,
}

page.talk.addEventListener('click', () => (isBusy() ? call?.hangUp() : startCall()))
page.mute.addEventListener('click', () => call?.setMuted(!call.muted))
page.sayForm.addEventListener('submit', (submit) => {
  submit.preventDefault()
  const text = page.say.value.trim()
  if (text !== '') call?.say(text)
  page.say.value = ''
})
page.keyForm.addEventListener('submit', (submit) => {
  submit.preventDefault()
  key = page.key.value.trim()
  page.key.value = ''
  startCall()
})
window.addEventListener('pagehide', () => call?.hangUp())
setInterval(() => call?.state === 'connected' && showClock(call), 500)

Object.defineProperty(window, 'firsthop', {
  value: Object.freeze({
    get state() {
      return call?.state ?? 'idle'
    },
    get marks() {
      return { ...call?.marks }
    },
    get timeline() {
      return timelineRows(call?.marks ?? {}, call?.path.timeline ?? {})
    },
    get path() {
      return structuredClone(call?.path)
    },
    get stats() {
      return { ...stats }
    },
    get events() {
      return structuredClone(log.entries)
    },
    get problem() {
      const { code, message: detail, detail: { status, apiCode } = {} } = problem ?? {}
      return code && { code, detail, status, apiCode }
    },
    get callPath() {
      return call?.placed?.callPath
    },
  }),
})

function isBusy() {
  return call !== undefined && ['asking', 'connecting', 'connected'].includes(call.state)
}

function startCall() {
  problem = undefined
  stats = {}
  conversation = new Conversation()
  log.clear()
  logView.clear()
  showProblem(undefined)
  showTurns(page.turns, conversation.turns)
  showStats(stats)
  call = new Call(listener)
  showPath(call)
  showClock(call)
  void call.place(key)
}

function showPathAndTimeline() {
  showState(call)
  showPath(call)
  timelineView.show(call)
}

/**
 * @param {'sent' | 'received'} direction
 * @param {import('./session.js').RealtimeEvent} event
 */
function handleEvent(direction, event) {
  const entry = { direction, at: performance.now() - (call?.marks.connected ?? performance.now()), event }
  log.add(entry)
  logView.add(entry)
  if (event.type === 'session.created') showAgent(event['session']?.model)
  if (conversation.handleEvent(direction, event)) showTurns(page.turns, conversation.turns)
}

/** @param {MediaStream} stream */
function playAgent(stream) {
  page.audio.srcObject = stream
  page.audio.play().catch((error) => {
    if (error.name !== 'NotAllowedError') return
    handleProblem(new CallProblem('sound-blocked'))
    document.addEventListener('click', () => void page.audio.play().then(() => showProblem(undefined)), {
      once: true,
    })
  })
  sound.listen('agent', stream)
}

/** @param {CallProblem} next */
function handleProblem(next) {
  problem = next
  if (next.code === 'key-needed' || next.code === 'key-refused') key = undefined
  showProblem(problem)
}
