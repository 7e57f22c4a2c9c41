type Say = (kind: 'text' | 'reasoning', text: string) => void

/**
 * Takes `<think>…</think>` out of the text of a model whose server leaves it there, also where a tag is cut in two. Only
 * what begins the answer, or follows such reasoning at once, is a tag: later on it is something that the model speaks of.
 */
export class ThinkTags {
  private state: 'start' | 'inside' | 'text' = 'start'
  private held = ''
  /** Whether nothing but blanks is held, of which some models write very many. */
  private blank = true
  /** Whether reasoning came before: then the blank lines between it and the text are nobody's. */
  private after = false

  constructor(private readonly say: Say) {}

  take(text: string): void {
    if (this.state === 'text') {
      if (text !== '') this.say('text', text)
      return
    }
    this.held += text
    if (this.blank && this.state === 'start' && text.trim() === '') return
    // Each step says whether there may be more to do with what is held.
    while (this.held !== '' && (this.state === 'inside' ? this.inside() : this.start()));
    this.blank = this.held.trim() === ''
  }

  end(): void {
    const inside = this.state === 'inside'
    const rest = this.after && !inside ? this.held.trimStart() : this.held
    if (rest !== '') this.say(inside ? 'reasoning' : 'text', rest)
    this.held = ''
  }

  private start(): boolean {
    const trimmed = this.held.trimStart()
    if (trimmed.startsWith('<think>')) {
      this.state = 'inside'
      this.held = trimmed.slice('<think>'.length)
      return true
    }
    if ('<think>'.startsWith(trimmed)) return false
    this.state = 'text'
    this.say('text', this.after ? trimmed : this.held)
    this.held = ''
    return false
  }

  private inside(): boolean {
    const tag = '</think>'
    const at = this.held.indexOf(tag)
    if (at !== -1) {
      if (at > 0) this.say('reasoning', this.held.slice(0, at))
      this.held = this.held.slice(at + tag.length)
      this.state = 'start'
      this.after = true
      return true
    }
    const keep = longestStart(this.held, tag)
    const whole = this.held.slice(0, this.held.length - keep)
    if (whole !== '') this.say('reasoning', whole)
    this.held = this.held.slice(this.held.length - keep)
    return false
  }
}

/** How many characters at the end of a text could be the beginning of the tag. */
function longestStart(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length
  return 0
}
