// Keeps a page fresh: whenever its stream says that something happened (or, without a stream, from time to time), the
// page is fetched again and every part marked data-live that has changed is replaced.
const { events, refreshMs } = document.body.dataset;
const badge = document.getElementById('live');
const least = 1000;
let last = 0;
let timer;

async function refresh() {
  timer = undefined;
  last = Date.now();
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const parts = [...fresh.querySelectorAll('[data-live]')];
  const namesOf = (page) => [...page.querySelectorAll('[data-live]')].map(({ id }) => id).join();
  if (namesOf(fresh) !== namesOf(document)) {
    document.querySelector('main').replaceWith(fresh.querySelector('main'));
    return;
  }
  for (const part of parts) replace(document.getElementById(part.id), part);
}

function replace(old, part) {
  // What the visitor did to the old part is not a change of the page.
  for (const details of part.querySelectorAll('details[id]')) {
    details.open = document.getElementById(details.id)?.open ?? false;
  }
  if (old.isEqualNode(part)) return;
  for (const input of part.querySelectorAll('input[id]')) {
    const before = document.getElementById(input.id);
    if (before === null) continue;
    input.checked = before.checked;
    if (input.type === 'text') input.value = before.value;
  }
  const focused = document.activeElement?.id;
  const scrolls = [...part.querySelectorAll('.scroll[id]')].map(({ id }) => {
    const { scrollLeft, scrollWidth, clientWidth } = document.getElementById(id) ?? {};
    // A table that was scrolled to its newest column stays there as it grows.
    return { id, left: scrollLeft + clientWidth >= scrollWidth - 4 ? Number.MAX_SAFE_INTEGER : scrollLeft };
  });
  old.replaceWith(part);
  for (const { id, left } of scrolls) if (left > 0) document.getElementById(id).scrollLeft = left;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// A form says where its values go, as one JSON document; boxes of one name are a list of numbers.
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset.post) return;
  event.preventDefault();
  const values = {};
  for (const { type, name, value, checked } of form.elements) {
    if (type === 'checkbox') values[name] = [...(values[name] ?? []), ...(checked ? [Number(value)] : [])];
    else if (name !== '') values[name] = value;
  }
  const problem = form.querySelector('[role=alert]');
  problem.hidden = true;
  const headers = { 'content-type': 'application/json' };
  const refused = await fetch(form.dataset.post, {
    method: 'POST',
    headers,
    body: JSON.stringify(values),
  }).then(
    async (answer) => (answer.ok ? undefined : (await answer.json()).detail),
    (error) => error.message,
  );
  problem.textContent = refused ?? '';
  problem.hidden = refused === undefined;
  if (refused === undefined) soon();
});

function soon() {
  if (document.hidden) return;
  timer ??= setTimeout(() => refresh().catch(() => {}), Math.max(0, last + least - Date.now()));
}

if (events) {
  const stream = new EventSource(events);
  stream.onopen = () => {
    badge.hidden = false;
    badge.classList.remove('away');
    soon();
  };
  stream.onerror = () => badge.classList.add('away');
  for (const name of ['event', 'run', 'sweep', 'generation']) stream.addEventListener(name, soon);
  stream.addEventListener('end', () => {
    stream.close();
    badge.hidden = true;
    soon();
  });
} else if (Number(refreshMs) > 0) {
  setInterval(soon, Number(refreshMs));
}
document.addEventListener('visibilitychange', () => {
  if (events || refreshMs) soon();
});
