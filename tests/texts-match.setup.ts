import { expect } from 'vitest'

// `toMatchObject({ message: /…/ })` compares the members of the expression, of which there are none: without this it
// holds for every text.
expect.addEqualityTesters([
  (received: unknown, expected: unknown) =>
    expected instanceof RegExp && typeof received === 'string' ? expected.test(received) : undefined,
])
