// @ts-check
/**
 * The elements of `index.html` that the code touches, each looked up once and checked for its type.
 *
 * An id that is renamed in one place only fails here, at load, by name.
 */

/**
 * @template {Element} T
 * @param {string} id
 * @param {{ new (): T }} type
 * @returns {T}
 */
function element(id, type) {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new TypeError(`The page has no ${type.name} #${id}`)
  return found
}

/** Every element the code touches, by what it is for. */
export const page = {
  main: element('page', HTMLElement),
  drawing: element('path-drawing', SVGSVGElement),
  you: { name: element('you-name', HTMLElement), place: element('you-place', HTMLElement) },
  relay: { name: element('relay-name', HTMLElement), place: element('relay-place', HTMLElement) },
  transceiver: {
    name: element('transceiver-name', HTMLElement),
    place: element('transceiver-place', HTMLElement),
  },
  agent: { name: element('agent-name', HTMLElement), place: element('agent-place', HTMLElement) },
  roundTrip: element('round-trip', HTMLElement),
  roundTripValue: element('round-trip-value', HTMLElement),

  talk: element('talk', HTMLButtonElement),
  talkLabel: element('talk-label', HTMLElement),
  mute: element('mute', HTMLButtonElement),
  state: element('state', HTMLElement),
  clock: element('clock', HTMLElement),
  meterYou: element('meter-you', HTMLElement),
  meterAgent: element('meter-agent', HTMLElement),
  strip: element('strip', HTMLCanvasElement),
  audio: element('agent-audio', HTMLAudioElement),

  problem: element('problem', HTMLElement),
  keyForm: element('key-form', HTMLFormElement),
  key: element('key', HTMLInputElement),

  stats: {
    remote: element('stat-remote', HTMLElement),
    roundTrip: element('stat-round-trip', HTMLElement),
    jitter: element('stat-jitter', HTMLElement),
    sent: element('stat-sent', HTMLElement),
    received: element('stat-received', HTMLElement),
    lost: element('stat-lost', HTMLElement),
  },

  turns: element('turns', HTMLElement),
  sayForm: element('say-form', HTMLFormElement),
  say: element('say', HTMLInputElement),
  saySend: element('say-send', HTMLButtonElement),

  timeline: {
    rows: element('timeline-rows', HTMLElement),
    ticks: element('ticks', HTMLElement),
    connected: element('figure-connected', HTMLElement),
    heard: element('figure-heard', HTMLElement),
    worker: element('worker-timing', HTMLElement),
  },

  events: {
    list: element('event-list', HTMLElement),
    frequent: element('events-frequent', HTMLInputElement),
    copy: element('events-copy', HTMLButtonElement),
    save: element('events-save', HTMLButtonElement),
    count: element('event-count', HTMLElement),
  },
}
