// @ts-check
/**
 * Everything that can go wrong with a call from the page, and what a person can do about it.
 *
 * A failure is a `CallProblem` with a code from a closed union; `describeProblem` turns it into words.
 * The words are for somebody who has never heard of ICE; the code and the API's own message stay visible
 * for the one who has.
 */

/**
 * @typedef {'insecure-context' | 'webrtc-missing' | 'microphone-refused' | 'microphone-refused-by-system'
 *   | 'microphone-missing' | 'microphone-busy' | 'microphone-lost' | 'key-needed' | 'key-refused'
 *   | 'call-refused' | 'api-unreachable' | 'answer-unusable' | 'path-not-found' | 'call-lost'
 *   | 'sound-blocked'} ProblemCode
 *
 * @typedef {object} ProblemDetail
 * @property {string} [message]  what the API or the browser said
 * @property {string} [apiCode]  the API's own `error.code`
 * @property {number} [status]   the HTTP status
 * @property {string[]} [addresses]  the addresses that the page tried to reach
 *
 * @typedef {object} ProblemText
 * @property {string} title
 * @property {string[]} advice   one sentence for each thing to try, best first
 * @property {string} code       the line for a bug report
 */

/** A call that could not be placed or could not go on; `code` says why. */
export class CallProblem extends Error {
  /**
   * @param {ProblemCode} code
   * @param {ProblemDetail} [detail]
   */
  constructor(code, detail = {}) {
    super(detail.message ?? code)
    this.name = 'CallProblem'
    this.code = code
    this.detail = detail
  }
}

/**
 * Classifies what `getUserMedia` threw, by the names of Media Capture and Streams section 10.2.
 * @param {unknown} error
 * @returns {CallProblem}
 */
export function problemOfMicrophone(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const detail = { message: message === '' ? name : `${name}: ${message}` }
  switch (name) {
    case 'NotAllowedError':
      // Chromium words it "Permission denied by system" when macOS or Windows said no.
      return new CallProblem(
        /system/i.test(message) ? 'microphone-refused-by-system' : 'microphone-refused',
        detail,
      )
    case 'SecurityError':
      return new CallProblem('microphone-refused', detail)
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new CallProblem('microphone-missing', detail)
    default:
      return new CallProblem('microphone-busy', detail)
  }
}

/**
 * Says what happened and what to do, for the page at `host`.
 * @param {CallProblem} problem
 * @param {string} host  host and port of the page
 * @returns {ProblemText}
 */
export function describeProblem(problem, host) {
  const { title, advice } = wordsFor(problem, host)
  return { title, advice, code: codeLine(problem) }
}

/**
 * @param {CallProblem} problem
 * @param {string} host
 */
function wordsFor({ code, detail }, host) {
  switch (code) {
    case 'insecure-context':
      return {
        title: 'This page may not use a microphone',
        advice: [
          'Browsers hand the microphone only to pages loaded over HTTPS, or from localhost.',
          `On the machine that runs Firsthop, open http://localhost${portOf(host)} instead.`,
          'From another device, such as a phone, put HTTPS in front of this address, or deploy the Worker.',
        ],
      }
    case 'webrtc-missing':
      return {
        title: 'This browser has no WebRTC',
        advice: [
          'Open the page in a current Chrome, Edge, Firefox or Safari. Some in-app browsers leave it out.',
        ],
      }
    case 'microphone-refused':
      return {
        title: 'The microphone was refused',
        advice: [
          'Open the site settings (the icon left of the address; in Safari, the page menu) and set Microphone to Allow.',
          'Then press Talk again. If the browser does not ask, reload the page first.',
        ],
      }
    case 'microphone-refused-by-system':
      return {
        title: 'The system keeps the microphone from this browser',
        advice: [
          'macOS: System Settings, Privacy & Security, Microphone: turn this browser on, then restart it.',
          'Windows: Settings, Privacy & security, Microphone: let desktop apps use it.',
          'Phone: Settings, Apps, this browser, Permissions: allow the microphone.',
        ],
      }
    case 'microphone-missing':
      return {
        title: 'No microphone was found',
        advice: ['Plug in or switch on a microphone or a headset, then press Talk again.'],
      }
    case 'microphone-busy':
      return {
        title: 'The microphone is in use',
        advice: [
          'Another program holds it: close the meeting or recorder that does, then press Talk again.',
          'If nothing else uses it, unplug the microphone and plug it in again.',
        ],
      }
    case 'microphone-lost':
      return {
        title: 'The microphone went away',
        advice: [
          'The agent can no longer hear you; you can still type to it.',
          'Connect the microphone again, hang up, and press Talk.',
        ],
      }
    case 'key-needed':
      return {
        title: 'This deployment asks for a key',
        advice: [
          'Enter an API key, or an ephemeral key that starts with ek_. The page keeps it until you leave.',
        ],
      }
    case 'key-refused':
      return {
        title: 'The key was not accepted',
        advice: ['It may have expired or belong to another deployment. Enter a fresh one.'],
      }
    case 'call-refused':
      return {
        title: 'The call was not accepted',
        advice: [
          detail.message ?? 'The server gave no reason.',
          (detail.status ?? 0) >= 500 || detail.status === 429
            ? 'Wait a moment and press Talk again. If it stays so, look at the output of npm start.'
            : 'Trying again will not help before that is put right.',
        ],
      }
    case 'api-unreachable':
      return {
        title: 'The server does not answer',
        advice: [
          `Check that Firsthop still runs at ${host} and that this device is online, then press Talk again.`,
        ],
      }
    case 'answer-unusable':
      return {
        title: 'The server sent an answer this browser cannot use',
        advice: ['This is a defect: please report it with the line below and your browser’s version.'],
      }
    case 'path-not-found':
      return {
        title: 'No packet reached a relay',
        advice: [
          'The call was accepted, but something between this device and the relays drops its packets: a firewall or a VPN.',
          ...triedAddresses(detail.addresses),
          'Turn the VPN off or try another network, then press Talk again.',
        ],
      }
    case 'call-lost':
      return {
        title: 'The call was lost',
        advice: ['The network was away for too long. Check the connection, then press Talk to call again.'],
      }
    case 'sound-blocked':
      return {
        title: 'The browser holds back the sound',
        advice: ['Click or tap anywhere on the page to hear the agent.'],
      }
  }
}

/** @param {string} host */
function portOf(host) {
  return /:\d+$/.exec(host)?.[0] ?? ''
}

/** @param {string[] | undefined} addresses */
function triedAddresses(addresses) {
  return addresses === undefined || addresses.length === 0
    ? []
    : [`It must let through: ${addresses.join(', ')}.`]
}

/** @param {CallProblem} problem */
function codeLine({ code, detail }) {
  const parts = [/** @type {string} */ (code)]
  if (detail.status !== undefined) parts.push(`HTTP ${detail.status}`)
  if (detail.apiCode !== undefined) parts.push(detail.apiCode)
  if (detail.message !== undefined && code !== 'call-refused') parts.push(detail.message)
  return parts.join(' · ')
}
