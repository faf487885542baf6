import type { MurnauError } from '@murnau/domain';
import { html, type Html } from './html.js';
import { layout } from './layout.js';

export function errorPage(error: MurnauError, detail: string, temporalUiUrl: string): Html {
  const isLocked = error.code === 'auth.missing';
  return layout({
    title: isLocked ? 'Please come in by the link' : 'Sorry',
    section: undefined,
    isMessage: true,
    temporalUiUrl,
    content: html`<section class="message">
      <h1>${isLocked ? 'Please come in by the link' : detail}</h1>
      <p>
        ${
          isLocked
            ? html`<code>murnau dashboards</code> prints a link that is good once, for two minutes; this
                browser is known from then on.`
            : error.kind.nextStep
        }
      </p>
      <p class="under"><code>${error.code}</code></p>
    </section>`,
  });
}

export const loggedOutPage = (temporalUiUrl: string): Html =>
  layout({
    title: 'Logged out',
    section: undefined,
    isMessage: true,
    temporalUiUrl,
    content: html`<section class="message">
      <h1>This browser is logged out</h1>
      <p><code>murnau dashboards</code> prints a link that lets it in again.</p>
    </section>`,
  });

/**
 * Goes on by a refresh of this very origin, not by a redirect: the cookie is SameSite=Strict, and a browser leaves it
 * out of a redirect that began at a link on another site (a terminal in a web page, a chat).
 */
export function loginPage(to: string): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="refresh" content="0; url=${to}" />
        <title>murnau</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/style.css" />
      </head>
      <body>
        <main>
          <p>Welcome. <a href="${to}">Go on</a></p>
        </main>
      </body>
    </html>`;
}
