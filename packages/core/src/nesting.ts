/** How deep a value may be nested wherever one is walked: what is deeper is a mistake or an attack on the stack. */
export const deepestNesting = 256
