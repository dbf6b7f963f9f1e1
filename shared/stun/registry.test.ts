import { expect, test } from 'vitest'
import iana from '../../tests/vectors/iana-stun-parameters.json' with { type: 'json' }
import * as registry from './registry.ts'

const constants = Object.entries(registry).flatMap(([name, value]): [string, number][] =>
  typeof value === 'number' ? [[name, value]] : [],
)
const attributes = constants
  .filter(([name]) => name.startsWith('ATTRIBUTE_'))
  .map(([name, value]) => [name.slice('ATTRIBUTE_'.length).replaceAll('_', '-'), value] as const)
const nameByAttribute: Readonly<Record<string, string>> = iana.attributes
const nameByErrorCode: Readonly<Record<string, string>> = iana.errorCodes

/** Spoken by browsers under numbers that the registry gives to others, or to nobody. */
const UNREGISTERED = ['NOMINATION', 'META-DTLS-IN-STUN', 'META-DTLS-IN-STUN-ACKNOWLEDGEMENT']

test.each(attributes.filter(([name]) => !UNREGISTERED.includes(name)))(
  'gives attribute %s the number that IANA gives it',
  (name, value) => {
    expect(nameByAttribute[registryKey(value, 4)]).toBe(name)
  },
)

test('marks as unregistered only what IANA does not know by that name', () => {
  const known = Object.values(nameByAttribute)
  expect(UNREGISTERED.filter((name) => known.includes(name))).toEqual([])
  expect(nameByAttribute[registryKey(registry.ATTRIBUTE_NOMINATION, 4)]).toBe('ENF-FLOW-DESCRIPTION')
})

test('gives every attribute a number of its own', () => {
  expect(new Set(attributes.map(([, value]) => value)).size).toBe(attributes.length)
})

test.each(constants.filter(([name]) => name.startsWith('ERROR_')))(
  'gives %s the code that IANA gives it',
  (name, value) => {
    const words = name.slice('ERROR_'.length).replaceAll('_', ' ')
    expect(nameByErrorCode[String(value)]?.toUpperCase()).toBe(words)
  },
)

test('builds the Binding types of method 0x001 and the four classes, RFC 8489 figure 3', () => {
  const types = [
    registry.BINDING_REQUEST,
    registry.BINDING_INDICATION,
    registry.BINDING_SUCCESS,
    registry.BINDING_ERROR,
  ]
  types.forEach((type, messageClass) => {
    const method = (type & 0x000f) | ((type & 0x00e0) >>> 1) | ((type & 0x3e00) >>> 2)
    expect(iana.methods['0x001']).toBe('Binding')
    expect(method).toBe(0x001)
    expect(((type & 0x0010) >>> 4) | ((type & 0x0100) >>> 7)).toBe(messageClass)
  })
})

test('requires comprehension of the lower half of the attribute types', () => {
  expect(registry.isComprehensionRequired(registry.ATTRIBUTE_USE_CANDIDATE)).toBe(true)
  expect(registry.isComprehensionRequired(0x7fff)).toBe(true)
  expect(registry.isComprehensionRequired(0x8000)).toBe(false)
  expect(registry.isComprehensionRequired(registry.ATTRIBUTE_META_DTLS_IN_STUN)).toBe(false)
})

function registryKey(value: number, digits: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`
}
