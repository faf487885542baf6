import { type Content, html, type Html } from './html.js';

export interface PageFrame {
  title: string;
  /** Path of the navigation's entry that this page belongs to. */
  section: '/' | '/workers' | undefined;
  temporalUiUrl: string;
  /** Stream whose events make the page fetch itself again. */
  eventsUrl?: string;
  /** Without a stream: how often the page looks by itself. */
  refreshMs?: number;
  /** A message, perhaps to somebody outside: there is no session to leave. */
  isMessage?: boolean;
  content: Content;
}

const navigation = [
  { path: '/', name: 'Home' },
  { path: '/workers', name: 'Workers' },
] as const;

export function layout(frame: PageFrame): Html {
  const { title, section, temporalUiUrl, eventsUrl, refreshMs, isMessage = false, content } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · murnau</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/style.css" />
        <script src="/assets/live.js" defer></script>
      </head>
      <body data-events="${eventsUrl}" data-refresh-ms="${refreshMs}">
        <header class="top">
          <a class="mark" href="/"><img src="/assets/icon.svg" alt="" width="26" height="26" />murnau</a>
          <nav>
            ${navigation.map(
              ({ path, name }) =>
                html`<a href="${path}" ${path === section ? html`aria-current="page"` : null}>${name}</a>`,
            )}
            <a href="${temporalUiUrl}" target="_blank" rel="noopener"
              >Temporal <span aria-hidden="true">↗</span></a
            >
          </nav>
          <span id="live" class="live" hidden>live</span>
          ${
            isMessage
              ? null
              : html`<form class="leave" method="post" action="/logout">
                  <button class="button" type="submit">Log out</button>
                </form>`
          }
        </header>
        <main>${content}</main>
      </body>
    </html>`;
}

/** A part of a page that is replaced when it has changed. */
export function section(id: string, heading: Content, content: Content, note?: Content): Html {
  return html`<section id="${id}" data-live>
    <h2>${heading}${note === undefined ? null : html` <small>${note}</small>`}</h2>
    ${content}
  </section>`;
}
