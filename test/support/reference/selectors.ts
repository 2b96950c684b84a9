// Selectors as the reference evaluator reads them, from Calico's documentation of their syntax: evaluated while they are
// read, from left to right, with no form in between.

export type Labels = Readonly<Record<string, string>>;

const TOKEN = /\s*('[^']*'|"[^"]*"|&&|\|\||==|!=|[!(){},]|[A-Za-z0-9_./-]+)/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) tokens.push(found[1] ?? '');
  return tokens;
}

/** Takes tokens from the front. */
class Reader {
  readonly #tokens: string[];
  readonly #labels: Labels;

  constructor(text: string, labels: Labels) {
    this.#tokens = tokensOf(text);
    this.#labels = labels;
  }

  take(): string {
    return this.#tokens.shift() ?? '';
  }

  #takeIf(token: string): boolean {
    if (this.#tokens[0] !== token) return false;
    this.take();
    return true;
  }

  /** Both sides are read whatever the first says. */
  or(): boolean {
    let holds = this.#and();
    while (this.#takeIf('||')) holds = this.#and() || holds;
    return holds;
  }

  #and(): boolean {
    let holds = this.#not();
    while (this.#takeIf('&&')) holds = this.#not() && holds;
    return holds;
  }

  #not(): boolean {
    return this.#takeIf('!') ? !this.#not() : this.#atom();
  }

  #atom(): boolean {
    const word = this.take();
    if (word === '(') return this.#closing(this.or());
    if ((word === 'all' || word === 'global') && this.#takeIf('(')) return this.#closing(true);
    if (word === 'has' && this.#takeIf('(')) return this.#closing(this.#labels[this.take()] !== undefined);
    return this.#compare(this.#labels[word]);
  }

  #closing(holds: boolean): boolean {
    if (!this.#takeIf(')')) throw new Error('no ")"');
    return holds;
  }

  #text(): string {
    return this.take().slice(1, -1);
  }

  #set(): readonly string[] {
    const texts: string[] = [];
    this.take();
    while (!this.#takeIf('}')) {
      texts.push(this.#text());
      this.#takeIf(',');
    }
    return texts;
  }

  /** Without the label, what is said in the negative holds. */
  #compare(value: string | undefined): boolean {
    const operator = this.take();
    switch (operator) {
      case '==':
        return value === this.#text();
      case '!=':
        return value !== this.#text();
      case 'in':
        return this.#set().includes(value ?? ' ');
      case 'not':
        this.take();
        return !this.#set().includes(value ?? ' ');
      case 'contains':
        return (value ?? '').includes(this.#text()) && value !== undefined;
      case 'starts':
        this.take();
        return (value ?? '').startsWith(this.#text()) && value !== undefined;
      case 'ends':
        this.take();
        return (value ?? '').endsWith(this.#text()) && value !== undefined;
      default:
        throw new Error(`no operator "${operator}"`);
    }
  }
}

/** Whether labels satisfy a selector; an empty one takes all. */
export function selects(text: string | undefined, labels: Labels): boolean {
  if (text === undefined || text.trim() === '') return true;
  const reader = new Reader(text, labels);
  const holds = reader.or();
  const rest = reader.take();
  if (rest !== '') throw new Error(`selector ${text}: "${rest}" is left`);
  return holds;
}
