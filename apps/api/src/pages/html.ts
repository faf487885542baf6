/** Markup that is safe to send: everything put into it was escaped, or is such markup itself. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Content = Html | string | number | null | undefined | readonly Content[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(content: Content): string {
  if (content instanceof Html) return content.toString();
  if (content === null || content === undefined) return '';
  if (typeof content === 'string')
    return content.replace(/[&<>"']/g, (character) => entities[character] ?? '');
  if (typeof content === 'number') return String(content);
  return content.map(render).join('');
}

/** A template whose values are escaped, in text and in quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  return new Html(strings.map((part, index) => part + render(values[index])).join(''));
}
