// @ts-check
/**
 * Shows the conversation as a script: who, then what they said.
 *
 * It is not a live region: a screen reader that reads the agent's words over the agent's voice helps
 * nobody, and the microphone would hear it.
 */

/**
 * Brings the list up to date with the turns, touching only what changed.
 * @param {HTMLElement} list
 * @param {readonly import('./conversation.js').Turn[]} turns
 */
export function showTurns(list, turns) {
  const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  while (list.childElementCount > turns.length) list.firstElementChild?.remove()
  turns.forEach((turn, index) => {
    const row = /** @type {HTMLElement} */ (list.children[index] ?? list.appendChild(emptyRow()))
    row.dataset['speaker'] = turn.speaker
    row.dataset['status'] = turn.status
    write(row.querySelector('.speaker'), turn.speaker)
    write(row.querySelector('.words'), wordsOf(turn))
    write(row.querySelector('.aside'), asideOf(turn))
  })
  if (follows) list.scrollTop = list.scrollHeight
}

function emptyRow() {
  const row = document.createElement('li')
  const speaker = document.createElement('span')
  speaker.className = 'speaker'
  const words = document.createElement('span')
  words.className = 'words'
  const aside = document.createElement('span')
  aside.className = 'aside'
  row.append(speaker, words, aside)
  return row
}

/** @param {import('./conversation.js').Turn} turn */
function wordsOf({ text, speaker, status }) {
  if (text !== '' || speaker === 'agent') return text
  return status === 'live' ? 'speaking\u2026' : ''
}

/** @param {import('./conversation.js').Turn} turn */
function asideOf({ status, spokenMillis, speaker, text }) {
  if (status === 'interrupted') return 'interrupted'
  if (speaker === 'agent' || spokenMillis === undefined) return ''
  const length = `${(spokenMillis / 1000).toFixed(1)} s`
  return text === '' ? `spoke for ${length}` : length
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function write(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text
}
