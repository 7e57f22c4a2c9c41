/** A file within an address, as most servers take it. */
export function dataUrl({ mediaType, data }: { readonly mediaType: string; readonly data: string }): string {
  return `data:${mediaType};base64,${data}`
}

/** What every model can read as it is. */
export function isPlainText(mediaType: string): boolean {
  return /^text\/|^application\/(?:json|xml|yaml)$/.test(mediaType)
}

/** The text in base64; what is not UTF-8 in it is shown as such. */
export function decodedText(data: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0)))
}
