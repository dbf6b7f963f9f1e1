// @ts-check
/**
 * Who said what: folds the Realtime events of a call into a list of turns.
 *
 * A turn of yours starts as speech of unknown words; a backend that transcribes fills them in, and one
 * that does not leaves its length. Turns that the agent did not finish are marked, because barge-in is
 * one of the things to see here. Drawing is `conversation-view.js`.
 */

/**
 * @typedef {object} Turn
 * @property {string} id            the conversation item's
 * @property {'you' | 'agent'} speaker
 * @property {string} text
 * @property {'live' | 'done' | 'interrupted'} status
 * @property {number} [startMillis]   where in the input audio your speech started
 * @property {number} [spokenMillis]  how long you spoke
 */

/** The turns of one call, oldest first, the last `TURN_LIMIT` of them. */
export class Conversation {
  /** @type {Turn[]} */
  turns = []
  /** @type {Map<string, string>} */
  #itemByResponse = new Map()

  /**
   * Takes one event of the data channel; says whether a turn changed.
   * @param {'sent' | 'received'} direction
   * @param {Record<string, any>} event
   * @returns {boolean}
   */
  handleEvent(direction, event) {
    return direction === 'sent' ? this.#handleSent(event) : this.#handleReceived(event)
  }

  /** @param {Record<string, any>} event */
  #handleSent(event) {
    const part = event.item?.content?.[0]
    if (event.type !== 'conversation.item.create' || part?.type !== 'input_text') return false
    Object.assign(this.#turn(String(event.item.id ?? event.event_id), 'you'), {
      text: part.text,
      status: 'done',
    })
    return true
  }

  /** @param {Record<string, any>} event */
  #handleReceived(event) {
    switch (event.type) {
      case 'input_audio_buffer.speech_started':
        this.#turn(event.item_id, 'you').startMillis = event.audio_start_ms
        return true
      case 'input_audio_buffer.speech_stopped':
        return this.#change(event.item_id, (turn) => {
          turn.status = 'done'
          if (turn.startMillis !== undefined) turn.spokenMillis = event.audio_end_ms - turn.startMillis
        })
      case 'conversation.item.input_audio_transcription.delta':
        return this.#change(event.item_id, (turn) => (turn.text += event.delta ?? ''))
      case 'conversation.item.input_audio_transcription.completed':
        return this.#change(event.item_id, (turn) => (turn.text = event.transcript ?? turn.text))
      case 'response.output_audio_transcript.delta':
      case 'response.output_text.delta':
        this.#itemByResponse.set(event.response_id, event.item_id)
        this.#turn(event.item_id, 'agent').text += event.delta ?? ''
        return true
      case 'response.output_audio_transcript.done':
        return this.#change(event.item_id, (turn) => (turn.text = event.transcript ?? turn.text))
      case 'response.output_text.done':
        return this.#change(event.item_id, (turn) => (turn.text = event.text ?? turn.text))
      case 'response.done':
        return this.#finish(event.response)
      case 'conversation.item.truncated':
        return this.#change(event.item_id, (turn) => (turn.status = 'interrupted'))
      default:
        return false
    }
  }

  /** @param {Record<string, any> | undefined} response */
  #finish(response) {
    const item = this.#itemByResponse.get(response?.id)
    this.#itemByResponse.delete(response?.id)
    return this.#change(item, (turn) => {
      if (turn.status === 'live') turn.status = response?.status === 'cancelled' ? 'interrupted' : 'done'
    })
  }

  /**
   * @param {string | undefined} id
   * @param {(turn: Turn) => void} change
   */
  #change(id, change) {
    const turn = this.turns.find((known) => known.id === id)
    if (turn === undefined) return false
    change(turn)
    return true
  }

  /**
   * @param {string} id
   * @param {'you' | 'agent'} speaker
   * @returns {Turn}
   */
  #turn(id, speaker) {
    const known = this.turns.find((turn) => turn.id === id)
    if (known !== undefined) return known
    /** @type {Turn} */
    const turn = { id, speaker, text: '', status: 'live' }
    this.turns.push(turn)
    if (this.turns.length > TURN_LIMIT) this.turns.shift()
    return turn
  }
}

const TURN_LIMIT = 200
