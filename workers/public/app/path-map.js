// @ts-check
/**
 * Draws the path of the call as a chart: you, the relay, the transceiver, the agent.
 *
 * The drawing is an SVG that follows its box pixel by pixel, so that strokes and symbols keep their size
 * on every screen; the names are HTML on top of it. The style sheet colours the legs by the state of the
 * call. Pulses run along the course with the sound: up with your voice, down with the agent's.
 */

/** @typedef {{ x: number, y: number }} Point */

/** The drawing inside one `<svg>`, redrawn whenever its size changes. */
export class PathMap {
  /** Whether sound travels: without a call, a voice goes nowhere. */
  isLive = false
  #svg
  #course = create('path', { class: 'course-line' })
  #legs = [0, 1, 2].map((leg) => create('path', { class: 'leg', 'data-leg': String(leg) }))
  #grid = create('path', { class: 'graticule' })
  #rings = RING_SHARES.map((_, ring) => {
    const circle = create('circle', { class: 'ring' })
    circle.style.animationDelay = `${ring * RING_DELAY_MILLIS}ms`
    return circle
  })
  #frame = create('path', { class: 'neatline' })
  #stations = SYMBOLS.map(({ station, shape }) => {
    const group = create('g', { class: 'symbol', 'data-station': station })
    group.append(
      create('path', { class: 'symbol-halo', d: HALO }),
      create('path', { class: 'symbol-shape', d: shape }),
    )
    return group
  })
  #pulses = create('g', { class: 'pulses' })
  /** @type {{ element: SVGElement, up: boolean, born: number }[]} */
  #flying = []
  #lastPulse = { up: 0, down: 0 }
  #still = matchMedia('(prefers-reduced-motion: reduce)')

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.#svg = svg
    svg.append(
      this.#grid,
      ...this.#rings,
      this.#frame,
      this.#course,
      ...this.#legs,
      this.#pulses,
      ...this.#stations,
    )
    new ResizeObserver(() => this.#layOut()).observe(svg)
  }

  /** Whether nothing moves, so that the animation may stop. */
  get isStill() {
    return this.#flying.length === 0
  }

  /**
   * Sends pulses for the sound of this moment and moves those on their way.
   * @param {number} you    dBFS
   * @param {number} agent  dBFS
   * @param {number} now    milliseconds
   */
  show(you, agent, now) {
    if (this.isLive && !this.#still.matches) {
      if (you > PULSE_DECIBELS) this.#launch('up', now)
      if (agent > PULSE_DECIBELS) this.#launch('down', now)
    }
    this.#flying = this.#flying.filter((pulse) => this.#fly(pulse, now))
  }

  /**
   * @param {'up' | 'down'} direction
   * @param {number} now
   */
  #launch(direction, now) {
    if (now - this.#lastPulse[direction] < PULSE_INTERVAL_MILLIS) return
    this.#lastPulse[direction] = now
    const element = create('circle', { class: 'pulse', 'data-direction': direction, r: '3.5' })
    this.#pulses.append(element)
    this.#flying.push({ element, up: direction === 'up', born: now })
  }

  /**
   * @param {{ element: SVGElement, up: boolean, born: number }} pulse
   * @param {number} now
   */
  #fly({ element, up, born }, now) {
    const progress = (now - born) / PULSE_FLIGHT_MILLIS
    if (progress >= 1) {
      element.remove()
      return false
    }
    const { x, y } = this.#course.getPointAtLength(
      this.#course.getTotalLength() * (up ? progress : 1 - progress),
    )
    // The directions keep to their own side of the line, as traffic does.
    element.setAttribute('transform', `translate(${x} ${y + (up ? -5 : 5)})`)
    return true
  }

  #layOut() {
    const { clientWidth: width, clientHeight: height } = this.#svg
    if (width === 0) return
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
    const points = SYMBOLS.map(({ x, y }) => ({ x: x * width, y: y * height }))
    const arcs = LEG_BENDS.map((bend, leg) => arc(at(points, leg), at(points, leg + 1), bend))
    this.#course.setAttribute('d', arcs.join(' '))
    this.#legs.forEach((leg, index) => leg.setAttribute('d', arcs[index] ?? ''))
    this.#stations.forEach((group, index) => {
      const { x, y } = at(points, index)
      group.setAttribute('transform', `translate(${x} ${y})`)
    })
    this.#layOutSheet(width, height, at(points, 0))
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {Point} home
   */
  #layOutSheet(width, height, home) {
    const step = width / Math.max(6, Math.round(width / GRID_STEP))
    this.#grid.setAttribute('d', graticule(width, height, step))
    this.#frame.setAttribute('d', neatline(width, height, step / 2))
    this.#rings.forEach((ring, index) => {
      ring.setAttribute('cx', String(home.x))
      ring.setAttribute('cy', String(home.y))
      ring.setAttribute('r', String((RING_SHARES[index] ?? 0) * Math.max(width, height)))
    })
  }
}

/**
 * An arc between two stations, bent sideways by a share of its length.
 * @param {Point} from
 * @param {Point} to
 * @param {number} bend
 */
function arc(from, to, bend) {
  const x = (from.x + to.x) / 2 - (to.y - from.y) * bend
  const y = (from.y + to.y) / 2 + (to.x - from.x) * bend
  return `M${from.x} ${from.y}Q${x} ${y} ${to.x} ${to.y}`
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} step
 */
function graticule(width, height, step) {
  let d = ''
  for (let x = step; x < width - 1; x += step) d += `M${x} 0V${height}`
  for (let y = step; y < height - 1; y += step) d += `M0 ${y}H${width}`
  return d
}

/**
 * The divided border of a chart: every other step is filled.
 * @param {number} width
 * @param {number} height
 * @param {number} step
 */
function neatline(width, height, step) {
  let d = ''
  for (let x = 0; x < width - 1; x += 2 * step) d += `M${x} 2.5h${step}M${width - x} ${height - 2.5}h${-step}`
  return d
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} index
 * @returns {T}
 */
function at(list, index) {
  return /** @type {T} */ (list[index])
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @returns {any}
 */
function create(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  return element
}

/** Where the stations stand, as shares of the sheet, and their symbols around (0, 0). */
const SYMBOLS = [
  {
    station: 'you',
    x: 0.1,
    y: 0.58,
    shape: 'M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0',
  },
  { station: 'relay', x: 0.37, y: 0.46, shape: 'M0 -8.5L8 5.5H-8Z' },
  { station: 'transceiver', x: 0.64, y: 0.55, shape: 'M-6.5 -6.5H6.5V6.5H-6.5Z' },
  { station: 'agent', x: 0.9, y: 0.42, shape: 'M0 -9L2.6 -2.6L9 0L2.6 2.6L0 9L-2.6 2.6L-9 0L-2.6 -2.6Z' },
]
const HALO = 'M-13 0a13 13 0 1 0 26 0a13 13 0 1 0 -26 0'
const LEG_BENDS = [-0.12, 0.1, -0.12]

/** Range rings around you, as shares of the sheet's longer side. */
const RING_SHARES = [0.08, 0.18, 0.28, 0.38, 0.48, 0.58, 0.68, 0.78, 0.88]
const RING_DELAY_MILLIS = 120
const GRID_STEP = 64

const PULSE_DECIBELS = -42
const PULSE_INTERVAL_MILLIS = 140
const PULSE_FLIGHT_MILLIS = 1100
