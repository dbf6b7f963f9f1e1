// @ts-check
/**
 * The talk between page and agent on the data channel `oai-events`: JSON events, one to a message.
 *
 * It speaks OpenAI's Realtime events: asks to be greeted once the session exists, passes on what is
 * typed. On top it asks every two seconds which path carries the call, until a server answers that it
 * does not know the question.
 */

/**
 * @typedef {{ type: string, [field: string]: any }} RealtimeEvent
 *
 * @typedef {object} SessionListener
 * @property {() => void} onOpen
 * @property {(direction: 'sent' | 'received', event: RealtimeEvent) => void} onEvent  every one, in order
 * @property {() => void} onClose  the server ended the session; a lost network leaves the channel open
 */

/** The events of one call. */
export class Session {
  #channel
  #listener
  #lastEventNumber = 0
  /** The event id of the last question for the path. */
  #pathQuestion = ''
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pathTimer

  /**
   * @param {RTCDataChannel} channel
   * @param {SessionListener} listener
   */
  constructor(channel, listener) {
    this.#channel = channel
    this.#listener = listener
    channel.addEventListener('open', () => listener.onOpen())
    channel.addEventListener('message', ({ data }) => this.#receive(parseEvent(data)))
    channel.addEventListener('close', () => listener.onClose())
  }

  /**
   * Says something in writing and asks for the agent's answer.
   * @param {string} text
   */
  say(text) {
    const content = [{ type: 'input_text', text }]
    this.#send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
    this.#send({ type: 'response.create' })
  }

  /** Stops asking; the channel closes with its peer connection. */
  stop() {
    clearInterval(this.#pathTimer)
  }

  /** @param {RealtimeEvent | undefined} event */
  #receive(event) {
    if (event === undefined) return
    this.#listener.onEvent('received', event)
    if (event.type === 'session.created') this.#start()
    if (event.type === 'error' && event.error?.event_id === this.#pathQuestion) this.stop()
  }

  #start() {
    this.#send({ type: 'response.create' })
    this.#askForPath()
    this.#pathTimer = setInterval(() => this.#askForPath(), PATH_INTERVAL_MILLIS)
  }

  #askForPath() {
    this.#pathQuestion = this.#send({ type: 'firsthop.path.retrieve' })
  }

  /**
   * Sends an event under an id of its own, which a server's `error` refers to.
   * @param {RealtimeEvent} event
   */
  #send(event) {
    const id = `page_${++this.#lastEventNumber}`
    const sent = { event_id: id, ...event }
    if (this.#channel.readyState !== 'open') return id
    this.#channel.send(JSON.stringify(sent))
    this.#listener.onEvent('sent', sent)
    return id
  }
}

/** @param {unknown} data @returns {RealtimeEvent | undefined} */
function parseEvent(data) {
  try {
    const event = JSON.parse(String(data))
    return typeof event?.type === 'string' ? event : undefined
  } catch {
    return undefined
  }
}

const PATH_INTERVAL_MILLIS = 2000
